// Filters. The embedded server applies none: it answers, tells and refuses as the real one.

const KIND = 'GStreamerFilter';
const GREY = { command: 'videobalance saturation=0.0' };
const METHOD = ['setElementProperty', { propertyName: 'saturation', propertyValue: '1.0' }];

/** Return a token of the session of `tokens` that allows filters. */
const allowing = async (tokens, role, ...allowedFilters) => {
  const path = `sessions/${new URL(tokens[0]).searchParams.get('sessionId')}/connection`;
  return (await rest('POST', path, { role, kurentoOptions: { allowedFilters } }))[1].token;
};
/** What is known of a filter. Who calls a method with openvidu-browser has its parameters as a text. */
const known = (filter) => {
  if (!filter) return filter;
  const { type, options, lastExecMethod } = filter;
  if (!lastExecMethod) return [type, options];
  const { method, params } = lastExecMethod;
  return [type, options, method, typeof params === 'string' ? JSON.parse(params) : params];
};
/**
 * Return what `target` tells of filters, with the reasons `applyFilter` and `execFilterMethod`. Who removes one with openvidu-browser
 * is told that it was applied.
 */
const changes = (target, of) => {
  const told = [];
  target.on('streamPropertyChanged', ({ stream, changedProperty, newValue, oldValue, reason, cancelable }) => {
    if (changedProperty !== 'filter') return;
    const is = [stream === of(), newValue === stream.filter, cancelable];
    told.push([...is, known(newValue), oldValue?.type, newValue ? reason : 'removed', reason]);
  });
  return told;
};
/** How a call fails: by the name of its error, or the code of the server's. */
const fails = (promise) => promise.then(() => 'not at all', (error) => error?.code ?? error?.name ?? typeof error);
const without = (told) => told.map((what) => what.slice(0, -1));

/** A moderator watches somebody whose token allows filters. */
const moderated = async ({ openvidu, tokens }, properties = {}) => {
  const [one, two] = [openvidu(), openvidu()];
  const [session, other] = [one.initSession(), two.initSession()];
  await session.connect(await allowing(tokens, 'PUBLISHER', KIND, 'grey', 'red'));
  const publisher = await one.initPublisherAsync('videos', { resolution: '320x240', ...properties });
  await session.publish(publisher);
  const created = next(other, 'streamCreated');
  await other.connect(tokens[1]);
  const { stream } = await created;
  const subscriber = await other.subscribeAsync(stream, 'videos');
  const told = Object.entries({ session, publisher, other, subscriber }).map(([name, target]) => {
    const of = name === 'session' || name === 'publisher' ? publisher : subscriber;
    return [name, changes(target, () => of.stream)];
  });
  return { one, two, session, other, publisher, subscriber, told, heard: (count) => until(() => told.every(([, list]) => list.length === count)) };
};

scenarios.filters = async ({ openvidu, tokens, tell }) => {
  const { session, other, publisher, subscriber, told, heard } = await moderated({ openvidu, tokens });
  const { stream } = publisher;
  const filter = await stream.applyFilter(KIND, GREY);
  tell(filter.constructor.name, known(filter), filter === stream.filter);
  tell('twice', await fails(stream.applyFilter(KIND, GREY)));
  await heard(1);
  tell(subscriber.stream.filter.constructor.name, known(subscriber.stream.filter));
  tell(await filter.execMethod(...METHOD), known(filter));
  await heard(2);
  tell(known(subscriber.stream.filter));
  tell(await subscriber.stream.filter.execMethod('another', '{"a":1}'));
  await heard(3);
  tell(known(stream.filter));

  const late = openvidu().initSession();
  const created = next(late, 'streamCreated');
  await late.connect(await allowing(tokens, 'PUBLISHER'));
  const seen = (await created).stream;
  tell('late', known(seen.filter));
  await late.subscribeAsync(seen, undefined);
  tell('not allowed', await fails(seen.removeFilter()), known(session.connection.stream.filter));

  tell(await filter.addEventListener('CodeFound', () => {}), await filter.removeEventListener('CodeFound'));
  tell('nobody listens', await fails(filter.removeEventListener('CodeFound')));
  tell('no object', await fails(filter.execMethod('x', '[')), await fails(filter.execMethod('x', '7')));
  tell(await subscriber.stream.removeFilter(), subscriber.stream.filter);
  await heard(4);
  tell(stream.filter, seen.filter);
  tell('none', await fails(stream.removeFilter()), await fails(subscriber.stream.removeFilter()));
  tell('unknown', await fails(subscriber.stream.applyFilter('NoSuchFilter', {})), await fails(stream.applyFilter('ZBarFilter', {})));
  tell('no object', await fails(subscriber.stream.applyFilter(KIND, '[')));
  tell(known(await stream.applyFilter(KIND)), known(await stream.applyFilter(KIND, {}).catch(() => undefined)));
  await heard(5);
  tell(await stream.removeFilter(), stream.filter);
  await heard(6);
  tell(...told.map(([name, list]) => [name, without(list)]));

  const gone = next(other, 'streamDestroyed');
  const destroyed = subscriber.stream;
  await session.unpublish(publisher);
  await gone;
  tell('ended', await fails(destroyed.applyFilter(KIND, {})));
  const three = openvidu();
  three.initSession();
  const alone = await three.initPublisherAsync(undefined, { resolution: '320x240' });
  tell('not connected', await fails(alone.stream.applyFilter(KIND, {})));
};

/** Reasons and parameters, as they are. */
scenarios.reasons = async ({ openvidu, tokens, tell }) => {
  const { publisher, told, heard } = await moderated({ openvidu, tokens });
  const filter = await publisher.stream.applyFilter(KIND, GREY);
  await filter.execMethod(...METHOD);
  tell(filter.lastExecMethod.params);
  await publisher.stream.removeFilter();
  await heard(3);
  tell(...told.map(([name, list]) => [name, ...list.map((what) => what.at(-1))]));
};

scenarios.filterOfPublisher = async ({ openvidu, tokens, tell }) => {
  const one = openvidu();
  const given = { type: KIND, options: GREY };
  const early = one.initPublisher(undefined, { resolution: '320x240', filter: given });
  tell(known(early.stream.filter));
  const { session, publisher, subscriber, heard } = await moderated({ openvidu, tokens }, { filter: given });
  tell(known(publisher.stream.filter), known(subscriber.stream.filter));
  await publisher.stream.reconnect();
  tell(known(subscriber.stream.filter));
  tell(await publisher.stream.removeFilter());
  await heard(1);
  tell(publisher.stream.filter, subscriber.stream.filter);
  const refused = openvidu().initSession();
  await refused.connect(await allowing(tokens, 'PUBLISHER'));
  tell(await refused.publish(early).then(() => 'published', () => 'refused'), session.sessionConnected());
};

// --- filters of the page: not in openvidu-browser -------------------------------------------------------------------

/** Frames of a filter that runs, and how often each of its tracks was ended. */
const running = { frames: 0, ended: [] };

/** A filter by a canvas: everything in one colour. */
const painted = (track, { colour }) => {
  const [video, canvas] = [document.createElement('video'), document.createElement('canvas')];
  Object.assign(canvas, { width: 320, height: 240 });
  const paint = canvas.getContext('2d');
  const made = canvas.captureStream(20).getVideoTracks()[0];
  const draw = () => {
    running.frames += 1;
    paint.drawImage(video, 0, 0, canvas.width, canvas.height);
    paint.fillStyle = colour;
    paint.fillRect(0, 0, canvas.width, canvas.height);
    if (track.readyState === 'live') video.requestVideoFrameCallback(draw);
  };
  Object.assign(video, { muted: true, playsInline: true, srcObject: new MediaStream([track]) });
  video.requestVideoFrameCallback(draw);
  video.play();
  for (const one of [track, made]) one.onended = () => running.ended.push(one.readyState);
  return made;
};
/** Likewise by a MediaStreamTrackProcessor, which only Chromium has in a page. */
const processed = async (track, { colour }) => {
  const made = new MediaStreamTrackGenerator({ kind: 'video' });
  const canvas = new OffscreenCanvas(320, 240);
  const paint = canvas.getContext('2d');
  const transform = (frame, controller) => {
    running.frames += 1;
    paint.fillStyle = colour;
    paint.fillRect(0, 0, 320, 240);
    controller.enqueue(new VideoFrame(canvas, { timestamp: frame.timestamp }));
    frame.close();
  };
  for (const one of [track, made]) one.onended = () => running.ended.push(one.readyState);
  new MediaStreamTrackProcessor({ track }).readable.pipeThrough(new TransformStream({ transform })).pipeTo(made.writable).catch(() => {});
  return made;
};

/** Wait until a video shows a colour, or another one. */
const shows = async (video, wanted, is = true) => {
  const canvas = new OffscreenCanvas(8, 8);
  const paint = canvas.getContext('2d', { willReadFrequently: true });
  await until(() => {
    paint.drawImage(video, 0, 0, 8, 8);
    const [red, green, blue] = paint.getImageData(4, 4, 1, 1).data;
    const seen = red > 180 && green < 90 && blue < 90 ? 'red' : blue > 180 && red < 90 && green < 90 ? 'blue' : 'neither';
    return (seen === wanted) === is;
  }, 15000);
};
const standsStill = async () => {
  const { frames } = running;
  await new Promise((done) => { setTimeout(done, 500); });
  return running.frames - frames <= 1;
};

scenarios.filterOfThePage = async ({ openvidu, tokens, tell }) => {
  const filters = [painted, ...(window.MediaStreamTrackGenerator && window.MediaStreamTrackProcessor ? [processed] : [])];
  const { one, session, other, publisher, subscriber, heard } = await moderated({ openvidu, tokens });
  const { stream } = publisher;
  const [mine, theirs] = [publisher, subscriber].map(({ videos: [{ video }] }) => video);
  const camera = stream.getMediaStream().getVideoTracks()[0];
  await next(subscriber, 'streamPlaying');
  let count = 0;
  for (const filter of filters) {
    Object.assign(running, { frames: 0, ended: [] });
    one.registerFilter('red', filter);
    const connection = stream.getRTCPeerConnection();
    await stream.applyFilter('red', { colour: 'rgb(255, 0, 0)' });
    await heard((count += 1));
    await shows(theirs, 'red');
    await shows(mine, 'red');
    tell(filter.name, known(subscriber.stream.filter), stream.getRTCPeerConnection() === connection, camera.readyState);
    await stream.reconnect();
    await next(subscriber, 'streamPlaying');
    await shows(theirs, 'red');
    await publisher.publishVideo(false);
    await shows(theirs, 'red', false);
    await publisher.publishVideo(true);
    await shows(theirs, 'red');
    await stream.removeFilter();
    await heard((count += 1));
    await shows(theirs, 'red', false);
    await shows(mine, 'red', false);
    tell(stream.getMediaStream().getVideoTracks()[0] === camera, camera.readyState, running.ended, await standsStill());
  }
  Object.assign(running, { frames: 0, ended: [] });
  tell('moderator', known(await subscriber.stream.applyFilter('red', { colour: 'rgb(0, 0, 255)' })));
  await shows(theirs, 'blue');
  const sent = stream.getMediaStream().getVideoTracks()[0];
  const before = next(other, 'streamDestroyed');
  await session.unpublish(publisher);
  await before;
  tell(running.ended, sent.readyState, camera.readyState, await standsStill());
  await session.publish(publisher);
  tell(stream.filter);
};

/** Filters that do not work, are not allowed, or of which the server is not told. */
scenarios.filterOfThePageFails = async ({ openvidu, tokens, tell }) => {
  const { one, publisher, subscriber, told } = await moderated({ openvidu, tokens });
  const { stream } = publisher;
  const camera = stream.getMediaStream().getVideoTracks()[0];
  const same = () => stream.getMediaStream().getVideoTracks()[0] === camera && camera.readyState === 'live';
  const given = [];
  one.registerFilter('red', (track) => { given.push(track); throw new Error('it is broken'); });
  const broken = await failure(stream.applyFilter('red', {}));
  tell(broken.name, broken.message.includes('it is broken'), same(), given.map(({ readyState }) => readyState), stream.filter);
  one.registerFilter('red', async (track) => { given.push(track); return 'no track'; });
  tell((await failure(stream.applyFilter('red', {}))).name, same(), given.map(({ readyState }) => readyState));
  await until(() => told[2][1].length === 4); // applied and removed, twice
  const filter = (track) => { given.push(track); return track; };
  one.registerFilter('refused', filter);
  tell((await failure(stream.applyFilter('refused', {}))).name, given.length, same());
  one.registerFilter('hidden', filter, { announce: false });
  const hidden = await stream.applyFilter('hidden', { level: 3 });
  tell(known(hidden), subscriber.stream.filter, same(), (await failure(hidden.execMethod('x', {}))).name);
  tell((await failure(stream.applyFilter('red', {}))).name);
  await stream.removeFilter();
  tell(same(), given.map(({ readyState }) => readyState), told.map(([name, list]) => [name, list.length]));
  for (const wrong of [['', filter], ['VB:mine', filter], [3, filter], ['x', undefined]]) {
    tell(await failure((async () => one.registerFilter(...wrong))().then(() => undefined)).then((error) => error?.name));
  }
};
