// One participant as a page of openvidu-browser's own users would write it: the counterpart of `participant.py`, function
// by function. It tells the test what it is told (`tell`).

const SESSION_EVENTS = [
  'connectionCreated', 'connectionDestroyed', 'streamCreated', 'streamDestroyed', 'streamPropertyChanged', 'signal',
  'reconnecting', 'reconnected', 'sessionDisconnected', 'exception',
];

window.ov = new OpenVidu();
window.session = ov.initSession();
window.publisher = undefined;

const report = (name, event, whose) => tell(JSON.stringify({
  name: event?.type ?? name, // reconnecting and reconnected come without an event
  whose,
  reason: String(event?.reason ?? event?.name ?? ''),
  stream: event?.stream?.streamId ?? '',
  data: String(event?.data ?? ''),
}));

for (const name of SESSION_EVENTS) session.on(name, (event) => report(name, event, 'session'));

session.on('streamCreated', (event) => {
  const subscriber = session.subscribe(event.stream, 'others');
  subscriber.on('streamPlaying', (happened) => report('streamPlaying', happened, 'subscriber'));
});

const functions = {
  async join(token, name, configuration) {
    ov.setAdvancedConfiguration(JSON.parse(configuration));
    await session.connect(token, { name });
    return session.connection.connectionId;
  },
  async publish(properties = '{}') {
    publisher = await ov.initPublisherAsync('me', JSON.parse(properties));
    for (const name of ['streamCreated', 'streamDestroyed']) {
      publisher.on(name, (event) => report(name, event, 'publisher'));
    }
    await session.publish(publisher);
    return publisher.stream.streamId;
  },
  picture() {
    const managers = session.streamManagers;
    return JSON.stringify({
      streams: managers.map((item) => item.stream.streamId),
      elements: managers.flatMap((item) => item.videos.map((video) => video.video.dataset.tag)),
      audio: managers.map((item) => item.stream.audioActive),
      video: managers.map((item) => item.stream.videoActive),
      tracks: managers.flatMap((item) => item.stream.getMediaStream().getTracks().map((track) => track.id)),
    });
  },
  iceServers() {
    const connections = session.streamManagers.map((item) => item.stream.getRTCPeerConnection());
    return connections.flatMap((peer) => peer.getConfiguration().iceServers.flatMap((server) => server.urls));
  },
};

window.call = async (name, ...args) => functions[name](...args);
