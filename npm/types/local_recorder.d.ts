// Recording in the browser.

import type { LocalRecorderState } from './values.js';

/**
 * Records a stream in the browser. It goes on when a track or the RTCPeerConnection is replaced, where openvidu-browser's ends;
 * while nothing arrives, the file has the last picture and silence.
 */
export declare class LocalRecorder {
  private constructor();
  state: keyof typeof LocalRecorderState & LocalRecorderState;
  /** Begin to record. The state must be READY, and is RECORDING then. By default the type is `video/webm`. */
  record(options?: any): Promise<void>;
  /** End the recording. The state must be RECORDING or PAUSED, and is FINISHED when the promise is fulfilled. */
  stop(): Promise<void>;
  /** Leave out what follows. The state must be RECORDING, and is PAUSED then. */
  pause(): Promise<void>;
  /** Go on. The state must be PAUSED, and is RECORDING then. */
  resume(): Promise<void>;
  /** Append a `<video>` that plays the file to an element, and return it. The state must be FINISHED. */
  preview(parentElement: string | HTMLElement): HTMLVideoElement;
  /** Stop the recording, drop what was recorded, and be READY again. */
  clean(): void;
  /** Let the browser save the file. The state must be FINISHED. */
  download(): void;
  /** Return the file. The state must be FINISHED. */
  getBlob(): Blob;
  /** Send the file as the body of a POST; rejected with the HTTP status if it is none of success (0: no answer). */
  uploadAsBinary(endpoint: string, headers?: any): Promise<any>;
  /** Send the file as `file` of a form; rejected likewise. */
  uploadAsMultipartfile(endpoint: string, headers?: any): Promise<any>;
}
