// What a session is made of: participants and what they publish. Plain fields, which Python keeps up to date.

import { ask, madeBy, register } from './bridge.js';

/** One participant. `role` is known of oneself only; `stream` is what the participant publishes. */
export class Connection {
  constructor() {
    register(this);
    this.connectionId = '';
    this.creationTime = 0;
    this.data = '';
    this.role = '';
    this.record = false;
    this.stream = undefined;
    this.disposed = false;
  }
}

/** One stream. It keeps its identity however often its media connection is replaced. */
export class Stream {
  constructor(fields = {}) {
    register(this);
    this.streamId = undefined;
    this.creationTime = undefined;
    this.connection = undefined;
    this.streamManager = undefined;
    this.hasAudio = false;
    this.hasVideo = false;
    this.audioActive = false;
    this.videoActive = false;
    this.typeOfVideo = undefined;
    this.frameRate = undefined;
    this.videoDimensions = { width: 0, height: 0 };
    this.filter = undefined;
    Object.assign(this, fields);
  }

  /** The MediaStream of the moment. A received one is another one after a renegotiation. */
  getMediaStream() {
    return ask('media_stream', this._handle);
  }

  /** The RTCPeerConnection of the moment. */
  getRTCPeerConnection() {
    return ask('peer_connection', this._handle);
  }

  isLocal() {
    return this.streamManager !== undefined && !this.streamManager.remote;
  }
}

madeBy('Connection', () => new Connection());
madeBy('Stream', () => new Stream());
