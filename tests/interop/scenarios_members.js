// What is left of the members: each scenario has a call of two on the embedded server, or none.

const QVGA = { resolution: '320x240' };

/** Return two sessions in a call: the first publishes, the second shows it. */
window.callOfTwo = async (openvidu, tokens, properties = QVGA, how = {}) => {
  const [one, two] = [openvidu(), openvidu()];
  const [session, other] = [one.initSession(), two.initSession()];
  await session.connect(tokens[0]);
  const publisher = await one.initPublisherAsync('videos', properties);
  await session.publish(publisher);
  const created = next(other, 'streamCreated');
  await other.connect(tokens[1]);
  const subscriber = await other.subscribeAsync((await created).stream, 'videos', how);
  return { one, two, session, other, publisher, subscriber };
};
const playing = (manager) => next(manager, 'streamPlaying');
const wait = (milliseconds) => new Promise((done) => { setTimeout(done, milliseconds); });
const kinds = (list) => [...new Set(list.map(({ type, protocol, sdpMid }) => `${type} ${protocol} ${sdpMid !== null}`))].sort();

scenarios.details = async ({ openvidu, tokens, tell }) => {
  const given = { resolution: '320X240', frameRate: 12, publishAudio: false, insertMode: 'PREPEND', mirror: false };
  const { one, session, other, publisher, subscriber } = await callOfTwo(openvidu, tokens, given,
    { insertMode: 'BEFORE', subscribeToAudio: false, subscribeToVideo: false });
  tell(one.checkScreenSharingCapabilities(), one.checkSystemRequirements());
  const tracks = ({ stream }) => stream.getMediaStream().getTracks().map(({ kind, enabled, contentHint }) => [kind, enabled, contentHint]).sort();
  const { stream } = publisher;
  tell(tracks(publisher), stream.audioActive, stream.videoActive, stream.videoDimensions, stream.frameRate, stream.typeOfVideo);
  tell(tracks(subscriber), subscriber.stream.audioActive, subscriber.stream.videoActive, subscriber.properties);
  const entry = ({ videos }) => videos.map(({ video, id, targetElement, insertMode }) => [video.id === id, targetElement?.id, insertMode]);
  tell(entry(publisher), entry(subscriber));
  const { connection } = session;
  const remote = other.remoteConnections.get(connection.connectionId);
  tell(remote.creationTime === connection.creationTime, connection.creationTime > 1.6e12, connection.record, Boolean(remote.role));
  const place = document.getElementById('videos');
  const outer = place.parentNode;
  tell(subscriber.videos[0].video.nextElementSibling === place, publisher.videos[0].video === place.firstElementChild);
  subscriber.videos[0].video.id = 'theirs';
  for (const mode of ['AFTER', 'BEFORE', 'PREPEND', 'APPEND', undefined, 'REPLACE']) {
    const marker = document.createElement('p');
    marker.append(document.createElement('b'));
    place.append(marker);
    const video = subscriber.createVideoElement(marker, mode);
    tell(mode, [...place.children].indexOf(video) - [...place.children].indexOf(marker), [...marker.children].indexOf(video),
      subscriber.videos.at(-1).insertMode, subscriber.videos.at(-1).targetElement === marker);
    marker.remove();
    video.remove();
  }
  const own = document.createElement('video');
  subscriber.addVideoElement(own);
  tell(subscriber.videos.at(-1).targetElement, subscriber.videos.at(-1).insertMode);
  subscriber.videos.length = 1;
  outer.append(subscriber.videos[0].video);
  other.streamManagers.forEach((manager) => tell(manager === subscriber));
};

/** Each object's events in order; between objects the order depends on the network. */
scenarios.leaving = async ({ openvidu, tokens, tell }) => {
  const { session, other, publisher, subscriber } = await callOfTwo(openvidu, tokens);
  const told = {};
  const note = (name, target, types) => {
    told[name] = [];
    for (const type of types) target.on(type, ({ reason }) => told[name].push([type, reason]));
  };
  note('session', session, ['streamDestroyed', 'connectionDestroyed', 'sessionDisconnected']);
  note('other', other, ['streamDestroyed', 'connectionDestroyed', 'sessionDisconnected']);
  note('publisher', publisher, ['streamDestroyed', 'videoElementDestroyed']);
  note('subscriber', subscriber, ['videoElementDestroyed']);
  const tracks = subscriber.stream.getMediaStream().getTracks();
  const asked = requests('unsubscribeFromVideo', 'forceUnpublish', 'forceDisconnect');
  tell(await other.unsubscribe(subscriber), subscriber.videos.length, tracks.map(({ readyState }) => readyState));
  const { stream } = subscriber;
  tell(await other.forceUnpublish(stream));
  await until(() => told.other.length === 1 && told.publisher.length === 2);
  const connection = other.remoteConnections.get(session.connection.connectionId);
  tell(await other.forceDisconnect(connection));
  await until(() => told.other.length === 2 && told.session.length === 1);
  tell(told, asked().map(({ method }) => method));
  session.off('sessionDisconnected');
  tell(typeof await failure(session.forceUnpublish(stream)));
};

/** The roles do not allow it. */
scenarios.notAllowed = async ({ openvidu, tokens, tell }) => {
  const { session, other, subscriber } = await callOfTwo(openvidu, tokens);
  tell((await failure(other.forceUnpublish(subscriber.stream))).name);
  tell((await failure(other.forceDisconnect(other.remoteConnections.get(session.connection.connectionId)))).name);
};

scenarios.patched = async ({ openvidu, tokens, tell }) => {
  const session = openvidu().initSession();
  await session.connect(tokens[0]);
  for (const body of [{ role: 'SUBSCRIBER' }, { record: false }, { role: 'MODERATOR', record: true }]) {
    const path = `sessions/${session.sessionId}/connection/${session.connection.connectionId}`;
    const changed = [];
    session.on('connectionPropertyChanged', (event) => changed.push(event));
    await rest('PATCH', path, body);
    await until(() => changed.length === Object.keys(body).length);
    for (const { changedProperty, newValue, oldValue, connection } of changed) {
      tell(changedProperty, newValue, oldValue, connection === session.connection);
    }
    session.off('connectionPropertyChanged');
    tell(session.connection.role, session.connection.record);
  }
};

/** What the documentation leaves out. */
scenarios.hidden = async ({ openvidu, tokens, tell }) => {
  const { session, other, publisher, subscriber } = await callOfTwo(openvidu, tokens);
  await playing(subscriber);
  for (const { stream } of [publisher, subscriber]) {
    const { localCandidate, remoteCandidate } = await stream.getSelectedIceCandidate();
    const about = ({ type, protocol, candidateType, raw }) => [type, protocol, candidateType, raw.length > 0];
    tell(about(localCandidate), remoteCandidate.type, remoteCandidate.protocol, remoteCandidate.candidateType);
    tell(kinds(stream.getLocalIceCandidateList()), stream.isLocalStreamPublished);
    tell(stream.getRemoteIceCandidateList().every((candidate) => candidate instanceof RTCIceCandidate));
    tell(stream.getWebRtcPeer().pc === stream.getRTCPeerConnection(), stream.outboundStreamOpts?.publisherProperties === publisher.properties);
  }
  tell(subscriber.removeAllVideos(), subscriber.videos.length, document.querySelectorAll('video').length);
  const connection = subscriber.stream.getRTCPeerConnection();
  tell(subscriber.stream.disposeWebRtcPeer(), connection.connectionState);
  const tracks = publisher.stream.getMediaStream().getTracks();
  tell(await publisher.stream.disposeMediaStream(), tracks.map(({ readyState }) => readyState));
  const destroyed = next(other, 'streamDestroyed');
  const before = next(publisher, 'streamDestroyed').then((event) => {
    tell(publisher.videos.length, event.callDefaultBehavior(), publisher.videos.length);
  });
  await session.unpublish(publisher);
  await before;
  await destroyed;
  tell(publisher.stream.isLocalStreamPublished);
};

scenarios.virtualBackground = async ({ openvidu, tokens, tell }) => {
  const factory = openvidu();
  const session = factory.initSession();
  const refused = async (publisher, ...filter) => tell((await failure(publisher.stream.applyFilter(...filter))).name);
  await refused(await factory.initPublisherAsync('videos', { ...QVGA, videoSource: false }), 'VB:blur', {});
  await refused(await factory.initPublisherAsync(undefined, QVGA), 'VB:blur', {});
  const publisher = await factory.initPublisherAsync('videos', QVGA);
  await refused(publisher, 'VB:image', {});
  await refused(publisher, 'VB:image', { token: tokens[0] });
  await session.connect(tokens[0]);
  await session.publish(publisher);
  await refused(publisher, 'VB:blur', {});
};

/** One's own stream as the others get it. */
scenarios.subscribeToRemote = async ({ openvidu, tokens, tell }) => {
  const factory = openvidu();
  const session = factory.initSession();
  await session.connect(tokens[0]);
  const publisher = factory.initPublisher('videos', QVGA);
  const allowed = next(publisher, 'accessAllowed');
  tell(publisher.isSubscribedToRemote, publisher.subscribeToRemote(), publisher.isSubscribedToRemote);
  await allowed;
  const [{ video }] = publisher.videos;
  const local = publisher.stream.getMediaStream();
  tell(video.srcObject, video.muted, video.style.transform, local.getTracks().length);
  const sent = requests('publishVideo');
  const played = playing(publisher);
  await session.publish(publisher);
  tell(sent()[0].params.doLoopback);
  await played;
  const returned = publisher.stream.getMediaStream();
  const receivers = publisher.stream.getRTCPeerConnection().getReceivers().map(({ track }) => track);
  tell(returned !== local, video.srcObject === returned, returned.getTracks().every((track) => receivers.includes(track)));
  await new Promise((resolve) => { video.requestVideoFrameCallback(resolve); });
  tell(video.videoWidth, video.videoHeight, returned.getTracks().map(({ kind }) => kind).sort());
  await publisher.publishVideo(false);
  tell(local.getVideoTracks()[0].enabled, returned.getVideoTracks()[0].enabled);
  await publisher.publishVideo(true);
  await session.unpublish(publisher);
  tell(local.getTracks().map(({ readyState }) => readyState), publisher.videos.length);
};

/** openvidu-browser stops the camera when it renegotiates such a stream. */
scenarios.remoteReconnected = async ({ openvidu, tokens, tell }) => {
  const factory = openvidu();
  const session = factory.initSession();
  await session.connect(tokens[0]);
  const publisher = factory.initPublisher('videos', QVGA);
  publisher.subscribeToRemote();
  await session.publish(publisher);
  const [{ video }] = publisher.videos;
  for (let times = 0; times < 2; times += 1) {
    await new Promise((resolve) => { video.requestVideoFrameCallback(resolve); });
    tell(video.srcObject === publisher.stream.getMediaStream(), video.videoWidth);
    if (!times) await publisher.stream.reconnect();
  }
  await session.unpublish(publisher);
  publisher.subscribeToRemote(false);
  await session.publish(publisher);
  tell(publisher.stream.getRTCPeerConnection().getTransceivers().map(({ currentDirection }) => currentDirection));
};

/** What is asked of a server that offers what is received. */
scenarios.offered = async ({ openvidu, tokens, tell }) => {
  const sent = requests('prepareReceiveVideoFrom', 'receiveVideoFrom', 'reconnectStream');
  const { publisher, subscriber } = await callOfTwo(openvidu, tokens);
  await playing(subscriber);
  await subscriber.stream.reconnect();
  await playing(subscriber);
  for (const { method, params } of sent()) {
    const known = Object.entries(params).filter(([, value]) => typeof value === 'boolean');
    tell(method, Object.keys(params).sort(), known);
  }
  const { stream: { streamId } } = publisher;
  tell(sent().every(({ params: { sender, stream } }) => (sender ?? stream) === streamId));
  const connection = subscriber.stream.getRTCPeerConnection();
  tell(connection.remoteDescription.type, connection.getTransceivers().map(({ currentDirection }) => currentDirection));
};

scenarios.reconnect = async ({ openvidu, tokens, tell }) => {
  const { publisher, subscriber } = await callOfTwo(openvidu, tokens);
  await playing(subscriber);
  const sent = requests('reconnectStream');
  for (const { stream, videos } of [publisher, subscriber]) {
    const before = [stream.getRTCPeerConnection(), stream.streamId];
    tell(await stream.reconnect(), stream.streamId === before[1], stream.getRTCPeerConnection() !== before[0], before[0].connectionState);
    tell(videos[0].video.srcObject === stream.getMediaStream());
  }
  const [{ video }] = subscriber.videos;
  await new Promise((resolve) => { video.requestVideoFrameCallback(resolve); });
  tell(sent().map(({ params }) => Object.keys(params).sort()));
};

/** Sound whose loudness is known, instead of the microphone's: a tone with a gain in decibels. */
const tone = () => {
  const context = new AudioContext();
  const oscillator = new OscillatorNode(context, { frequency: 1000 });
  const gain = new GainNode(context, { gain: 0 });
  const destination = context.createMediaStreamDestination();
  oscillator.connect(gain).connect(destination);
  oscillator.start();
  const [track] = destination.stream.getAudioTracks();
  return { track, set: (decibels) => { gain.gain.value = 10 ** (decibels / 20); }, close: () => context.close() };
};

/** The numbers of the configuration, then those of one stream; what is said is heard by session and manager. */
scenarios.speaking = async ({ openvidu, tokens, tell }) => {
  const factory = openvidu();
  const session = factory.initSession();
  factory.setAdvancedConfiguration({ publisherSpeakingEventsOptions: { interval: 40, threshold: -30 } });
  await session.connect(tokens[0]);
  const { track, set, close } = tone();
  const publisher = await factory.initPublisherAsync(undefined, { audioSource: track, videoSource: false });
  await session.publish(publisher);
  const told = [];
  for (const [name, target] of Object.entries({ session, publisher })) {
    for (const type of ['publisherStartSpeaking', 'publisherStopSpeaking']) {
      target.on(type, (event) => told.push([name, type, event.connection === session.connection, event.streamId === publisher.stream.streamId]));
    }
  }
  const heard = async (count) => { await until(() => told.length === count); tell(told.splice(0)); };
  let volume;
  publisher.on('streamAudioVolumeChange', ({ value }) => { volume = value; });
  set(-40);
  await until(() => volume?.newValue > -60);
  await wait(300);
  tell('below the threshold of the configuration', told.length, volume.newValue < -30, typeof volume.oldValue);
  set(-6);
  await heard(2);
  set(-40);
  await heard(2);
  publisher.updatePublisherSpeakingEventsOptions({ threshold: -60 });
  await heard(2);
  publisher.updatePublisherSpeakingEventsOptions({ interval: 20 });
  set(-100);
  await heard(2);
  close();
};

/** Loudness is measured as long as somebody has a handler for it. */
scenarios.unheard = async ({ openvidu, tokens, tell }) => {
  const factory = openvidu();
  const session = factory.initSession();
  await session.connect(tokens[0]);
  const { track, close } = tone();
  const publisher = await factory.initPublisherAsync(undefined, { audioSource: track, videoSource: false });
  await session.publish(publisher);
  let read = 0;
  const { getFloatFrequencyData } = AnalyserNode.prototype;
  AnalyserNode.prototype.getFloatFrequencyData = function count(bins) {
    read += 1;
    return getFloatFrequencyData.call(this, bins);
  };
  const isMeasured = async () => {
    const before = read;
    await wait(500); // five measurements
    tell(read > before);
  };
  const ignore = () => {};
  for (const [target, method, type] of [
    [session, 'on', 'publisherStartSpeaking'], [session, 'on', 'publisherStopSpeaking'],
    [publisher, 'on', 'streamAudioVolumeChange'], [publisher, 'off', 'streamAudioVolumeChange'],
    [session, 'off', 'publisherStartSpeaking'], [publisher, 'on', 'publisherStopSpeaking'],
    [session, 'off', 'publisherStopSpeaking'], [publisher, 'off', 'publisherStopSpeaking'],
    [publisher, 'on', 'publisherStartSpeaking'], [publisher, 'off', 'publisherStartSpeaking'],
  ]) {
    target[method](type, ignore);
    await isMeasured();
  }
  AnalyserNode.prototype.getFloatFrequencyData = getFloatFrequencyData;
  close();
};

/** The reports of the video that quality levels are made of: after a mute, and after a track was replaced. */
scenarios.videoData = async ({ openvidu, tokens, tell }) => {
  const { two, session, publisher } = await callOfTwo(openvidu, tokens);
  const { connectionId } = session.connection;
  const changed = next(publisher, 'streamPropertyChanged');
  const replacement = (await two.getUserMedia({ audioSource: false, resolution: '160x120' })).getVideoTracks()[0];
  publisher.publishAudio(false);
  await changed;
  await publisher.replaceTrack(replacement);
  const told = [];
  const { send } = WebSocket.prototype;
  const mine = publisher.stream.session.connection.connectionId === connectionId;
  const reports = requests('videoData');
  await until(() => { told.splice(0, told.length, ...reports()); return told.length >= 1; }, 20000);
  tell(mine, typeof send, told.at(-1).params);
};

scenarios.notPlaying = async ({ openvidu, tokens, tell }) => {
  const [one, two] = [openvidu(), openvidu()];
  const [session, other] = [one.initSession(), two.initSession()];
  await session.connect(tokens[0]);
  await session.publish(await one.initPublisherAsync(undefined, QVGA));
  two.setAdvancedConfiguration({ noStreamPlayingEventExceptionTimeout: 300 });
  const created = next(other, 'streamCreated');
  const failed = next(other, 'exception');
  const keep = (event) => event.stopImmediatePropagation(); // no element says that it can play
  document.addEventListener('canplay', keep, true);
  try {
    await other.connect(tokens[1]);
    const subscriber = other.subscribe((await created).stream, 'videos');
    const { name, origin, target, message, data, type, cancelable } = await failed;
    tell(type, cancelable, name, origin === subscriber, target === other, typeof message, typeof data);
  } finally {
    document.removeEventListener('canplay', keep, true);
  }
};

/** The browser says that ICE has failed. openvidu-browser tells of `disconnected` at once, pyvidu.js if it lasts. */
scenarios.iceStates = async ({ openvidu, tokens, tell }) => {
  const factories = [];
  const { session, other, publisher, subscriber } = await callOfTwo(() => {
    const made = openvidu();
    made.setAdvancedConfiguration({ iceConnectionDisconnectedExceptionTimeout: 400 });
    factories.push(made);
    return made;
  }, tokens);
  await playing(subscriber);
  const pretend = (connection, state) => {
    Object.defineProperty(connection, 'iceConnectionState', { configurable: true, get: () => state });
    connection.dispatchEvent(new Event('iceconnectionstatechange'));
  };
  for (const [of, { stream }, state] of [[other, subscriber, 'disconnected'], [session, publisher, 'failed']]) {
    const failed = next(of, 'exception');
    const connection = stream.getRTCPeerConnection();
    pretend(connection, state);
    const { name, origin, target, message } = await failed;
    tell(name, origin === stream, target === of, typeof message);
    await until(() => stream.getRTCPeerConnection() !== connection || state === 'disconnected');
    delete connection.iceConnectionState;
  }
};

/** A picture whose size can be set, as a screen or as a camera that is turned. */
const canvas = (width, height) => {
  const element = Object.assign(document.createElement('canvas'), { width, height });
  const context = element.getContext('2d');
  let shade = 0;
  const timer = setInterval(() => { context.fillStyle = `hsl(${shade += 9} 90% 50%)`; context.fillRect(0, 0, element.width, element.height); }, 40);
  const stream = element.captureStream(25);
  return { stream, close: () => clearInterval(timer), resize: (wide, high) => Object.assign(element, { width: wide, height: high }) };
};

const resized = async ({ openvidu, tokens, tell }, devices, properties, turned) => {
  const [factory, two] = [openvidu(), openvidu()];
  const [session, other] = [factory.initSession(), two.initSession()];
  await session.connect(tokens[0]);
  await other.connect(tokens[1]);
  const picture = canvas(320, 240);
  await withDevices({ [devices]: async () => picture.stream }, async () => {
    const publisher = await factory.initPublisherAsync(undefined, { ...properties, audioSource: false });
    const created = next(other, 'streamCreated');
    await session.publish(publisher);
    await created;
    tell(publisher.stream.videoDimensions);
    const told = [next(session, 'streamPropertyChanged'), next(publisher, 'streamPropertyChanged'), next(other, 'streamPropertyChanged')];
    picture.resize(240, 320);
    turned();
    for (const { changedProperty, newValue, oldValue, reason, stream } of await Promise.all(told)) {
      tell(changedProperty, newValue, oldValue, reason, stream.videoDimensions);
    }
  });
  picture.close();
};

scenarios.screenResized = (tools) => resized(tools, 'getDisplayMedia', { videoSource: 'screen' }, () => {});

scenarios.deviceRotated = (tools) =>
  resized(tools, 'getUserMedia', QVGA, () => window.dispatchEvent(new Event('orientationchange')));

/** In Electron a screen is named by its id; its sound is asked for on its own. */
scenarios.electron = async ({ openvidu, tell }) => {
  const factory = openvidu();
  factory.initSession();
  const asked = [];
  const getUserMedia = async (ask, constraints) => {
    asked.push({ ...constraints });
    return ask({ audio: Boolean(constraints.audio), video: Boolean(constraints.video) });
  };
  await withDevices({ getUserMedia }, async () => {
    for (const audioSource of [false, undefined]) {
      const { stream } = await factory.initPublisherAsync(undefined, { videoSource: 'screen:7:0', audioSource });
      tell(stream.typeOfVideo, stream.getMediaStream().getTracks().map(({ kind }) => kind).sort(), asked.splice(0).map((it) => [it.video || false, Boolean(it.audio)]));
    }
  });
};

/** Tracks that the application supplied: openvidu-browser stops them. */
scenarios.supplied = async ({ openvidu, tokens, tell }) => {
  const factory = openvidu();
  const session = factory.initSession();
  await session.connect(tokens[0]);
  const own = async () => (await navigator.mediaDevices.getUserMedia({ audio: false, video: { width: 320 } })).getVideoTracks()[0];
  const [first, second, third] = [await own(), await own(), await own()];
  const publisher = await factory.initPublisherAsync('videos', { videoSource: first, audioSource: false });
  await session.publish(publisher);
  await publisher.replaceTrack(second);
  tell('replaced', first.readyState, publisher.stream.typeOfVideo);
  const camera = (await factory.getUserMedia({ ...QVGA, audioSource: false })).getVideoTracks()[0];
  await publisher.replaceTrack(camera);
  await publisher.replaceTrack(third);
  tell('one of getUserMedia', second.readyState, camera.readyState);
  await session.unpublish(publisher);
  tell('unpublished', third.readyState);
  await session.publish(publisher);
  tell('published again', publisher.stream.getMediaStream().getVideoTracks()[0]?.readyState);
  await publisher.publishVideo(false, true);
  tell('released', publisher.stream.getMediaStream().getVideoTracks()[0]?.readyState);
  for (const track of [first, second, third, camera]) track.stop();
};

/** What a subscriber has turned off, and its publisher then turns off and on. */
scenarios.wanted = async ({ openvidu, tokens, tell }) => {
  const { publisher, subscriber } = await callOfTwo(openvidu, tokens);
  const state = () => {
    const { stream } = subscriber;
    return [stream.audioActive, stream.videoActive, ...stream.getMediaStream().getTracks().map(({ kind, enabled }) => `${kind} ${enabled}`).sort()];
  };
  tell(subscriber.subscribeToAudio(false) === subscriber, state());
  tell(subscriber.subscribeToVideo(false) === subscriber, state());
  for (const enabled of [false, true]) {
    const changed = next(subscriber, 'streamPropertyChanged');
    await publisher.publishVideo(enabled);
    await changed;
    tell('its publisher says', enabled, state());
  }
  subscriber.subscribeToAudio(true).subscribeToVideo(true);
  tell(state());
};
