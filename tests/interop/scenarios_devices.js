// Which devices are open, and what errors about them are called.

/** Return a session with a published stream, and a subscriber in another one whose first video plays. */
const call = async (openvidu, tokens) => {
  const [one, two] = [openvidu(), openvidu()];
  const [session, other] = [one.initSession(), two.initSession()];
  await session.connect(tokens[0]);
  const publisher = await one.initPublisherAsync('videos', { resolution: '320x240' });
  await session.publish(publisher);
  const created = next(other, 'streamCreated');
  await other.connect(tokens[1]);
  const subscriber = other.subscribe((await created).stream, 'videos');
  await next(subscriber, 'streamPlaying');
  return { one, session, publisher, other, subscriber };
};

const tracks = ({ stream }) => stream.getMediaStream().getTracks().map(({ kind, enabled, readyState }) => [kind, enabled, readyState]);
const videoOf = ({ stream }) => stream.getMediaStream().getVideoTracks()[0];
const sentBy = ({ stream }) => stream.getRTCPeerConnection().getSenders().find(({ track }) => track?.kind === 'video').track;

scenarios.freeing = async ({ openvidu, tokens, tell }) => {
  const { one, publisher, subscriber } = await call(openvidu, tokens);
  const first = videoOf(publisher);
  const changed = async (...mute) => {
    const told = next(subscriber, 'streamPropertyChanged');
    const done = publisher.publishVideo(...mute);
    if (!mute[0]) tell('returned', first.readyState, publisher.stream.videoActive);
    await done;
    const { changedProperty, newValue, reason } = await told;
    tell(changedProperty, newValue, reason, tracks(publisher), publisher.stream.videoActive, videoOf(publisher) === first,
      sentBy(publisher) === videoOf(publisher), publisher.stream.getMediaStream().getTracks().length);
  };
  await changed(false);
  await changed(true);
  await changed(false, true);
  await changed(true);
  await changed(false, true);
  const track = (await one.getUserMedia({ audioSource: false, resolution: '160x120' })).getVideoTracks()[0];
  await changed(true, track);
  tell('the track that was given', videoOf(publisher) === track);
  await changed(false, true);
  const refuse = async () => { throw new DOMException('no', 'NotAllowedError'); };
  await withDevices({ getUserMedia: refuse }, async () => {
    tell('refused', Boolean(await failure(publisher.publishVideo(true))), publisher.stream.videoActive);
  });
};

scenarios.again = async ({ openvidu, tokens, tell }) => {
  const { session, publisher, other } = await call(openvidu, tokens);
  const before = publisher.stream.getMediaStream();
  publisher.on('accessAllowed', () => tell('accessAllowed'));
  publisher.off('streamCreated');
  await session.unpublish(publisher);
  tell('unpublished', before.getTracks().map(({ readyState }) => readyState), publisher.videos.length);
  const created = next(other, 'streamCreated');
  const publishing = session.publish(publisher);
  tell('returned', publisher.session === session);
  await publishing;
  tell('published', tracks(publisher), publisher.stream.getMediaStream() !== before, publisher.accessAllowed,
    sentBy(publisher) === videoOf(publisher), publisher.stream.videoDimensions);
  const subscriber = other.subscribe((await created).stream, 'videos');
  await next(subscriber, 'streamPlaying');
  tell('seen', subscriber.stream.streamId === publisher.stream.streamId);
};
