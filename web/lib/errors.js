// OpenVidu's error names, and errors with the fields that openvidu-browser's have.

/** What `OpenViduError.name` may be. */
export const OpenViduErrorName = Object.freeze({
  BROWSER_NOT_SUPPORTED: 'BROWSER_NOT_SUPPORTED',
  DEVICE_ACCESS_DENIED: 'DEVICE_ACCESS_DENIED',
  DEVICE_ALREADY_IN_USE: 'DEVICE_ALREADY_IN_USE',
  SCREEN_CAPTURE_DENIED: 'SCREEN_CAPTURE_DENIED',
  SCREEN_SHARING_NOT_SUPPORTED: 'SCREEN_SHARING_NOT_SUPPORTED',
  SCREEN_EXTENSION_NOT_INSTALLED: 'SCREEN_EXTENSION_NOT_INSTALLED',
  SCREEN_EXTENSION_DISABLED: 'SCREEN_EXTENSION_DISABLED',
  INPUT_VIDEO_DEVICE_NOT_FOUND: 'INPUT_VIDEO_DEVICE_NOT_FOUND',
  INPUT_AUDIO_DEVICE_NOT_FOUND: 'INPUT_AUDIO_DEVICE_NOT_FOUND',
  INPUT_AUDIO_DEVICE_GENERIC_ERROR: 'INPUT_AUDIO_DEVICE_GENERIC_ERROR',
  NO_INPUT_SOURCE_SET: 'NO_INPUT_SOURCE_SET',
  PUBLISHER_PROPERTIES_ERROR: 'PUBLISHER_PROPERTIES_ERROR',
  OPENVIDU_PERMISSION_DENIED: 'OPENVIDU_PERMISSION_DENIED',
  OPENVIDU_NOT_CONNECTED: 'OPENVIDU_NOT_CONNECTED',
  VIRTUAL_BACKGROUND_ERROR: 'VIRTUAL_BACKGROUND_ERROR',
  GENERIC_ERROR: 'GENERIC_ERROR',
});

/** An error with one of OpenVidu's names. `code` is the server's error code, if the server refused a request. */
export class OpenViduError extends Error {
  /**
   * @param {string} name
   * @param {string} [message]
   * @param {number} [code]
   */
  constructor(name, message, code) {
    super(message);
    this.name = name;
    if (code !== undefined) this.code = code;
  }
}

/**
 * Throw an OpenViduError, which says what to do, unless a call was made as it has to be.
 * @param {unknown} condition
 * @param {string} message
 * @param {string} [name]
 * @returns {asserts condition}
 */
export function expect(condition, message, name = 'GENERIC_ERROR') {
  if (!condition) throw new OpenViduError(name, message);
}

/**
 * Return the text of anything that was thrown.
 * @param {unknown} error
 */
export function messageOf(error) {
  return error instanceof Error ? error.message : String(error);
}

/** Return why this page cannot make calls, in one sentence; undefined if it can. */
export function whyUnsupported() {
  if (typeof document === 'undefined') {
    return 'pyvidu must run in the page itself: a worker has no camera and no WebRTC.';
  }
  if (typeof RTCPeerConnection === 'undefined') {
    return 'This browser has no WebRTC (RTCPeerConnection is missing), so it cannot make calls.';
  }
  if (typeof WebAssembly === 'undefined') {
    return 'This browser has no WebAssembly, or it is switched off (iOS: in Lockdown Mode), so it cannot run Python.';
  }
  return undefined;
}
