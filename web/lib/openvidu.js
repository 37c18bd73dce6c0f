// The entry point, with openvidu-browser's methods. Calls made before Python has started run once it has.

import { isReady, register, request, tell, whenReady } from './bridge.js';
import { DEFAULT_PUBLISHER_PROPERTIES, RECONNECTION, RECONNECTION_SWITCHES } from './defaults.js';
import { EarlyMedia } from './early.js';
import { OpenViduError, expect, whyUnsupported } from './errors.js';
import { hide, inZone } from './events.js';
import { Filter } from './filter.js';
import { LocalRecorder } from './local-recorder.js';
import { Publisher, elementOf } from './stream-manager.js';
import { Session } from './session.js';
import { Stream, TypeOfVideo } from './stream.js';

/** @import { AdvancedConfiguration, PublisherProperties } from './defaults.js' */
/** @import { Completion, Target } from './stream-manager.js' */

/**
 * @typedef {object} Device   a camera or a microphone
 * @property {string} kind    `videoinput` or `audioinput`
 * @property {string} deviceId
 * @property {string} label   empty until access was granted
 */

export class OpenVidu {
  constructor() {
    this._handle = register(this);
    hide(this, '_handle');
    /** @type {AdvancedConfiguration} */
    this.advancedConfiguration = {};
    /** @type {Session | undefined} the last one made */
    this.session = undefined;
    hide(this, 'session');
    tell('new_openvidu', this._handle);
  }

  /** Return a new session, not connected yet. */
  initSession() {
    this.session = new Session(this);
    return this.session;
  }

  /**
   * Request access to camera and microphone, and return the Publisher at once.
   * @param {Target} [targetElement]   where the local video is shown, if anywhere
   * @param {PublisherProperties | Completion} [properties]
   * @param {Completion} [completionHandler]
   */
  initPublisher(targetElement, properties, completionHandler) {
    const handler = typeof properties === 'function' ? properties : completionHandler;
    const told = handler ?? ((error) => { if (error) console.error(error); });
    return this._publisher(targetElement, typeof properties === 'function' ? {} : properties, told);
  }

  /**
   * Request access as `initPublisher` does; return the Publisher once it was granted, rejected if it was denied.
   * @param {Target} [targetElement]
   * @param {PublisherProperties} [properties]
   */
  async initPublisherAsync(targetElement, properties) {
    const publisher = this._publisher(targetElement, properties);
    await publisher._access;
    return publisher;
  }

  /**
   * Set these settings, and all others to their defaults, for sessions that connect later. `reconnection` throws an error at once
   * if it has a wrong name or value; others that are wrong are ignored, with a warning in the console.
   * @param {AdvancedConfiguration} configuration
   */
  setAdvancedConfiguration(configuration) {
    expect(Object(configuration) === configuration, 'setAdvancedConfiguration takes an object with settings');
    const settings = defined(configuration);
    if (settings.reconnection) checkPolicy(settings.reconnection);
    this.advancedConfiguration = configuration;
    for (const name of ['rejoin', 'roster']) if (typeof settings[name] === 'function') settings[name] = inZone(settings[name]);
    tell('configure', this._handle, settings);
  }

  /**
   * Return a recorder of a stream, one's own or a received one.
   * @param {Stream} stream
   */
  initLocalRecorder(stream) {
    expect(stream instanceof Stream, 'initLocalRecorder takes a Stream, such as publisher.stream');
    return new LocalRecorder(stream, this);
  }

  /**
   * Make a function of the page a filter: `publisher.stream.applyFilter(name, options)` sends the video through it. It gets a copy of
   * the track that is sent, and the options, and returns the track to send in its place (or a promise of it). When the filter is
   * removed or the publisher ends, both tracks are stopped and their `onended` is called: then stop what the filter runs.
   * @param {string} name
   * @param {(track: MediaStreamTrack, options: any) => MediaStreamTrack | Promise<MediaStreamTrack>} filter
   * @param {{ announce?: boolean }} [how]   with `announce: false` the server and the others are not told
   */
  registerFilter(name, filter, { announce = true } = {}) {
    const isName = typeof name === 'string' && name && !name.startsWith('VB:');
    expect(isName, 'registerFilter takes a name, a text that does not begin with VB:', 'PUBLISHER_PROPERTIES_ERROR');
    expect(typeof filter === 'function', 'registerFilter takes a function from a track to a track', 'PUBLISHER_PROPERTIES_ERROR');
    const run = inZone(filter);
    tell('register_filter', this._handle, name, async (track, options) => run(track, JSON.parse(options)), Boolean(announce));
  }

  /** Return whether this browser can make calls. */
  checkSystemRequirements() {
    return whyUnsupported() === undefined;
  }

  checkScreenSharingCapabilities() {
    return Boolean(globalThis.navigator?.mediaDevices?.getDisplayMedia);
  }

  /**
   * Return whether this browser has each of the things that pyvidu uses and can do without (docs/browsers.md).
   * @returns {Promise<Record<string, boolean>>}
   */
  async browserSupport() {
    return JSON.parse(await request('browser_support', this._handle));
  }

  /**
   * Return cameras and microphones; rejected without https (or localhost).
   * @returns {Promise<Device[]>}
   */
  async getDevices() {
    const devices = await mediaDevices().enumerateDevices();
    return devices
      .filter((device) => device.kind === 'audioinput' || device.kind === 'videoinput')
      .map(({ kind, deviceId, label }) => ({ kind, deviceId, label }));
  }

  /**
   * Return a MediaStream as `initPublisher` would publish it with these properties.
   * @param {PublisherProperties} [properties]
   */
  getUserMedia(properties) {
    return request('get_user_media', this._handle, { ...defined(properties), filter: undefined });
  }

  /** Do nothing: openvidu-browser logs less after this, but pyvidu's JavaScript never logs much. */
  enableProdMode() {}

  /**
   * @param {Target} targetElement
   * @param {PublisherProperties} [properties]
   * @param {Completion} [handler]
   */
  _publisher(targetElement, properties, handler) {
    expect(handler === undefined || typeof handler === 'function', 'The completion handler must be a function');
    /** @type {PublisherProperties} */
    const wanted = { ...DEFAULT_PUBLISHER_PROPERTIES, ...defined(properties) };
    const hasAudio = wanted.audioSource !== false;
    const hasVideo = wanted.videoSource !== false;
    const typeOfVideo = hasVideo ? typeOf(wanted.videoSource) : undefined;
    if (typeOfVideo === 'CUSTOM') {
      // A track has a size and a rate of its own.
      delete wanted.resolution;
      delete wanted.frameRate;
    }
    const stream = new Stream({
      hasAudio,
      hasVideo,
      audioActive: hasAudio && Boolean(wanted.publishAudio),
      videoActive: hasVideo && Boolean(wanted.publishVideo),
      typeOfVideo,
      frameRate: hasVideo ? (wanted.frameRate ?? undefined) : undefined,
      filter: wanted.filter ? filterOf(wanted.filter) : undefined,
    });
    const publisher = new Publisher(stream, wanted);
    publisher.targetElement = (targetElement && elementOf(targetElement)) || undefined;
    const early = isReady() ? undefined : EarlyMedia.ask(wanted);
    if (early) this._preview(publisher, early.stream, targetElement);
    else whenReady(() => publisher._expectDialog());
    const { filter } = stream;
    if (filter) filter.stream = stream;
    const described = { ...wanted, filter: filter && { type: filter.type, options: filter.options, handle: filter._handle } };
    publisher._access = request('init_publisher', this._handle, publisher._handle, stream._handle, described).then(
      () => {
        publisher._dialogEnded();
        publisher.accessAllowed = true;
        const target = targetElement && elementOf(targetElement); // it may have been added meanwhile
        if (publisher._isPreviewed) publisher._isPreviewed = false;
        else if (target) publisher.createVideoElement(target, wanted.insertMode);
        else if (targetElement) console.warn(`pyvidu: there is no element ${targetElement} to put a video in`);
        publisher._allowed(handler);
      },
      (error) => {
        publisher._dialogEnded();
        if (publisher._isPreviewed) publisher._abandon();
        publisher._refused(error, handler);
        throw error;
      },
    ).finally(() => early?.release());
    publisher._access.catch(() => {}); // reported by `initPublisher` or `publish`; no unhandled rejection until then
    return publisher;
  }

  /**
   * Show what the browser gives before Python is there; Python shows the same stream then.
   * @param {Publisher} publisher
   * @param {Promise<MediaStream>} asked
   * @param {Target} targetElement
   */
  async _preview(publisher, asked, targetElement) {
    publisher._expectDialog();
    const stream = await asked.catch(() => undefined); // Python reports what went wrong
    publisher._dialogEnded();
    const target = targetElement && elementOf(targetElement);
    if (!stream || !target || publisher._bound || publisher._denied || publisher.isSubscribedToRemote) return;
    const { insertMode, mirror } = publisher.properties;
    const video = publisher.createVideoElement(target, insertMode);
    publisher._isPreviewed = true;
    video.muted = true;
    if (mirror) video.style.transform = 'rotateY(180deg)';
    video.srcObject = stream;
  }
}

/**
 * Return the type of a publisher's video, which a page may read before Python opens its source.
 * @param {unknown} videoSource
 */
function typeOf(videoSource) {
  if (typeof videoSource === 'object') return TypeOfVideo.CUSTOM; // a MediaStreamTrack
  const isScreen = videoSource === 'screen' || videoSource === 'window' || String(videoSource).startsWith('screen:');
  return isScreen ? TypeOfVideo.SCREEN : TypeOfVideo.CAMERA;
}

/**
 * Return the filter that a page has described; Python says what is wrong with it.
 * @param {any} given
 */
function filterOf(given) {
  return given instanceof Filter ? given : new Filter(given.type, given.options);
}

/**
 * Check a reconnection policy, before Python runs perhaps: its groups, their numbers (times in milliseconds) and switches.
 * @param {Record<string, Record<string, unknown>>} policy
 */
function checkPolicy(policy) {
  const wrong = 'PUBLISHER_PROPERTIES_ERROR';
  for (const [group, numbers] of Object.entries(policy)) {
    const known = RECONNECTION[/** @type {keyof typeof RECONNECTION} */ (group)];
    expect(known, `reconnection has no ${group}; it has ${Object.keys(RECONNECTION).join(', ')}`, wrong);
    for (const [name, value] of Object.entries(Object(numbers))) {
      const at = `reconnection.${group}.${name}`;
      expect(known.includes(name), `${at}: there is none; there are ${known.join(', ')}`, wrong);
      if (RECONNECTION_SWITCHES.includes(name)) {
        expect(typeof value === 'boolean', `${at} must be true or false, not ${value}`, wrong);
        continue;
      }
      const isFine = value === null || (typeof value === 'number' && value >= 1 && value < 1e15);
      expect(isFine, `${at} must be a number of 1 or more (times are in milliseconds), not ${value}`, wrong);
    }
  }
}

/**
 * Return a copy of `options` without null and undefined. A null source becomes false (none), as in openvidu-browser.
 * @param {object} [options]
 * @returns {Record<string, any>}
 */
function defined(options) {
  const sources = new Set(['audioSource', 'videoSource']);
  const entries = Object.entries(options ?? {}).filter(([, value]) => value !== undefined);
  return Object.fromEntries(
    entries.flatMap(([name, value]) => (value !== null ? [[name, value]] : sources.has(name) ? [[name, false]] : [])),
  );
}

function mediaDevices() {
  const devices = navigator.mediaDevices;
  if (!devices) throw new OpenViduError('DEVICE_ACCESS_DENIED', 'Cameras and microphones need https, or localhost');
  return devices;
}
