// The participants of a session and their streams, as plain fields that Python keeps up to date.

import { ask, madeBy, register, request, tell, textOf } from './bridge.js';
import { OpenViduError, expect } from './errors.js';
import { hide } from './events.js';
import { Filter } from './filter.js';

/** @import { Session } from './session.js' */
/** @import { Publisher, StreamManager } from './stream-manager.js' */

/** What `Stream.typeOfVideo` may be. */
export const TypeOfVideo = Object.freeze({ CAMERA: 'CAMERA', SCREEN: 'SCREEN', CUSTOM: 'CUSTOM', IPCAM: 'IPCAM' });

/**
 * @typedef {object} StreamQuality   of a stream's media since the last time that was asked
 * @property {number} level       5 (good) to 1 (bad), 0: nothing has arrived, or the stream is frozen
 * @property {number} lost        the share of its packets that were lost
 * @property {number} jitter      in seconds, as in `getStats`
 * @property {number} [roundTrip] likewise
 * @property {number} bitRate     bits per second
 * @property {number} frameRate   of the video
 */

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
    this.isInterrupted = false; // nothing is heard of it
  }
}

/** One stream. It stays the same object however often its RTCPeerConnection is replaced. */
export class Stream {
  /** @param {Partial<Pick<Stream, 'hasAudio' | 'hasVideo' | 'audioActive' | 'videoActive' | 'typeOfVideo' | 'frameRate' | 'filter'>>} fields */
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
    /** @type {Filter | undefined} */
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

  /** Replace the media connection by a new one. Frozen streams are replaced without this. */
  reconnect() {
    return request('reconnect', this._handle);
  }

  /**
   * Return how good the media has been since the last call, `level` 5 (good) to 0 (nothing arrives), undefined without media.
   * @returns {Promise<StreamQuality | undefined>}
   */
  async getQuality() {
    return JSON.parse(await request('quality', this._handle)) ?? undefined;
  }

  /**
   * Apply a filter of the media server, or to an own stream one of the page (`OpenVidu.registerFilter`), and return it. Virtual
   * backgrounds (`VB:...`) are refused: they are a part of OpenVidu Pro that pyvidu does not load.
   * @param {string} type
   * @param {object | string} [options]   those of a filter of this type, or the JSON text of them
   * @returns {Promise<Filter>}
   */
  async applyFilter(type, options) {
    expect(typeof type === 'string' && type, 'applyFilter takes the type of a filter, a text');
    if (type.startsWith('VB:')) this._refuseBackground(/** @type {{ token?: string }} */ (options));
    if (this._opening) await this._opening;
    await request('apply_filter', this._handle, type, textOf(options) || '{}');
    return /** @type {Filter} */ (this.filter);
  }

  /** Remove the filter. */
  async removeFilter() {
    if (this._opening) await this._opening;
    return request('remove_filter', this._handle);
  }

  /** What an own stream waits for until it has its devices. */
  get _opening() {
    const manager = /** @type {Publisher | undefined} */ (this.isLocal() ? this.streamManager : undefined);
    return manager?._bound ? undefined : manager?._access;
  }

  /**
   * @param {Partial<Stream>} fields   from Python
   */
  _update(fields) {
    Object.assign(this, fields);
    if (this.filter) this.filter.stream = this;
  }

  /**
   * Throw, with the reason.
   * @param {{ token?: string }} [options]
   * @returns {never}
   */
  _refuseBackground(options) {
    const name = 'VIRTUAL_BACKGROUND_ERROR';
    expect(this.hasVideo, 'A virtual background needs a stream with video', name);
    expect(this.streamManager?.videos.length, 'A virtual background needs a video element that shows the stream', name);
    const token = this.session?._token ?? options?.token;
    expect(token, 'A virtual background needs a connected session, or a `token` in its options', name);
    const isPro = /[?&]edition=(pro|enterprise)\b/.test(token);
    expect(isPro, 'The server has no virtual background: that is a part of OpenVidu Pro', name);
    throw new OpenViduError(name, 'pyvidu has no virtual background: publish a track of your own with one instead');
  }

  // --- hidden in openvidu-browser's documentation, and used by applications ---

  /** Whether it is a local stream that is published. */
  get isLocalStreamPublished() {
    return this.isLocal() && Boolean(this.streamId);
  }

  /** What a local stream was made with. */
  get outboundStreamOpts() {
    return this.isLocal() ? { publisherProperties: /** @type {Publisher} */ (this.streamManager).properties } : undefined;
  }

  /** Stop the tracks, which releases the devices. */
  async disposeMediaStream() {
    for (const track of this.getMediaStream()?.getTracks() ?? []) track.stop();
    if (this.isLocal() && this.streamManager?._bound) tell('dispose_media', this.streamManager._handle);
  }

  /** Close the peer connection. */
  disposeWebRtcPeer() {
    if (this.streamManager?._bound) tell('dispose_peer', this.streamManager._handle);
  }

  /** Return what openvidu-testapp reads of openvidu-browser's own object for a peer connection. */
  getWebRtcPeer() {
    const pc = this.getRTCPeerConnection();
    return pc && { pc, localCandidatesQueue: this.getLocalIceCandidateList(), remoteCandidatesQueue: this.getRemoteIceCandidateList() };
  }

  /** Return this browser's ICE candidates of the current peer connection. */
  getLocalIceCandidateList() {
    return candidatesIn(this.getRTCPeerConnection()?.localDescription);
  }

  /** Return the server's ICE candidates of the current peer connection. */
  getRemoteIceCandidateList() {
    return candidatesIn(this.getRTCPeerConnection()?.remoteDescription);
  }

  /** Return the two candidates whose pair is used, as `getStats` has them, each with its line of the description in `raw`. */
  async getSelectedIceCandidate() {
    // The answer of a connection that is replaced meanwhile may never come.
    const noAnswer = new Promise((resolve) => { setTimeout(resolve, 1000); });
    const reports = [...((await Promise.race([this.getRTCPeerConnection()?.getStats(), noAnswer]))?.values() ?? [])];
    const { selectedCandidatePairId } = reports.find(({ type }) => type === 'transport') ?? {};
    const pair = reports.find(({ id, type, selected }) => type === 'candidate-pair' && (selected || id === selectedCandidatePairId));
    const [localCandidate, remoteCandidate] = [
      [pair?.localCandidateId, this.getLocalIceCandidateList()],
      [pair?.remoteCandidateId, this.getRemoteIceCandidateList()],
    ].map(([wanted, list]) => {
      const found = reports.find(({ id }) => id === wanted);
      if (!found) return 'ERROR: there is no such ICE candidate in use';
      const lines = list.map((/** @type {RTCIceCandidate} */ { candidate }) => candidate);
      const raw = lines.filter((/** @type {string} */ line) => line.includes(found.address) && line.includes(found.port));
      return { ...found, raw };
    });
    return { localCandidate, remoteCandidate };
  }
}

/**
 * Return the candidates of a session description, to which a browser adds those that trickle in.
 * @param {RTCSessionDescription | null} [description]
 */
function candidatesIn(description) {
  return (description?.sdp ?? '').split(/^(?=m=)/m).slice(1).flatMap((section, sdpMLineIndex) => {
    const sdpMid = section.match(/^a=mid:(.*)$/m)?.[1].trim() ?? null;
    const lines = [...section.matchAll(/^a=(candidate:.*)$/gm)].map(([, candidate]) => candidate.trim());
    return lines.map((candidate) => new RTCIceCandidate({ candidate, sdpMid, sdpMLineIndex }));
  });
}

madeBy('Connection', () => new Connection());
madeBy('Stream', () => new Stream());
madeBy('Filter', () => new Filter(''));
