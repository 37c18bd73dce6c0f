// What needs no Python, begun while Python starts: the WebSocket of a session, and access to camera and microphone.
//
// Each belongs to the call that began it until Python takes it: functions.js asks here before it asks the browser. Whatever has
// not been taken is released when the call ends, however it ends. Nothing is sent: the server counts from the first `ping`.

/** @import { PublisherProperties } from './defaults.js' */

/** @type {Record<string, string | undefined>} */
const SCHEMES = { 'ws:': 'ws', 'wss:': 'wss', 'http:': 'ws', 'https:': 'wss' };

/** @type {Set<EarlySocket>} those that nobody has taken */
const sockets = new Set();
/** @type {Set<EarlyMedia>} */
const media = new Set();

/** What functions.js gets: each function returns undefined if there is nothing to take. */
export const early = {
  /** @param {string} url */
  socket(url) {
    const address = addressOf(url);
    return [...sockets].find((one) => one.address === address)?.take();
  },

  /**
   * @param {string} method
   * @param {MediaStreamConstraints} constraints
   */
  media(method, constraints) {
    const wanted = JSON.stringify(constraints);
    return method === 'getUserMedia' ? [...media].find((one) => one.asked === wanted)?.take() : undefined;
  },
};

/** A WebSocket that waits for Python. */
export class EarlySocket {
  /** @type {unknown[]} */
  #received = [];
  #socket;
  #keep = (/** @type {MessageEvent} */ { data }) => { this.#received.push(data); };

  /**
   * Open the WebSocket that a token names; return undefined if that is not possible: Python says why.
   * @param {string} token
   */
  static open(token) {
    const address = addressOf(token);
    try {
      return address ? new EarlySocket(address) : undefined;
    } catch {
      return undefined; // by a Content-Security-Policy, or from a page with https to a server without it
    }
  }

  /** @param {string} address */
  constructor(address) {
    this.address = address;
    this.#socket = new WebSocket(address);
    this.#socket.addEventListener('message', this.#keep);
    sockets.add(this);
  }

  /** Return the WebSocket, which repeats what has happened to it; undefined if the server has closed it meanwhile. */
  take() {
    const socket = this.#socket;
    const isOpen = socket.readyState === WebSocket.OPEN;
    this.#leave();
    if (!isOpen && socket.readyState !== WebSocket.CONNECTING) return undefined;
    // Python listens when it has got the socket, and before the browser reports anything more.
    if (isOpen) {
      queueMicrotask(() => {
        socket.dispatchEvent(new Event('open'));
        for (const data of this.#received) socket.dispatchEvent(new MessageEvent('message', { data }));
      });
    }
    return socket;
  }

  /** Close the WebSocket, if nobody has taken it. */
  release() {
    if (this.#leave()) this.#socket.close();
  }

  #leave() {
    this.#socket.removeEventListener('message', this.#keep);
    return sockets.delete(this);
  }
}

/** Access to camera and microphone that waits for Python. */
export class EarlyMedia {
  /**
   * Ask for what Python will ask for; return undefined if that is not known, or nothing of the browser's.
   * @param {PublisherProperties} properties
   */
  static ask(properties) {
    const constraints = constraintsOf(properties);
    if (!constraints || !globalThis.navigator?.mediaDevices?.getUserMedia) return undefined; // Python says why
    return new EarlyMedia(constraints, { audio: properties.publishAudio, video: properties.publishVideo });
  }

  /**
   * @param {MediaStreamConstraints} constraints
   * @param {Record<string, boolean | undefined>} active   whether what is recorded is shown, and later sent
   */
  constructor(constraints, active) {
    this.asked = JSON.stringify(constraints);
    /** Rejected as `getUserMedia` is. */
    this.stream = navigator.mediaDevices.getUserMedia(constraints).then((stream) => {
      for (const track of stream.getTracks()) track.enabled = Boolean(active[track.kind]);
      return stream;
    });
    this.stream.catch(() => {}); // for Python
    media.add(this);
  }

  /** Return a promise of the stream, opened anew if a device was taken away meanwhile. */
  async take() {
    media.delete(this);
    const stream = await this.stream;
    if (stream.getTracks().every(({ readyState }) => readyState === 'live')) return stream;
    stop(stream);
    return navigator.mediaDevices.getUserMedia(JSON.parse(this.asked));
  }

  /** Release the devices, if nobody has taken the stream. */
  release() {
    if (media.delete(this)) this.stream.then(stop, () => {});
  }
}

/** @param {MediaStream} stream */
function stop(stream) {
  for (const track of stream.getTracks()) track.stop();
}

/**
 * Return the address of the WebSocket of a token, or of that address itself, in one form; undefined if it is neither.
 * @param {string} token
 */
function addressOf(token) {
  try {
    const { protocol, host, searchParams } = new URL(token);
    const sessionId = searchParams.get('sessionId');
    const isToken = SCHEMES[protocol] && host && sessionId;
    return isToken ? `${SCHEMES[protocol]}://${host}/openvidu?${new URLSearchParams({ sessionId })}` : undefined;
  } catch {
    return undefined;
  }
}

/**
 * Return the constraints that `BrowserDevices.get_user_media` makes of these properties, member by member in its order.
 * @param {PublisherProperties} properties
 * @returns {MediaStreamConstraints | undefined} undefined: not of devices alone, or not valid
 */
function constraintsOf({ audioSource, videoSource, resolution, frameRate }) {
  const size = /^([1-9]\d*)x([1-9]\d*)$/i.exec(resolution ?? '');
  const isDevice = [audioSource, videoSource].every((source) =>
    source === undefined || typeof source === 'boolean' || (typeof source === 'string' && !/^(screen|window)/.test(source)));
  const isRate = frameRate === undefined || (typeof frameRate === 'number' && frameRate > 0);
  if (!size || !isDevice || !isRate || (audioSource === false && videoSource === false)) return undefined;
  const of = (/** @type {unknown} */ source) => (typeof source === 'string' ? { deviceId: { exact: source } } : {});
  const video = { width: { ideal: Number(size[1]) }, height: { ideal: Number(size[2]) }, ...(frameRate && { frameRate: { ideal: frameRate } }) };
  return {
    ...(audioSource !== false && { audio: typeof audioSource === 'string' ? of(audioSource) : true }),
    ...(videoSource !== false && { video: { ...video, ...of(videoSource) } }),
  };
}
