// Calls that are made wrongly, and what is left of each: elements, tracks, captured screens, peer connections.

scenarios.misuse = async ({ openvidu, tokens, tell }) => {
  const tracks = [];
  const opened = async (ask, constraints) => {
    const stream = await ask(constraints);
    tracks.push(...stream.getTracks());
    return stream;
  };
  const Real = window.RTCPeerConnection;
  const connections = [];
  window.RTCPeerConnection = class extends Real {
    constructor(...args) {
      super(...args);
      connections.push(this);
    }
  };
  const left = () => [
    document.querySelectorAll('video').length,
    tracks.filter(({ readyState }) => readyState === 'live').length,
    connections.filter(({ connectionState }) => connectionState !== 'closed').length,
  ];
  /** Tell how a call fails, and how much more there is after it than before. */
  const wrong = async (name, call) => {
    const before = left();
    let how = 'thrown';
    let error;
    try {
      const promise = call();
      how = 'rejected';
      await promise;
      how = 'not at all';
    } catch (thrown) {
      error = thrown;
    }
    tell(name, how, error?.constructor.name, error?.name, (error?.message ?? '').length > 15, left().map((count, index) => count - before[index]));
  };
  const screen = (_ask, constraints) => opened(() => navigator.mediaDevices.getUserMedia({ ...constraints, audio: false }), {});
  const refuse = async () => { throw new DOMException('no', 'NotAllowedError'); };
  try {
    await withDevices({ getUserMedia: opened, getDisplayMedia: screen }, async () => {
      const one = openvidu();
      const [session, other, never] = [one.initSession(), openvidu().initSession(), one.initSession()];
      const small = { resolution: '320x240' };
      const publisher = await one.initPublisherAsync('videos', small);

      await wrong('connect without a token', () => never.connect());
      await wrong('connect with nonsense', () => never.connect('nonsense'));
      await wrong('connect with metadata that is no JSON', () => never.connect(tokens[0], { count: 1n }));
      await wrong('publish before connect', () => never.publish(publisher));
      await wrong('initPublisher with a wrong resolution', () => one.initPublisherAsync('videos', { resolution: 'large' }));
      await wrong('initPublisher with a wrong rate', () => one.initPublisherAsync('videos', { frameRate: -1 }));
      await wrong('initPublisher with a wrong source', () => one.initPublisherAsync('videos', { videoSource: 5 }));
      await wrong('initPublisher without a source', () => one.initPublisherAsync('videos', { videoSource: false, audioSource: false }));
      await wrong('initPublisher with a wrong handler', () => one.initPublisher('videos', small, 'handler'));
      await wrong('getUserMedia with a wrong resolution', () => one.getUserMedia({ resolution: 7 }));
      await wrong('settings that are none', () => one.setAdvancedConfiguration(7));
      await wrong('a policy that is none', () => one.setAdvancedConfiguration({ reconnection: { attempts: { giveUpAfter: 'soon' } } }));
      await wrong('a switch that is a number', () => one.setAdvancedConfiguration({ reconnection: { media: { pauseWeakVideo: 1 } } }));
      await wrong('a policy with a wrong name', () => one.setAdvancedConfiguration({ reconnection: { attempts: { giveUp: 5 } } }));
      await wrong('a handler that is none', () => session.on('signal'));
      await wrong('an element that is none', () => publisher.addVideoElement(document.createElement('p')));
      await wrong('a target that is none', () => publisher.createVideoElement('nowhere'));
      await wrong('numbers that are none', () => publisher.updatePublisherSpeakingEventsOptions({ threshold: 'loud' }));
      await wrong('a track that is none', () => publisher.replaceTrack('track'));
      await wrong('reconnect what is not published', () => publisher.stream.reconnect());

      await withDevices({ getUserMedia: refuse }, async () => {
        await wrong('a microphone that is refused beside a screen', () => one.initPublisherAsync('videos', { videoSource: 'screen' }));
        await wrong('a camera that is refused', () => one.initPublisherAsync('videos', small));
      });

      await session.connect(tokens[0]);
      await wrong('connect twice', () => session.connect(tokens[0]));
      await wrong('publish what is no publisher', () => session.publish({}));
      await wrong('unpublish what is not published', () => session.unpublish(publisher));
      await wrong('subscribe to what is no stream', () => session.subscribe({}, 'videos'));
      await wrong('subscribe to an own stream', () => session.subscribeAsync(publisher.stream, 'videos'));
      await wrong('unsubscribe what is no subscriber', () => session.unsubscribe({}));
      await wrong('signal to what is no list', () => session.signal({ to: 'everybody' }));
      await wrong('signal with a type that is no text', () => session.signal({ type: 5 }));
      await wrong('forceDisconnect what is no connection', () => session.forceDisconnect({}));
      await wrong('forceDisconnect without the role', () => session.forceDisconnect(session.connection));
      await wrong('forceUnpublish what is no stream', () => session.forceUnpublish('stream'));
      await wrong('speech to text of what is no stream', () => session.subscribeToSpeechToText({}, 'en'));
      await session.publish(publisher);
      await wrong('publish twice', () => session.publish(publisher));
      await wrong('a filter', () => publisher.stream.applyFilter('GStreamerFilter', {}));

      const created = next(other, 'streamCreated');
      await other.connect(tokens[1]);
      const { stream } = await created;
      await wrong('publish as a subscriber', () => other.publish(publisher));
      await wrong('reconnect what is not subscribed to', () => stream.reconnect());
      const gone = next(other, 'streamDestroyed');
      await session.unpublish(publisher);
      await gone;
      await wrong('subscribe to what has ended', () => other.subscribeAsync(stream, 'videos'));
      session.disconnect();
      await wrong('publish after disconnect', () => session.publish(publisher));
      await wrong('signal after disconnect', () => session.signal({ data: 'x' }));
      await wrong('connect with a used token', () => session.connect(tokens[0]));
    });
  } finally {
    window.RTCPeerConnection = Real;
    for (const track of tracks) track.stop();
  }
};
