// What is set when a call returns, before its promise settles, and when an event is fired.

const state = (session, publisher) => ({
  session: publisher.session === session,
  ofStream: publisher.stream.session === session,
  connection: publisher.stream.connection !== undefined && publisher.stream.connection === session.connection,
  ofConnection: session.connection?.stream === publisher.stream,
  hasId: Boolean(publisher.stream.streamId),
});

scenarios.publishing = async ({ openvidu, tokens, tell }) => {
  const factory = openvidu();
  const session = factory.initSession();
  tell('initSession returned', factory.session === session, Boolean(session.sessionConnected()));
  const publisher = factory.initPublisher(undefined, { resolution: '320x240' });
  tell('before', publisher.session === undefined, publisher.stream.connection);
  tell('not connected', (await failure(session.publish(publisher)))?.name, publisher.session === undefined);
  const connecting = session.connect(tokens[0]);
  tell('connecting', session.sessionId === new URL(tokens[0]).searchParams.get('sessionId'));
  await connecting;
  tell('connected', session.sessionConnected());
  const publishing = session.publish(publisher);
  tell('publish returned', state(session, publisher));
  await publishing;
  tell('published', state(session, publisher));
};

scenarios.joiningLater = async ({ openvidu, tokens, tell }) => {
  const first = openvidu();
  const there = first.initSession();
  await there.connect(tokens[0], { name: 'first' });
  const publisher = await first.initPublisherAsync(undefined, { resolution: '320x240' });
  await there.publish(publisher);
  const session = openvidu().initSession();
  const known = () => [...session.remoteConnections.values()].map((connection) => ({
    data: connection.data,
    stream: connection.stream?.streamId === publisher.stream.streamId,
    connection: connection.stream?.connection === connection,
    hasAudio: connection.stream?.hasAudio,
    typeOfVideo: connection.stream?.typeOfVideo,
  }));
  const created = () => [...session.remoteStreamsCreated.keys()].map((id) => id === publisher.stream.streamId);
  for (const name of ['connectionCreated', 'streamCreated']) {
    session.on(name, ({ connection, stream }) => {
      const own = connection === session.connection;
      tell(name, own, connection?.data, stream?.connection.data, known(), created());
    });
  }
  session.on('streamCreated', ({ stream }) => {
    tell('the same stream', stream === [...session.remoteConnections.values()][0].stream);
  });
  await session.connect(tokens[1]);
};

scenarios.afterwards = async ({ openvidu, tokens, tell }) => {
  const [one, two] = [openvidu(), openvidu()];
  const [there, session] = [one.initSession(), two.initSession()];
  await there.connect(tokens[0]);
  const publisher = await one.initPublisherAsync(undefined, { resolution: '320x240' });
  await there.publish(publisher);
  const other = (await two.getUserMedia({ audioSource: false, resolution: '160x120' })).getVideoTracks()[0];
  const muting = publisher.publishVideo(false);
  tell('publishVideo returned', publisher.stream.videoActive, publisher.stream.getMediaStream().getVideoTracks()[0].enabled);
  await muting;
  publisher.publishAudio(false);
  tell('publishAudio returned', publisher.stream.audioActive, publisher.stream.getMediaStream().getAudioTracks()[0].enabled);
  const replacing = publisher.replaceTrack(other);
  tell('replaceTrack returned', publisher.stream.getMediaStream().getVideoTracks()[0] === other, other.enabled);
  await replacing;
  const created = next(session, 'streamCreated');
  await session.connect(tokens[1]);
  const { stream } = await created;
  const subscriber = session.subscribe(stream, 'videos');
  tell('subscribe returned', subscriber.stream === stream, stream.streamManager === subscriber, stream.session === session,
    session.streamManagers.length, session.streamManagers[0] === subscriber, subscriber.videos.length, subscriber.remote,
    subscriber.videos[0].id === subscriber.id, subscriber.id === `remote-video-${stream.streamId}`, subscriber.targetElement.id);
  const video = document.createElement('video');
  tell('addVideoElement returned', subscriber.addVideoElement(video), video.autoplay, video.controls, subscriber.videos.length);
  session.disconnect();
  tell('disconnect returned', session.streamManagers.length, session.remoteConnections.size);
};

/** openvidu-browser leaves them set. */
scenarios.refused = async ({ openvidu, tokens, tell }) => {
  const factory = openvidu();
  const session = factory.initSession();
  await session.connect(tokens[0]);
  const publisher = factory.initPublisher(undefined, { resolution: '320x240' });
  const { name } = await failure(session.publish(publisher));
  tell(name, state(session, publisher));
};
