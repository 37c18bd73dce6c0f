// Which events are fired, on which object, in which order, with which fields.

const SMALL = { resolution: '320x240' };

/** Tell of events with the name of the object that fires them and some of their fields. */
const listen = (tell, name, target, types, ...fields) => {
  for (const type of types) {
    target.on(type, (event) => {
      const told = fields.map((field) => event?.[field]);
      tell(name, type, event?.type, event === undefined || event.target === undefined || event.target === target, ...told);
    });
  }
};
const OF_PROPERTY = ['changedProperty', 'newValue', 'oldValue', 'reason', 'cancelable'];

/** Wait until `condition` is true. */
window.until = async (condition, longest = 5000) => {
  for (let waited = 0; !condition(); waited += 10) {
    if (waited > longest) throw new Error(`this never comes true: ${condition}`);
    await new Promise((done) => { setTimeout(done, 10); });
  }
};

/** Replace a method of the devices while `action` runs. */
window.withDevices = async (methods, action) => {
  const devices = navigator.mediaDevices;
  const before = Object.fromEntries(Object.keys(methods).map((name) => [name, devices[name].bind(devices)]));
  for (const [name, method] of Object.entries(methods)) devices[name] = (constraints) => method(before[name], constraints);
  try {
    await action();
  } finally {
    for (const name of Object.keys(methods)) delete devices[name];
  }
};

scenarios.muting = async ({ openvidu, tokens, tell }) => {
  const [one, two] = [openvidu(), openvidu()];
  const [session, other] = [one.initSession(), two.initSession()];
  await session.connect(tokens[0]);
  const publisher = await one.initPublisherAsync(undefined, SMALL);
  const fired = [];
  const note = (...what) => fired.push(what);
  listen(note, 'session', session, ['streamPropertyChanged'], ...OF_PROPERTY);
  listen(note, 'publisher', publisher, ['streamPropertyChanged'], ...OF_PROPERTY);
  publisher.publishAudio(false);
  publisher.publishAudio(true);
  tell('before it is published', fired.length);
  await session.publish(publisher);
  const created = next(other, 'streamCreated');
  await other.connect(tokens[1]);
  const subscriber = other.subscribe((await created).stream, undefined);
  listen((...what) => tell('remote', ...what), 'session', other, ['streamPropertyChanged'], ...OF_PROPERTY);
  listen((...what) => tell('remote', ...what), 'subscriber', subscriber, ['streamPropertyChanged'], ...OF_PROPERTY);
  for (const mute of [() => publisher.publishAudio(false), () => publisher.publishVideo(false), () => publisher.publishAudio(true)]) {
    const done = next(subscriber, 'streamPropertyChanged');
    mute();
    tell('returned', fired.length, publisher.stream.audioActive, publisher.stream.videoActive);
    await done;
    await until(() => fired.length === 2);
    for (const what of fired.splice(0)) tell(...what);
    tell('seen', subscriber.stream.audioActive, subscriber.stream.videoActive);
  }
  const track = (await two.getUserMedia({ videoSource: false })).getAudioTracks()[0];
  const done = next(subscriber, 'streamPropertyChanged');
  const replacing = publisher.replaceTrack(track);
  tell('replaceTrack returned', fired.length);
  await Promise.all([replacing, done]);
  await until(() => fired.filter((what) => what.includes('audioTrack')).length === 2);
  for (const what of fired.splice(0)) tell(...what);
};

scenarios.signals = async ({ openvidu, tokens, tell }) => {
  const session = openvidu().initSession();
  const other = openvidu().initSession();
  await session.connect(tokens[0]);
  await other.connect(tokens[1]);
  listen(tell, 'session', session, ['signal:chat', 'signal', 'signal:signal'], 'data');
  for (const options of [{ data: 'a', type: 'chat' }, { data: 'b', type: 'signal:chat' }, { data: 'c' }]) {
    const done = next(session, 'signal');
    await other.signal(options);
    tell('from', (await done).from === session.remoteConnections.get(other.connection.connectionId));
  }
};

const OF_PUBLISHER = ['videoElementCreated', 'accessAllowed', 'accessDenied', 'accessDialogOpened', 'accessDialogClosed', 'streamPlaying'];

scenarios.allowed = async ({ openvidu, tell }) => {
  const factory = openvidu();
  factory.initSession();
  const publisher = await new Promise((resolve) => {
    const made = factory.initPublisher('videos', SMALL, (error) => { tell('handler', error, made.accessAllowed); });
    tell('returned', made.accessAllowed, made.videos.length, made.id);
    for (const type of OF_PUBLISHER) {
      made.on(type, (event) => {
        tell(type, event?.type, event?.element === made.videos[0].video, made.accessAllowed, Boolean(made.stream.getMediaStream()));
        if (type === 'streamPlaying') resolve(made);
      });
    }
  });
  publisher.off('accessAllowed'); // openvidu-browser calls all handlers again when one is added
  publisher.on('accessAllowed', (event) => tell('late', event));
  publisher.off('accessAllowed');
  publisher.once('accessAllowed', (event) => tell('late, once', event));
  publisher.on('accessDenied', (event) => tell('never', event));
  const [{ video }] = publisher.videos;
  tell('element', video.muted, video.autoplay, video.controls, video.style.transform, video.id, video.parentNode.id);
  const asynchronous = await factory.initPublisherAsync(undefined, { ...SMALL, audioSource: false, publishVideo: false, mirror: false });
  tell('initPublisherAsync', asynchronous.accessAllowed, asynchronous.stream.hasAudio, asynchronous.stream.videoActive,
    asynchronous.stream.getMediaStream().getTracks().map(({ kind, enabled }) => [kind, enabled]));
};

scenarios.denied = async ({ openvidu, tell }) => {
  const factory = openvidu();
  factory.initSession();
  const refuse = async () => { throw new DOMException('no', 'NotAllowedError'); };
  await withDevices({ getUserMedia: refuse }, async () => {
    const publisher = await new Promise((resolve) => {
      const made = factory.initPublisher('videos', SMALL, (error) => tell('handler', error.name, made.accessAllowed));
      for (const type of OF_PUBLISHER) {
        made.on(type, (event) => { tell(type, event?.name, made.accessAllowed); resolve(made); });
      }
    });
    publisher.off('accessDenied');
    publisher.on('accessDenied', () => tell('late'));
    tell('initPublisherAsync', (await failure(factory.initPublisherAsync(undefined, SMALL))).name);
  });
  tell('elements', document.querySelectorAll('video').length);
};

/** The browser's dialog is open for longer than 2 s, then for less. */
scenarios.dialog = async ({ openvidu, tell }) => {
  const factory = openvidu();
  factory.initSession();
  let wait = 2300;
  const slow = async (ask, constraints) => {
    await new Promise((done) => { setTimeout(done, wait); });
    return ask(constraints);
  };
  await withDevices({ getUserMedia: slow }, async () => {
    for (wait of [2300, 50]) {
      await new Promise((resolve) => {
        const publisher = factory.initPublisher(undefined, SMALL, () => tell('handler'));
        for (const type of OF_PUBLISHER) publisher.on(type, (event) => tell(type, event?.type));
        publisher.on('accessAllowed', resolve);
      });
    }
  });
};

scenarios.playing = async ({ openvidu, tokens, tell }) => {
  const [one, two] = [openvidu(), openvidu()];
  const [session, other] = [one.initSession(), two.initSession()];
  await session.connect(tokens[0]);
  await session.publish(await one.initPublisherAsync(undefined, SMALL));
  const created = next(other, 'streamCreated');
  await other.connect(tokens[1]);
  const subscriber = other.subscribe((await created).stream, 'videos');
  let playing = 0;
  subscriber.on('streamPlaying', ({ type, target, cancelable }) => {
    tell(type, target === subscriber, cancelable);
    playing += 1;
  });
  await until(() => playing === 1);
  const second = subscriber.createVideoElement('videos', 'PREPEND');
  await new Promise((resolve) => { second.addEventListener('playing', resolve, { once: true }); });
  tell('a second element', playing, second.parentNode.firstChild === second);
  const again = async (video) => {
    const { srcObject } = video;
    const canPlay = new Promise((resolve) => { video.addEventListener('canplay', resolve, { once: true }); });
    video.srcObject = null;
    video.srcObject = srcObject;
    await canPlay;
  };
  await again(second);
  tell('the second one again', playing);
  await again(subscriber.videos[0].video);
  await until(() => playing === 2);
  tell('the first one again', playing);
};

scenarios.notConnected = async ({ openvidu, tokens, tell }) => {
  const session = openvidu().initSession();
  const target = document.getElementById('videos');
  const subscribe = (...more) => {
    try {
      session.subscribe({}, target, ...more);
    } catch ({ name }) {
      tell('thrown', name);
    }
  };
  subscribe();
  subscribe((error) => tell('handler', error.name));
  subscribe({}, (error) => tell('handler after properties', error.name));
  tell('subscribeAsync', (await failure(session.subscribeAsync({}, target))).name);
  tell('unsubscribe', (await failure(session.unsubscribe({}))).name);
  tell('signal', (await failure(session.signal({ data: 'x' }))).name);
  tell('forceDisconnect', (await failure(session.forceDisconnect({}))).name);
  tell('forceUnpublish', (await failure(session.forceUnpublish({}))).name);
  tell('unpublish', (await failure(session.unpublish({ stream: {} }))).name);
  tell('elements', target.childElementCount, tokens.length);
};
