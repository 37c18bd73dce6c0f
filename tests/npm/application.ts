// What applications do with openvidu-browser: compiled against it and against pyvidu, with `strict`.

import {
  type Capabilities,
  type Connection,
  type Device,
  type OpenViduAdvancedConfiguration,
  type PublisherProperties,
  type SessionEventMap,
  type SignalOptions,
  type StreamManager,
  type SubscriberProperties,
  ConnectionEvent,
  Event,
  ExceptionEvent,
  ExceptionEventName,
  Filter,
  type FilterEvent,
  OpenVidu,
  OpenViduError,
  OpenViduErrorName,
  Publisher,
  Session,
  SessionDisconnectedEvent,
  SignalEvent,
  Stream,
  StreamEvent,
  Subscriber,
  TypeOfVideo,
  VideoInsertMode,
} from 'openvidu-browser';

export class Call {
  private readonly openvidu = new OpenVidu();
  private readonly session: Session = this.openvidu.initSession();
  private publisher: Publisher | undefined;
  private readonly subscribers: Subscriber[] = [];
  banner = '';

  constructor() {
    const configuration: OpenViduAdvancedConfiguration = {
      forceMediaReconnectionAfterNetworkDrop: true,
      iceServers: [{ urls: 'turn:turn.example', username: 'a', credential: 'b' }],
      noStreamPlayingEventExceptionTimeout: 8000,
      publisherSpeakingEventsOptions: { interval: 100, threshold: -50 },
    };
    this.openvidu.setAdvancedConfiguration(configuration);
    this.openvidu.enableProdMode();
  }

  async join(token: string, name: string, element: HTMLElement): Promise<void> {
    if (!this.openvidu.checkSystemRequirements()) throw new Error('This browser cannot make calls');
    this.listen();
    await this.session.connect(token, { clientData: name });
    const properties: PublisherProperties = {
      audioSource: true,
      videoSource: undefined as unknown as string,
      publishAudio: true,
      publishVideo: true,
      resolution: '640x480',
      frameRate: 30,
      insertMode: VideoInsertMode.APPEND,
      mirror: false,
      filter: new Filter('GStreamerFilter', { command: 'videobalance saturation=0.0' }),
    };
    this.publisher = this.openvidu.initPublisher(element, properties, (error?: Error) => {
      if (error) this.failed(error);
    });
    this.publisher
      .on('accessAllowed', () => (this.banner = ''))
      .once('accessDialogOpened', () => (this.banner = 'Allow the camera'))
      .on('streamPlaying', (event) => console.log(event.target, event.value))
      .on('videoElementCreated', ({ element: video }) => (video.muted = true));
    await this.session.publish(this.publisher);
    await this.publisher.stream.removeFilter();
    const filter: Filter = await this.publisher.stream.applyFilter('ZBarFilter', {});
    await filter.addEventListener('CodeFound', (event: FilterEvent) => console.log(event.target === filter, event.data));
    await filter.execMethod('method', { name: 'value' });
    console.log(filter.type, filter.options, filter.lastExecMethod?.params, this.publisher.stream.filter?.type);
    const named: Publisher = await this.openvidu.initPublisherAsync('me', { videoSource: 'screen', insertMode: 'APPEND' });
    named.off('streamPlaying');
  }

  private listen(): void {
    this.session.on('streamCreated', (event: StreamEvent) => {
      const properties: SubscriberProperties = { insertMode: VideoInsertMode.APPEND, subscribeToAudio: true };
      const subscriber = this.session.subscribe(event.stream, 'others', properties);
      subscriber.on('streamPlaying', () => this.layout(subscriber)).subscribeToAudio(true).subscribeToVideo(true);
      this.subscribers.push(subscriber);
    });
    this.session.on('streamDestroyed', (event) => {
      event.preventDefault();
      console.log(event.reason === 'networkDisconnect', event.isDefaultPrevented(), event.cancelable, event.type);
    });
    this.session.on('sessionDisconnected', (event: SessionDisconnectedEvent) => (this.banner = event.reason));
    this.session.on('connectionCreated', ({ connection }: ConnectionEvent) => console.log(connection.connectionId));
    this.session.on('reconnecting', () => (this.banner = 'Oops! Trying to reconnect'));
    this.session.on('reconnected', () => (this.banner = ''));
    this.session.on('signal:chat', (event: SignalEvent) => console.log(event.from?.data, event.data ?? ''));
    this.session.once('signal', (event) => console.log(event.type));
    this.session.on('exception', (event: ExceptionEvent) => {
      if (event.name === ExceptionEventName.ICE_CONNECTION_FAILED && event.origin instanceof Stream) console.warn(event.message);
    });
    this.session.on('publisherStartSpeaking', (event) => console.log(event.connection.connectionId, event.streamId));
    this.session.on('streamPropertyChanged', (event) => {
      if (event.changedProperty === 'videoActive' && event.reason === 'publishVideo') this.layout(event.stream.streamManager);
    });
    const name: keyof SessionEventMap = 'networkQualityLevelChanged';
    this.session.on(name, ({ newValue, oldValue }) => console.log(newValue - oldValue));
    const handler = (event: Event) => console.log(event.type);
    this.session.on('recordingStarted', handler).off('recordingStarted', handler);
  }

  async mute(publisher: Publisher): Promise<void> {
    publisher.publishAudio(!publisher.stream.audioActive);
    await publisher.publishVideo(false, true);
    const camera = await this.openvidu.getUserMedia({ audioSource: false, videoSource: true });
    const [track] = camera.getVideoTracks();
    if (track) await publisher.publishVideo(true, track);
    if (track) await publisher.replaceTrack(track);
  }

  async say(text: string, to: Connection[]): Promise<void> {
    const signal: SignalOptions = { data: text, to, type: 'chat' };
    await this.session.signal(signal);
  }

  async devices(): Promise<string[]> {
    const all: Device[] = await this.openvidu.getDevices();
    return all.filter((device) => device.kind === 'videoinput').map(({ deviceId, label }) => `${label} ${deviceId}`);
  }

  async moderate(subscriber: Subscriber): Promise<void> {
    const allowed: Capabilities = this.session.capabilities;
    if (allowed.forceUnpublish) await this.session.forceUnpublish(subscriber.stream);
    if (allowed.forceDisconnect) await this.session.forceDisconnect(subscriber.stream.connection);
    await this.session.unsubscribe(subscriber);
    const again = await this.session.subscribeAsync(subscriber.stream, document.body);
    again.addVideoElement(document.createElement('video'));
    const video: HTMLVideoElement = again.createVideoElement('others', VideoInsertMode.REPLACE);
    video.requestFullscreen();
  }

  leave(): void {
    if (this.publisher) void this.session.unpublish(this.publisher);
    this.session.disconnect();
  }

  private layout(manager: StreamManager): void {
    const { width, height } = manager.stream.videoDimensions;
    const isScreen = manager.stream.typeOfVideo === TypeOfVideo.SCREEN;
    for (const { video, id } of manager.videos) console.log(video.videoWidth, id, manager.remote, isScreen, width / height);
    const media: MediaStream = manager.stream.getMediaStream();
    const peer: RTCPeerConnection = manager.stream.getRTCPeerConnection();
    console.log(media.id, peer.connectionState, this.session.streamManagers.length);
  }

  private failed(error: unknown): void {
    if (error instanceof OpenViduError && error.name === OpenViduErrorName.DEVICE_ACCESS_DENIED) this.banner = error.message;
  }
}
