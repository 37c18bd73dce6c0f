// Recording a stream in the browser. Python records, and keeps the file; here are the state and openvidu-browser's methods.

import { ask, register, request, tell } from './bridge.js';
import { expect } from './errors.js';
import { hide } from './events.js';
import { elementOf } from './stream-manager.js';

/** @import { OpenVidu } from './openvidu.js' */
/** @import { Stream } from './stream.js' */

/** What `LocalRecorder.state` may be. */
export const LocalRecorderState = Object.freeze({ READY: 'READY', RECORDING: 'RECORDING', PAUSED: 'PAUSED', FINISHED: 'FINISHED' });

/** Made by `OpenVidu.initLocalRecorder`. It goes on when a track or the RTCPeerConnection of the stream is replaced. */
export class LocalRecorder {
  /**
   * @param {Stream} stream
   * @param {OpenVidu} openvidu
   */
  constructor(stream, openvidu) {
    this._handle = register(this);
    this._stream = stream;
    this._openvidu = openvidu;
    hide(this, '_handle', '_stream', '_openvidu');
    /** @type {keyof typeof LocalRecorderState} */
    this.state = LocalRecorderState.READY;
  }

  /**
   * Begin to record. The state must be READY, and is RECORDING then.
   * @param {MediaRecorderOptions} [options]   by default `{ mimeType: 'video/webm' }`
   */
  async record(options) {
    const isObject = options === undefined || options === null || (typeof options === 'object' && !(options instanceof String));
    expect(isObject, "record takes an object such as { mimeType: 'video/webm' }");
    this._need('record', 'READY');
    const { streamManager } = this._stream;
    expect(streamManager?._bound, 'This stream has no media: wait for access to its devices, or subscribe to it first');
    return request('record', this._handle, this._openvidu._handle, this._stream._handle, { ...options });
  }

  /** Leave out what follows. The state must be RECORDING, and is PAUSED then. */
  async pause() {
    this._need('pause', 'RECORDING');
    return request('switch_recorder', this._handle, 'pause');
  }

  /** Go on. The state must be PAUSED, and is RECORDING then. */
  async resume() {
    this._need('resume', 'PAUSED');
    return request('switch_recorder', this._handle, 'resume');
  }

  /** End the recording. The state must be RECORDING or PAUSED, and is FINISHED when the promise is fulfilled. */
  async stop() {
    this._need('stop', 'RECORDING', 'PAUSED');
    return request('switch_recorder', this._handle, 'stop');
  }

  /** Stop the recording, drop what was recorded, and be READY again. */
  clean() {
    if (this.state !== 'READY') tell('clean_recorder', this._handle);
  }

  /**
   * Append a `<video>` that plays the file to an element, and return it.
   * @param {string | HTMLElement} parentElement   or its id
   */
  preview(parentElement) {
    this._need('preview', 'FINISHED');
    const parent = elementOf(parentElement);
    expect(parent instanceof HTMLElement, `There is no element ${parentElement} to put a preview in`);
    return /** @type {HTMLVideoElement} */ (ask('preview_recorded', this._handle, parent));
  }

  /** Let the browser save the file. */
  download() {
    this._need('download', 'FINISHED');
    tell('download_recorded', this._handle);
  }

  /** Return the file. */
  getBlob() {
    this._need('getBlob', 'FINISHED');
    return /** @type {Blob} */ (ask('recorded', this._handle));
  }

  /**
   * Send the file as the body of a POST; fulfilled with the text of the answer, rejected with the HTTP status if it is none of
   * success (0: there was no answer).
   * @param {string} endpoint
   * @param {Record<string, string>} [headers]
   */
  async uploadAsBinary(endpoint, headers) {
    this._need('uploadAsBinary', 'FINISHED');
    return this._upload('binary', endpoint, headers);
  }

  /**
   * Send the file as `file` of a form; fulfilled and rejected as `uploadAsBinary`.
   * @param {string} endpoint
   * @param {Record<string, string>} [headers]
   */
  async uploadAsMultipartfile(endpoint, headers) {
    this._need('uploadAsMultipartfile', 'FINISHED');
    return this._upload('multipartfile', endpoint, headers);
  }

  /**
   * @param {'binary' | 'multipartfile'} call
   * @param {string} endpoint
   * @param {Record<string, string>} [headers]
   */
  async _upload(call, endpoint, headers) {
    try {
      return await request('upload_recorded', this._handle, call, endpoint, { ...headers });
    } catch (error) {
      throw /** @type {import('./errors.js').OpenViduError} */ (error).code ?? error;
    }
  }

  /**
   * @param {string} call
   * @param {string[]} states
   */
  _need(call, ...states) {
    const message = `${call} needs a recorder that is ${states.join(' or ')}, and this one is ${this.state}`;
    expect(states.includes(this.state), message);
  }
}
