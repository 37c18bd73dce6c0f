// OpenVidu for pages with no Python of their own. A page written for openvidu-browser changes one line:
//
//     import { OpenVidu } from 'https://your-server/pyvidu.js';
//
// The import starts Python (Pyodide and the pyvidu client), which is loaded from the server of this file. The import of the npm
// package does not.

import { boot, started } from './lib/bridge.js';
import { startsAtOnce } from './lib/origin.js';

export { configure } from './lib/assets.js';
export { OpenVidu } from './lib/openvidu.js';
export { Filter } from './lib/filter.js';
export { LocalRecorder, LocalRecorderState } from './lib/local-recorder.js';
export { Session } from './lib/session.js';
export { VideoInsertMode } from './lib/defaults.js';
export { Publisher, StreamManager, Subscriber } from './lib/stream-manager.js';
export { Connection, Stream, TypeOfVideo } from './lib/stream.js';
export { OpenViduError, OpenViduErrorName } from './lib/errors.js';
export {
  ConnectionEvent,
  ConnectionPropertyChangedEvent,
  Event,
  EventDispatcher,
  ExceptionEvent,
  ExceptionEventName,
  FilterEvent,
  NetworkQualityLevelChangedEvent,
  PublisherSpeakingEvent,
  RecordingEvent,
  SessionDisconnectedEvent,
  SignalEvent,
  SpeechToTextEvent,
  StreamEvent,
  StreamManagerEvent,
  StreamPropertyChangedEvent,
  VideoElementEvent,
} from './lib/events.js';
export { boot };

/** Fulfilled when Python has started; rejected with an OpenViduError, whose message says why, if it cannot start. */
export const ready = started;
if (startsAtOnce) boot().catch(() => {}); // `ready` and every call that needs Python report it
