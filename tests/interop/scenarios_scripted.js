// What a server says that the embedded one never says, and what is sent to one that has more: scripted_server.py.

/** Let the server of `session` send notifications, and answer requests as `answers` says from now on. */
const play = (session, notify, answers = {}) => session.signal({ type: 'script', data: JSON.stringify({ notify, answers }) });

const CONNECTION_REASONS = ['disconnect', 'forceDisconnectByUser', 'forceDisconnectByServer', 'sessionClosedByServer',
  'networkDisconnect', 'nodeCrashed', ''];
const STREAM_REASONS = ['unpublish', 'forceUnpublishByUser', 'forceUnpublishByServer', ...CONNECTION_REASONS];
const RECORDING_REASONS = ['recordingStoppedByServer', 'sessionClosedByServer', 'automaticStop', 'nodeCrashed'];
const STREAM = { id: 'str_CAM_x_con_other', createdAt: 1, hasAudio: true, hasVideo: true, audioActive: true, videoActive: true,
  typeOfVideo: 'IPCAM', frameRate: 20, videoDimensions: '{"width":640,"height":480}' };

/** Tell of each event of a session, with plain values for the objects in it. */
const hear = (tell, session) => {
  const plain = (value) => {
    if (value === session) return 'the session';
    if (value?.connectionId) return value === session.connection ? 'the own connection' : value.connectionId;
    return value?.streamId ?? value;
  };
  const types = ['connectionCreated', 'connectionDestroyed', 'connectionPropertyChanged', 'sessionDisconnected', 'streamCreated',
    'streamDestroyed', 'streamPropertyChanged', 'recordingStarted', 'recordingStopped', 'broadcastStarted', 'broadcastStopped',
    'networkQualityLevelChanged', 'speechToTextMessage', 'exception'];
  const told = [];
  for (const type of types) {
    session.on(type, (event) => {
      const fields = Object.entries(event ?? {}).filter(([name]) => !['hasBeenPrevented', 'callDefaultBehavior'].includes(name));
      const values = fields.map(([name, value]) => [name, plain(value)]).sort();
      told.push(type);
      tell(type, event?.constructor.name, ...values);
    });
  }
  return { heard: (count) => until(() => told.length >= count).catch(() => tell('no more than', told.length)) };
};

scenarios.pushed = async ({ openvidu, tokens, tell }) => {
  const session = openvidu().initSession();
  const { heard } = hear(tell, session);
  await session.connect(tokens[0], 'mine');
  const { connection } = session;
  tell('joined', connection.creationTime, connection.record, connection.role, connection.data,
    [...session.remoteConnections.values()].map(({ creationTime, stream }) => [creationTime, stream.typeOfVideo, stream.frameRate]));
  const others = CONNECTION_REASONS.map((reason, index) => [`con_${index}`, reason]);
  const told = [
    ['recordingStarted', { id: 'rec', name: 'a name' }],
    ...RECORDING_REASONS.map((reason) => ['recordingStopped', { id: 'rec', name: 'a name', reason }]),
    ['broadcastStarted', {}],
    ['broadcastStopped', {}],
    ['networkQualityLevelChanged', { connectionId: 'con_own', newValue: 3, oldValue: 5 }],
    ['networkQualityLevelChanged', { connectionId: 'con_other', newValue: 1, oldValue: 4 }],
    ...['RECOGNIZING', 'RECOGNIZED'].map((reason) => [
      'speechToTextMessage', { connectionId: 'con_other', text: 'hello', reason, raw: '{"t":1}', lang: 'en-US' }]),
    ['speechToTextDisconnected', { message: 'the service has ended' }],
    ['connectionPropertyChanged', { property: 'role', newValue: 'MODERATOR' }],
    ['connectionPropertyChanged', { property: 'record', newValue: 'true' }],
    ...STREAM_REASONS.flatMap((reason) => [
      ['participantUnpublished', { connectionId: 'con_other', reason }],
      ['participantPublished', { id: 'con_other', streams: [STREAM] }],
    ]),
    ...others.flatMap(([id, reason]) => [
      ['participantJoined', { id, createdAt: 3, metadata: 'theirs' }],
      ['participantLeft', { connectionId: id, reason }],
    ]),
  ];
  await play(session, told);
  await heard(4 + told.length);
  tell('after', connection.role, connection.record);
  await play(session, [['participantEvicted', { connectionId: 'con_own', reason: 'sessionClosedByServer' }]]);
  await heard(5 + told.length);
  session.off('sessionDisconnected'); // openvidu-browser fires it again if an evicted participant leaves
};

scenarios.speechToText = async ({ openvidu, tokens, tell }) => {
  const session = openvidu().initSession();
  await session.connect(tokens[0]);
  const [{ stream }] = session.remoteConnections.values();
  const of = requests('subscribeToSpeechToText', 'unsubscribeFromSpeechToText');
  tell(await session.subscribeToSpeechToText(stream, 'en-US'), await session.unsubscribeFromSpeechToText(stream), of());
  await play(session, [], { subscribeToSpeechToText: { error: { code: 900, message: 'no such language' } } });
  tell(await session.subscribeToSpeechToText(stream, 'tlh').catch(({ code }) => code));
};

scenarios.signalTo = async ({ openvidu, tokens, tell }) => {
  const session = openvidu().initSession();
  await session.connect(tokens[0]);
  const [other] = session.remoteConnections.values();
  const of = requests('sendMessage');
  const { connectionId } = other;
  for (const to of [[other], [{ connectionId }], [{ ...other }], [{}, session.connection], [], undefined]) {
    await session.signal({ data: 'x', type: 'chat', to });
  }
  await session.signal({});
  tell(...of().map(({ params }) => JSON.parse(params.message)));
};

scenarios.candidateRefused = async ({ openvidu, tokens, tell }) => {
  const session = openvidu().initSession();
  await session.connect(tokens[0]);
  await play(session, [], { onIceCandidate: { error: { code: 304, message: 'no such endpoint' } }, receiveVideoFrom: null });
  const [{ stream }] = session.remoteConnections.values();
  const failed = next(session, 'exception');
  session.subscribe(stream, undefined, () => {});
  const { name, origin, target, data, type } = await failed;
  tell(type, name, origin === session, target === session, data.code);
};

/** What is asked of `addTransceiver` and `setParameters` for a video. */
scenarios.simulcast = async ({ openvidu, tokens, tell }) => {
  for (const [index, videoSimulcast] of [undefined, true, false, undefined].entries()) {
    const factory = openvidu();
    const session = factory.initSession();
    await session.connect(tokens[index]);
    await play(session, [], { publishVideo: { error: { code: 204, message: 'not today' } } });
    for (const properties of [{ resolution: '640X480' }, { resolution: '320x240', videoSource: 'screen', audioSource: false }]) {
      const getDisplayMedia = () => navigator.mediaDevices.getUserMedia({ video: { width: 640, height: 480 } });
      await withDevices({ getDisplayMedia }, async () => {
        const publisher = await factory.initPublisherAsync(undefined, { ...properties, videoSimulcast });
        const { addTransceiver } = RTCPeerConnection.prototype;
        const { setParameters } = RTCRtpSender.prototype;
        const asked = [];
        RTCPeerConnection.prototype.addTransceiver = function add(track, init) {
          if (track.kind === 'video') asked.push([track.contentHint, init.direction, init.streams.length, init.sendEncodings]);
          return addTransceiver.call(this, track, init);
        };
        RTCRtpSender.prototype.setParameters = function set(parameters, ...more) {
          asked.push(parameters.degradationPreference);
          return setParameters.call(this, parameters, ...more);
        };
        try {
          tell(Boolean(await session.publish(publisher).then(() => false, () => true)), properties, ...asked);
        } finally {
          Object.assign(RTCPeerConnection.prototype, { addTransceiver });
          Object.assign(RTCRtpSender.prototype, { setParameters });
        }
      });
    }
  }
};

/** What peer connections are made with. None of the servers is ever asked. */
scenarios.iceServers = async ({ openvidu, tokens, tell }) => {
  const configurations = [
    {},
    { iceServers: [{ urls: 'turn:127.0.0.1:9', username: 'u', credential: 'c' }] },
    { rtcConfiguration: { iceTransportPolicy: 'relay' } },
    { rtcConfiguration: { iceServers: [{ urls: 'stun:127.0.0.1:8' }] } },
    { iceServers: [{ urls: 'stun:127.0.0.1:7' }], rtcConfiguration: { bundlePolicy: 'max-bundle' } },
    { iceServers: 'freeice' },
  ];
  const factory = openvidu();
  const Real = window.RTCPeerConnection;
  let made;
  window.RTCPeerConnection = class extends Real {
    constructor(configuration) {
      super({ ...configuration, iceServers: [], iceTransportPolicy: 'all' });
      made = configuration;
    }
  };
  try {
    for (const [index, configuration] of configurations.entries()) {
      factory.setAdvancedConfiguration(configuration); // in place of the one before
      const session = factory.initSession();
      await session.connect(tokens[index]);
      await play(session, [], { publishVideo: { error: { code: 204, message: 'not today' } } });
      await session.publish(await factory.initPublisherAsync(undefined, { audioSource: false })).catch(() => {});
      const { iceServers, ...others } = made;
      const urls = iceServers.flatMap((server) => server.urls);
      const isPublic = configuration.iceServers === 'freeice';
      tell(others, isPublic ? [urls.length, urls.every((url) => url.startsWith('stun:'))] : urls, iceServers.map(({ username }) => username));
    }
  } finally {
    window.RTCPeerConnection = Real;
  }
};

/** The embedded server's filters fire no events. */
scenarios.filterEvents = async ({ openvidu, tokens, tell }) => {
  const session = openvidu().initSession();
  await session.connect(tokens[0]);
  await play(session, [], { receiveVideoFrom: null });
  const [{ stream }] = session.remoteConnections.values();
  session.subscribe(stream, undefined, () => {});
  const filter = await stream.applyFilter('ZBarFilter', {});
  const told = [];
  const of = requests('addFilterEventListener', 'removeFilterEventListener');
  await filter.addEventListener('CodeFound', function heard(event) {
    told.push([this === session, event.constructor.name, event.type, event.target === filter, event.data, event.cancelable]);
  });
  const event = { connectionId: 'con_other', streamId: stream.streamId, filterType: 'ZBarFilter', data: '{"value":"x"}' };
  const fired = (...types) => types.map((eventType) => ['filterEventDispatched', { ...event, eventType }]);
  await play(session, fired('CodeFound', 'another', 'CodeFound'));
  await until(() => told.length === 2);
  await filter.removeEventListener('CodeFound');
  await play(session, fired('CodeFound'));
  await session.signal({});
  tell(told, of());
  for (const code of [401, 407]) {
    const error = { error: { code, message: 'no' } };
    await play(session, [], { addFilterEventListener: error, removeFilterEventListener: error });
    for (const call of ['addEventListener', 'removeEventListener']) {
      tell(await filter[call]('x', () => {}).then(() => 'not at all', ({ code: found, name }) => found ?? name));
    }
  }
};
