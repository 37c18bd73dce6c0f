export * from './events.js';
export * from './local_recorder.js';
export * from './openvidu.js';
export * from './options.js';
export * from './session.js';
export * from './stream.js';
export * from './stream_manager.js';
export * from './values.js';
