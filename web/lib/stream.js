// The participants of a session and their streams, as plain fields that Python keeps up to date.

import { ask, madeBy, register } from './bridge.js';
import { hide } from './events.js';

/** @import { Session } from './session.js' */
/** @import { StreamManager } from './stream-manager.js' */

/** What `Stream.typeOfVideo` may be. */
export const TypeOfVideo = Object.freeze({ CAMERA: 'CAMERA', SCREEN: 'SCREEN', CUSTOM: 'CUSTOM', IPCAM: 'IPCAM' });

/** One participant. `role` is set for the local participant only; `stream` is what the participant publishes. */
export class Connection {
  constructor() {
    this._handle = register(this);
    hide(this, '_handle');
    this.connectionId = '';
    this.creationTime = 0;
    this.data = '';
    this.role = '';
    this.record = false;
    /** @type {Stream | undefined} */
    this.stream = undefined;
    this.disposed = false;
  }
}

/** One stream. It stays the same object however often its RTCPeerConnection is replaced. */
export class Stream {
  /** @param {Partial<Pick<Stream, 'hasAudio' | 'hasVideo' | 'audioActive' | 'videoActive' | 'typeOfVideo' | 'frameRate'>>} fields */
  constructor(fields = {}) {
    this._handle = register(this);
    hide(this, '_handle');
    /** @type {string | undefined} */
    this.streamId = undefined;
    /** @type {number | undefined} */
    this.creationTime = undefined;
    /** @type {Connection | undefined} */
    this.connection = undefined;
    /** @type {StreamManager | undefined} */
    this.streamManager = undefined;
    /** @type {Session | undefined} */
    this.session = undefined;
    hide(this, 'session'); // it leads to every other object
    this.hasAudio = false;
    this.hasVideo = false;
    this.audioActive = false;
    this.videoActive = false;
    /** @type {keyof typeof TypeOfVideo | undefined} */
    this.typeOfVideo = undefined;
    /** @type {number | undefined} */
    this.frameRate = undefined;
    this.videoDimensions = { width: 0, height: 0 };
    /** @type {unknown} */
    this.filter = undefined;
    Object.assign(this, fields);
  }

  /** Return the current MediaStream. That of a remote stream is a new one after a renegotiation. */
  getMediaStream() {
    return ask('media_stream', this._handle);
  }

  /** Return the current RTCPeerConnection. */
  getRTCPeerConnection() {
    return ask('peer_connection', this._handle);
  }

  isLocal() {
    return this.streamManager !== undefined && !this.streamManager.remote;
  }
}

madeBy('Connection', () => new Connection());
madeBy('Stream', () => new Stream());
