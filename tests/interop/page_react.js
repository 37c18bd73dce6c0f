// A page in React, as OpenVidu's tutorial of it is: the videos are elements of the page, which show what a stream manager has.

const { Component, createElement, createRef } = React;

class VideoOf extends Component {
  constructor(props) {
    super(props);
    this.video = createRef();
  }

  componentDidUpdate() {
    this.props.streamManager?.addVideoElement(this.video.current);
  }

  componentDidMount() {
    this.componentDidUpdate();
  }

  render() {
    return createElement('video', { autoPlay: true, ref: this.video });
  }
}

class VideoRoom extends Component {
  constructor(props) {
    super(props);
    this.state = { session: undefined, publisher: undefined, subscribers: [] };
  }

  listen(name, object, types) {
    for (const type of types) object.on(type, (event) => this.props.note(name, type, event));
  }

  join(token, user) {
    this.OV = new this.props.OpenVidu();
    return new Promise((resolve, reject) => {
      this.setState({ session: this.OV.initSession() }, () => this.joined(token, user).then(resolve, reject));
    });
  }

  async joined(token, user) {
    const { session } = this.state;
    this.listen('session', session, ['connectionCreated', 'connectionDestroyed', 'streamCreated', 'streamDestroyed', 'streamPropertyChanged',
      'signal:chat', 'sessionDisconnected']);
    session.on('streamCreated', ({ stream }) => {
      const subscriber = session.subscribe(stream, undefined);
      this.listen('subscriber', subscriber, ['videoElementCreated', 'streamPlaying', 'streamPropertyChanged']);
      this.setState(({ subscribers }) => ({ subscribers: [...subscribers, subscriber] }));
    });
    session.on('streamDestroyed', ({ stream }) => {
      this.setState(({ subscribers }) => ({ subscribers: subscribers.filter((one) => one !== stream.streamManager) }));
    });
    await session.connect(token, { clientData: user });
    const publisher = await this.OV.initPublisherAsync(undefined, { resolution: '320x240', frameRate: 30, mirror: false });
    this.listen('publisher', publisher, ['accessAllowed', 'streamCreated', 'streamDestroyed', 'streamPlaying', 'streamPropertyChanged']);
    session.publish(publisher);
    const videoTrack = publisher.stream.getMediaStream().getVideoTracks()[0];
    const devices = await this.OV.getDevices();
    this.device = devices.find(({ deviceId }) => deviceId === videoTrack.getSettings().deviceId)?.kind;
    this.setState({ publisher });
  }

  leave() {
    this.state.session?.disconnect();
    this.OV = null;
    this.setState({ session: undefined, subscribers: [], publisher: undefined });
  }

  render() {
    const { publisher, subscribers } = this.state;
    const videos = subscribers.map((subscriber) => createElement(VideoOf, { key: subscriber.stream.streamId, streamManager: subscriber }));
    return createElement('div', null, publisher && createElement(VideoOf, { streamManager: publisher }), ...videos);
  }
}

pages.react = ({ OpenVidu, place, note }) => {
  const element = document.createElement('div');
  document.getElementById(place).append(element);
  const room = createRef();
  ReactDOM.createRoot(element).render(createElement(VideoRoom, { OpenVidu, note, ref: room }));
  return {
    join: async (token, user) => {
      await until(() => room.current);
      await room.current.join(token, user);
    },
    mute: () => { room.current.state.publisher.publishAudio(false); room.current.state.publisher.publishVideo(false); },
    say: (data) => room.current.state.session.signal({ data, type: 'chat' }),
    leave: () => room.current.leave(),
  };
};
