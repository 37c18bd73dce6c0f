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


const RESOLUTION = { resolution: '320x240' };

/** Let `getUserMedia` fail for the kinds in `broken`, and `getDisplayMedia` with `screen`; give real devices otherwise. */
const broken = ({ audio, video, screen }, action) => {
  const captured = [];
  const failing = (constraints) => (constraints.video && video) || (constraints.audio && audio);
  const thrown = ([name, constraint]) => Object.assign(new DOMException('not today', name), { constraint });
  const getUserMedia = async (ask, constraints) => {
    const because = failing(constraints);
    if (because) throw thrown(because);
    return ask({ audio: Boolean(constraints.audio), video: Boolean(constraints.video) });
  };
  const getDisplayMedia = async () => {
    if (screen) throw thrown(screen);
    const stream = await navigator.mediaDevices.getUserMedia({ audio: false, video: true });
    captured.push(...stream.getTracks());
    return stream;
  };
  return withDevices({ getUserMedia, getDisplayMedia }, () => action(captured));
};

scenarios.errorNames = async ({ openvidu, tell }) => {
  const factory = openvidu();
  factory.initSession();
  const nameOf = async (properties) => (await failure(factory.initPublisherAsync(undefined, { ...RESOLUTION, ...properties })))?.name;
  const causes = [['NotFoundError'], ['NotAllowedError'], ['NotReadableError'], ['AbortError'], ['OverconstrainedError', 'deviceId'],
    ['OverconstrainedError', 'frameRate'], ['SyntaxError']];
  for (const cause of causes) {
    const ids = { audioSource: 'a microphone', videoSource: 'a camera' };
    await broken({ audio: cause }, async () => tell('microphone', ...cause, await nameOf(ids)));
    await broken({ video: cause }, async () => tell('camera', ...cause, await nameOf(ids)));
    await broken({ video: cause }, async () => tell('camera alone', ...cause, await nameOf({ ...ids, audioSource: false })));
    await broken({ audio: cause }, async (captured) => {
      tell('microphone beside a screen', ...cause, await nameOf({ ...ids, videoSource: 'screen' }),
        captured.map(({ readyState }) => readyState));
    });
  }
  for (const cause of ['NotAllowedError', 'NotReadableError', 'AbortError', 'SyntaxError']) {
    await broken({ screen: [cause] }, async () => tell('screen', cause, await nameOf({ videoSource: 'screen' })));
  }
  tell('nothing', await nameOf({ audioSource: false, videoSource: false }), await nameOf({ audioSource: null, videoSource: null }));
};

scenarios.noScreens = async ({ openvidu, tell }) => {
  const factory = openvidu();
  const { getDisplayMedia } = MediaDevices.prototype;
  delete MediaDevices.prototype.getDisplayMedia;
  try {
    tell((await failure(factory.initPublisherAsync(undefined, { videoSource: 'screen' }))).name);
  } finally {
    MediaDevices.prototype.getDisplayMedia = getDisplayMedia;
  }
};

/** What is asked of the browser for a screen, and what is published of it. */
scenarios.screens = async ({ openvidu, tell }) => {
  const factory = openvidu();
  factory.initSession();
  for (const sound of [true, false]) {
    const getDisplayMedia = async (_ask, { audio }) => {
      tell('getDisplayMedia', Boolean(audio));
      return navigator.mediaDevices.getUserMedia({ audio: Boolean(audio) && sound, video: true });
    };
    await withDevices({ getDisplayMedia }, async () => {
      for (const properties of [
        { videoSource: 'screen', audioSource: 'screen' },
        { videoSource: 'screen', audioSource: false },
        { videoSource: 'screen' },
      ]) {
        const { stream } = await factory.initPublisherAsync('videos', properties);
        const kinds = stream.getMediaStream().getTracks().map(({ kind }) => kind).sort();
        tell(properties, kinds, stream.typeOfVideo, stream.hasVideo, document.querySelector('#videos').lastChild.style.transform);
      }
    });
  }
};

scenarios.mirrored = async ({ openvidu, tokens, tell }) => {
  const { publisher, subscriber } = await call(openvidu, tokens);
  const video = document.createElement('video');
  document.getElementById('videos').append(video);
  for (const manager of [publisher, publisher, subscriber, publisher]) {
    manager.addVideoElement(video);
    tell(video.style.transform, video.muted, video.srcObject === manager.stream.getMediaStream());
  }
};

/** Publish a window: openvidu-browser's `getUserMedia` asks for one, its `initPublisher` opens the camera. */
scenarios.window = async ({ openvidu, tell }) => {
  const factory = openvidu();
  const getDisplayMedia = async () => {
    tell('getDisplayMedia');
    return navigator.mediaDevices.getUserMedia({ audio: false, video: true });
  };
  await withDevices({ getDisplayMedia }, async () => {
    factory.initSession();
    const { stream } = await factory.initPublisherAsync(undefined, { videoSource: 'window', audioSource: false });
    tell(stream.typeOfVideo);
  });
};

scenarios.releasedBefore = async ({ openvidu, tokens, tell }) => {
  const [one, two] = [openvidu(), openvidu()];
  const [session, other] = [one.initSession(), two.initSession()];
  await session.connect(tokens[0]);
  const publisher = await one.initPublisherAsync(undefined, { resolution: '320x240' });
  await session.publish(publisher);
  await publisher.publishVideo(false, true);
  const created = next(other, 'streamCreated');
  await other.connect(tokens[1]);
  const subscriber = other.subscribe((await created).stream, 'videos');
  tell('subscribed', subscriber.stream.videoActive, subscriber.stream.audioActive);
  await next(subscriber, 'streamPlaying');
  const enabled = () => subscriber.stream.getMediaStream().getTracks().map(({ kind, enabled: on }) => [kind, on]);
  tell('playing', enabled());
  const [{ video }] = subscriber.videos;
  const frame = new Promise((resolve) => { video.requestVideoFrameCallback((_, { width }) => resolve(width > 2)); });
  const changed = next(subscriber, 'streamPropertyChanged');
  await publisher.publishVideo(true);
  await changed;
  tell('turned on', enabled(), await frame);
};
