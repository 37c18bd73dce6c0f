// Ask openvidu-browser and pyvidu.js the same in Node, without a server and without Python, and print both answers as JSON by
// the name of the question: {"question": {"official": ..., "own": ...}}.

import { createRequire } from 'node:module';

class HTMLElement {}
const place = new HTMLElement();
const nothing = () => {};
Object.assign(globalThis, { addEventListener: nothing, reportError: nothing, screen: {}, window: globalThis });
Object.assign(globalThis, { HTMLElement, MediaStreamTrack: class {} });
const mediaDevices = {};
Object.defineProperty(globalThis, 'navigator', { value: { userAgent: 'Node', platform: '', maxTouchPoints: 0, mediaDevices } });
globalThis.document = {
  addEventListener: nothing,
  createElement: () => ({ style: {}, getContext: () => null }),
  getElementById: (id) => (id === 'place' ? place : null),
};
for (const level of ['debug', 'error', 'info', 'log', 'warn']) console[level] = nothing; // the official client greets
const official = createRequire(import.meta.url)('openvidu-browser');
const own = await import('../../web/pyvidu.js');

const ENUMS = ['ExceptionEventName', 'LocalRecorderState', 'OpenViduErrorName', 'TypeOfVideo', 'VideoInsertMode'];
/** What `new` of the official client's event classes takes after the target, with the fields that then must be there. */
const EVENTS = {
  ConnectionEvent: { connection: 1, reason: 'r' },
  ConnectionPropertyChangedEvent: { connection: 1, changedProperty: 'role', newValue: 2, oldValue: 3 },
  ExceptionEvent: { name: 'n', origin: 1, message: 'm', data: 2 },
  FilterEvent: { data: 1 },
  NetworkQualityLevelChangedEvent: { newValue: 1, oldValue: 2, connection: 3 },
  PublisherSpeakingEvent: { connection: 1, streamId: 's' },
  RecordingEvent: { id: 'i', name: 'n', reason: 'r' },
  SessionDisconnectedEvent: { reason: 'r' },
  SignalEvent: { data: 'd', from: 1 },
  SpeechToTextEvent: { connection: 1, text: 't', reason: 'r', raw: 'w', lang: 'l' },
  StreamEvent: { stream: 1, reason: 'r' },
  StreamManagerEvent: { value: 1 },
  StreamPropertyChangedEvent: { stream: 1, changedProperty: 'videoActive', newValue: 1, oldValue: 2, reason: 'r' },
  VideoElementEvent: { element: 1 },
};
const TYPES = {
  ConnectionPropertyChangedEvent: 'connectionPropertyChanged',
  ExceptionEvent: 'exception',
  NetworkQualityLevelChangedEvent: 'networkQualityLevelChanged',
  SessionDisconnectedEvent: 'sessionDisconnected',
  SignalEvent: 'signal:t',
  SpeechToTextEvent: 'speechToTextMessage',
  StreamPropertyChangedEvent: 'streamPropertyChanged',
};

/** Make an event of the official client: each of its classes takes its arguments in an order of its own. */
function officialEvent(name, target, fields) {
  const values = Object.values(fields);
  const type = TYPES[name] ?? 'someType';
  if (['ConnectionEvent', 'StreamEvent'].includes(name)) return new official[name](false, target, type, ...values);
  if (name === 'SignalEvent') return new official[name](target, 't', ...values);
  if (name === 'VideoElementEvent') return new official[name](...values, target, type);
  if (name in TYPES) return new official[name](target, ...values);
  return new official[name](target, type, ...values);
}

const SIDES = {
  official: {
    library: official,
    make: officialEvent,
    fire: (target, type, event) => target.emitEvent(type, [event]),
    receive: (session, type, data) => session.onNewMessage({ type, data }),
  },
  own: {
    library: own,
    // Python says of each event whether it is cancelable; the official class of this one says it itself.
    make: (name, target, fields) =>
      new own[name](TYPES[name] ?? 'someType', target, { cancelable: name === 'SessionDisconnectedEvent', ...fields }),
    fire: (target, type, event) => target._emit(event, type),
    receive: (session, type, data) => session._dispatch(new own.SignalEvent(type ?? 'signal', session, { data, from: undefined })),
  },
};

const QUESTIONS = {
  /** The names that can be imported, and whether each is a class. */
  exports: ({ library }) => Object.fromEntries(Object.keys(library).sort().map((name) => [name, typeof library[name]])),

  enums: ({ library }) => Object.fromEntries(ENUMS.map((name) => [name, { ...library[name] }])),

  events: ({ library, make }) =>
    Object.entries(EVENTS).map(([name, given]) => {
      const target = {};
      const event = make(name, target, given);
      const seen = [event instanceof library.Event, event.constructor.name, event.target === target, event.type, event.cancelable];
      const before = event.isDefaultPrevented();
      event.preventDefault();
      const fields = Object.fromEntries(Object.keys(given).map((field) => [field, event[field]]));
      const names = Object.keys(event).filter((field) => field !== 'callDefaultBehavior').sort(); // hidden, and set by preventDefault
      return [...seen, before, event.isDefaultPrevented(), event.hasBeenPrevented, names, fields];
    }),

  error: ({ library }) => {
    const error = new library.OpenViduError(library.OpenViduErrorName.GENERIC_ERROR, 'what happened');
    return [error instanceof library.OpenViduError, error.name, error.message];
  },

  newSession: ({ library }) => {
    const OV = new library.OpenVidu();
    const session = OV.initSession();
    const { sessionId, connection, capabilities, streamManagers, remoteConnections, remoteStreamsCreated, openvidu } = session;
    return [
      session instanceof library.Session && session instanceof library.EventDispatcher,
      [typeof sessionId, typeof connection, typeof capabilities, streamManagers, openvidu === OV],
      [remoteConnections, remoteStreamsCreated].map((map) => [map instanceof Map, map.size]),
    ];
  },

  classes: ({ library: { EventDispatcher, Publisher, Session, StreamManager, Subscriber } }) =>
    [[Session, EventDispatcher], [StreamManager, EventDispatcher], [Publisher, StreamManager], [Subscriber, StreamManager]].map(
      ([derived, base]) => Object.getPrototypeOf(derived) === base,
    ),

  /** `on`, `once` and `off` of a session: order, number of calls, and what they return. */
  listeners: ({ library, make, fire }) => {
    const session = new library.OpenVidu().initSession();
    const told = [];
    const send = () => fire(session, 'signal:t', make('SignalEvent', session, { data: 'd', from: 1 }));
    const first = (event) => told.push(`first ${event.type} ${event.data} ${event.target === session}`);
    const chained = [
      session.on('signal:t', first),
      session.once('signal:t', () => told.push('once')),
      session.on('signal:t', () => told.push('second')),
    ].map((returned) => returned === session);
    send();
    send();
    const removed = session.off('signal:t', first) === session;
    send();
    const all = session.off('signal:t') === session;
    send();
    return [chained, removed, all, told];
  },

  /** How often a handler is called that was added twice, and how often after it was removed. */
  listenerAddedTwice: ({ library, make, fire }) => {
    const session = new library.OpenVidu().initSession();
    let calls = 0;
    const count = () => (calls += 1);
    const send = () => fire(session, 'signal:t', make('SignalEvent', session, { data: 'd', from: 1 }));
    session.on('signal:t', count).on('signal:t', count);
    send();
    const added = calls;
    session.off('signal:t', count);
    send();
    return [added, calls - added];
  },

  /** Which handlers a signal of the server calls, in which order. */
  signals: ({ library, receive }) => {
    const session = new library.OpenVidu().initSession();
    const told = [];
    for (const name of ['signal:chat', 'signal', 'signal:other']) {
      session.on(name, ({ type, data, from, target }) => told.push([name, type, data, typeof from, target === session]));
    }
    receive(session, 'signal:chat', 'typed');
    receive(session, undefined, 'untyped');
    return told;
  },

  /** What a session has as soon as `connect` has returned; without a server the promise is rejected. */
  connecting: ({ library }) => {
    const session = new library.OpenVidu().initSession();
    session.connect('wss://localhost:4443?sessionId=lesson&token=tok_secret').catch(() => {});
    return [session.sessionId, typeof session.connection];
  },

  /** What a publisher has as soon as `initPublisher` has returned. */
  newPublisher: ({ library }) => {
    const given = [
      [undefined, undefined],
      ['place', {}],
      ['nowhere', { publishAudio: false, publishVideo: false }],
      [place, { audioSource: false, videoSource: 'screen' }],
      ['place', { videoSource: false, publishAudio: true }],
      ['place', { videoSource: new MediaStreamTrack(), frameRate: 15 }],
      ['place', { resolution: '320x240', mirror: false, insertMode: 'PREPEND', frameRate: 5 }],
    ];
    return given.map(([element, properties]) => {
      const publisher = new library.OpenVidu().initPublisher(element, properties, () => {});
      const { accessAllowed, id, remote, stream, targetElement, videos } = publisher;
      const { audioActive, connection, frameRate, hasAudio, hasVideo, streamId, streamManager, typeOfVideo, videoActive } = stream;
      return [
        [accessAllowed, remote, videos, typeof id, targetElement === undefined ? 'none' : targetElement === place],
        [hasAudio, hasVideo, Boolean(audioActive), Boolean(videoActive), typeof connection, typeof streamId],
        [String(frameRate), String(typeOfVideo), streamManager === publisher],
        ['insertMode', 'mirror', 'publishAudio', 'publishVideo', 'resolution'].map((name) => publisher.properties[name]),
      ];
    });
  },

  /** What `getDevices` makes of what the browser lists, and of its refusal. */
  devices: async ({ library }) => {
    const OV = new library.OpenVidu();
    const listed = [
      { kind: 'audioinput', deviceId: 'mic', groupId: 'g', label: 'Microphone' },
      { kind: 'audiooutput', deviceId: 'out', groupId: 'g', label: 'Loudspeaker' },
      { kind: 'videoinput', deviceId: 'cam', groupId: 'h', label: '' },
    ];
    mediaDevices.enumerateDevices = async () => listed;
    const devices = await OV.getDevices();
    mediaDevices.enumerateDevices = () => Promise.reject(new Error('not allowed'));
    const refused = await OV.getDevices().catch((error) => error.message);
    return [devices, refused];
  },

  doneWithoutAnAnswer: ({ library }) => {
    const OV = new library.OpenVidu();
    return [typeof OV.enableProdMode(), typeof OV.setAdvancedConfiguration({ noStreamPlayingEventExceptionTimeout: 5000 })];
  },
};

const answers = {};
for (const [name, ask] of Object.entries(QUESTIONS)) {
  answers[name] = {};
  for (const [side, tools] of Object.entries(SIDES)) answers[name][side] = await ask(tools);
}
process.stdout.write(JSON.stringify(answers), () => process.exit());
