// Publisher and Subscriber: one stream each, and the video elements that show it.
//
// Elements are created here, because pages rely on getting them at once; Python shows the stream in them and fires
// `videoElementDestroyed` when they are no longer needed.

import { register, request, tell } from './bridge.js';
import { VideoInsertMode } from './defaults.js';
import { expect } from './errors.js';
import { EventDispatcher, StreamEvent, StreamManagerEvent, VideoElementEvent, call, hide } from './events.js';

/** @import { Kind } from './bridge.js' */
/** @import { PublisherProperties, SpeakingEventsOptions, SubscriberProperties } from './defaults.js' */
/** @import { Event, Handler } from './events.js' */
/** @import { Session } from './session.js' */
/** @import { Stream } from './stream.js' */

/**
 * @typedef {string | HTMLElement | null | undefined} Target   an element or the id of one
 * @typedef {(error?: Error) => void} Completion   called without an argument, or with what went wrong
 *
 * @typedef {object} StreamManagerVideo
 * @property {HTMLVideoElement} video
 * @property {string} id
 * @property {HTMLElement} [targetElement]   where pyvidu created it; an element of the page's own has none
 * @property {string} [insertMode]
 */

/** @type {Record<string, InsertPosition | undefined>} */
const POSITIONS = { AFTER: 'afterend', APPEND: 'beforeend', BEFORE: 'beforebegin', PREPEND: 'afterbegin' };

/** @type {Record<string, 'enable_speaking_events' | 'enable_volume_events' | undefined>} */
const MEASURED = {
  publisherStartSpeaking: 'enable_speaking_events',
  publisherStopSpeaking: 'enable_speaking_events',
  streamAudioVolumeChange: 'enable_volume_events',
};

const DIALOG_AFTER = 2000; // milliseconds, as in openvidu-browser

/** @type {WeakMap<HTMLVideoElement, StreamManager>} the one whose stream a video element shows */
const managers = new WeakMap();

export class StreamManager extends EventDispatcher {
  /**
   * @param {Stream} stream
   * @param {boolean} remote
   */
  constructor(stream, remote) {
    super();
    this._handle = register(this);
    this.stream = stream;
    this.remote = remote;
    /** @type {string | undefined} */
    this.id = undefined;
    /** @type {HTMLElement | undefined} the element that `initPublisher` or `subscribe` was given */
    this.targetElement = undefined;
    /** @type {StreamManagerVideo[]} */
    this.videos = [];
    this._bound = false; // whether Python's half exists
    /** @type {(() => void)[]} actions to run as soon as it does */
    this._waiting = [];
    this._playing = false;
    hide(this, '_handle', '_bound', '_waiting', '_playing');
    stream.streamManager = this;
  }

  /**
   * Create a `<video>` at `targetElement` that shows the stream, and return it. Throw if there is no such element.
   * @param {Target} targetElement
   * @param {string} [insertMode]
   */
  createVideoElement(targetElement, insertMode = VideoInsertMode.APPEND) {
    const target = elementOf(targetElement);
    expect(target instanceof HTMLElement, `There is no element ${targetElement} to put a video in`);
    const video = document.createElement('video');
    video.id = `${this.remote ? 'remote' : 'local'}-video-${this.stream.streamId || 'undefined'}`;
    video.autoplay = true;
    video.playsInline = true;
    if (insertMode === VideoInsertMode.REPLACE) target.replaceWith(video);
    else target.insertAdjacentElement(POSITIONS[insertMode] ?? 'beforeend', video);
    this._show({ video, id: video.id, targetElement: target, insertMode });
    return video;
  }

  /**
   * Show the stream in a `<video>` of the page's own.
   * @param {HTMLVideoElement} video
   * @returns 1 if it showed none before, 0 if it showed this one already, -1 if it showed another one
   */
  addVideoElement(video) {
    expect(video instanceof HTMLVideoElement, 'addVideoElement takes a <video> of the page');
    if (this.videos.some((entry) => entry.video === video)) return 0;
    const before = managers.get(video);
    before?._forget(video);
    before?._whenBound(() => tell('hide', before._handle, video));
    this._show({ video, id: video.id });
    return before ? -1 : 1;
  }

  /**
   * Change how speech and volume are measured in this stream: at once, and instead of `publisherSpeakingEventsOptions`.
   * @param {SpeakingEventsOptions} options
   */
  updatePublisherSpeakingEventsOptions(options) {
    expect(Object(options) === options, 'updatePublisherSpeakingEventsOptions takes an object with interval and threshold');
    for (const value of [options.interval ?? 100, options.threshold ?? -50]) {
      expect(Number.isFinite(value), `interval (milliseconds) and threshold (decibels) are numbers, not ${value}`);
    }
    this._whenBound(() => tell('speaking_options', this._handle, { ...options }));
  }

  /** End all videos: those that pyvidu created are removed from the page. */
  removeAllVideos() {
    this._whenBound(() => tell('remove_videos', this._handle));
  }

  /**
   * Add a handler. Speech and volume are measured only once a handler for them has been added.
   * @override
   * @param {string} type
   * @param {Handler} handler
   * @param {boolean} once
   */
  _listen(type, handler, once) {
    const enable = MEASURED[type];
    if (enable) this._whenBound(() => tell(enable, this._handle));
    return super._listen(type, handler, once);
  }

  /**
   * Measure speech and volume no longer once neither this nor its session has a handler for them.
   * @override
   * @param {string} type
   */
  _unheard(type) {
    if (!MEASURED[type]) return;
    this._whenBound(() => {
      const { session } = this.stream;
      const heard = Object.keys(MEASURED).some((measured) => this._hears(measured) || session?._hears(measured));
      if (!heard) tell('disable_speaking_events', this._handle);
    });
  }

  /** @param {StreamManagerVideo} entry */
  _show(entry) {
    managers.set(entry.video, this);
    this.videos.push(entry);
    this.id ??= entry.id;
    this._whenBound(() => tell('show_in', this._handle, entry.video));
  }

  /** @param {() => void} action */
  _whenBound(action) {
    if (this._bound) action();
    else this._waiting.push(action);
  }

  _bind() {
    this._bound = true;
    for (const action of this._waiting.splice(0)) action();
  }

  /**
   * Handle an event that Python fires on this object.
   * @param {Event} event
   */
  _dispatch(event) {
    if (event.type === 'streamPlaying') this._playing = true;
    if (event instanceof VideoElementEvent) {
      const entry = this.videos.find((known) => known.video === event.element);
      if (event.type === 'videoElementDestroyed') this._forget(event.element);
      if (!entry?.targetElement) return; // an element of the page's own: nothing was created or destroyed
      if (event.type === 'videoElementDestroyed') entry.video.remove();
    }
    this._emit(event);
  }

  /** Remove the videos again: there will be no stream to show in them. */
  _abandon() {
    for (const { video, targetElement } of [...this.videos]) {
      this._forget(video);
      if (targetElement) video.remove();
    }
  }

  /** @param {HTMLVideoElement} video */
  _forget(video) {
    managers.delete(video);
    this.videos = this.videos.filter((entry) => entry.video !== video);
    this.id = this.videos[0]?.id;
  }

  /**
   * @override
   * @param {string} type
   * @returns {unknown[]}
   */
  _missedEvents(type) {
    if (type === 'streamPlaying' && this._playing) return [new StreamManagerEvent(type, this, {})];
    if (type === 'videoElementCreated' && this._bound) {
      const created = this.videos.filter((entry) => entry.targetElement);
      return created.map((entry) => new VideoElementEvent(type, this, { element: entry.video }));
    }
    return [];
  }
}

/** A stream that this participant sends. Made by `OpenVidu.initPublisher`. */
export class Publisher extends StreamManager {
  /**
   * @param {Stream} stream
   * @param {PublisherProperties} properties
   */
  constructor(stream, properties) {
    super(stream, false);
    this.properties = properties;
    this.accessAllowed = false;
    this.isSubscribedToRemote = false;
    /** @type {Session | undefined} the one in which it is published */
    this.session = undefined;
    /** @type {Error | undefined} */
    this._denied = undefined;
    /** @type {Promise<void>} fulfilled once Python's half exists */
    this._access = Promise.resolve();
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    this._dialog = undefined;
    this._dialogIsOpen = false;
    this._isPreviewed = false; // shown already, although Python's half does not exist yet
    hide(this, '_denied', '_access', '_dialog', '_dialogIsOpen', '_isPreviewed');
  }

  /**
   * Unmute or mute the microphone. During an outage the others are notified after it.
   * @param {boolean} enabled
   */
  publishAudio(enabled) {
    this._setActive('audio', Boolean(enabled), false).catch((error) => console.warn(error));
  }

  /**
   * Show or black out the video. The promise is fulfilled when the others have been notified.
   * @param {boolean} enabled
   * @param {boolean | MediaStreamTrack} [resource]   with `false`: whether to release the camera; with `true`: the track to send
   *     if the camera was released, which is otherwise opened again
   */
  publishVideo(enabled, resource) {
    return this._setActive('video', Boolean(enabled), resource ?? false);
  }

  /**
   * Send another MediaStreamTrack instead of the one of its kind, which is stopped. Nothing is renegotiated.
   * @param {MediaStreamTrack} track
   */
  async replaceTrack(track) {
    if (!this._bound) await this._access;
    await request('replace_track', this._handle, track);
  }

  /**
   * Show the stream as the others get it, once it is published. Call it before the videos are created: they are neither mirrored nor
   * muted then.
   * @param {boolean} [value]
   */
  subscribeToRemote(value = true) {
    this.isSubscribedToRemote = Boolean(value);
    this._whenBound(() => tell('subscribe_to_remote', this._handle, this.isSubscribedToRemote));
  }

  /**
   * @param {Kind} kind
   * @param {boolean} enabled
   * @param {boolean | MediaStreamTrack} resource
   * @returns {Promise<void>}
   */
  _setActive(kind, enabled, resource) {
    return new Promise((resolve, reject) => {
      this._whenBound(() => request('set_active', this._handle, kind, enabled, resource).then(resolve, reject));
      this._access.catch(reject); // denied already, or later
    });
  }

  /** Expect the browser's dialog: if nothing has been granted or denied after 2 s, it is open. */
  _expectDialog() {
    this._dialog = setTimeout(() => {
      this._dialogIsOpen = true;
      this._tell('accessDialogOpened');
    }, DIALOG_AFTER);
  }

  _dialogEnded() {
    clearTimeout(this._dialog);
    if (this._dialogIsOpen) this._tell('accessDialogClosed');
    this._dialogIsOpen = false;
  }

  /**
   * Handle that access was granted: first the elements, then `handler`, then the event.
   * @param {Completion} [handler]
   */
  _allowed(handler) {
    this._bind();
    if (handler) call(handler, undefined);
    this._tell('accessAllowed');
  }

  /**
   * @param {Error} error
   * @param {Completion} [handler]
   */
  _refused(error, handler) {
    this._denied = error;
    if (handler) call(handler, error);
    this._tell('accessDenied', error);
  }

  /**
   * @override
   * @param {string} type
   * @returns {unknown[]}
   */
  _missedEvents(type) {
    if (type === 'accessAllowed' && this._bound) return [undefined];
    if (type === 'accessDenied' && this._denied) return [this._denied];
    if (type === 'streamCreated' && this.stream.streamId) return [new StreamEvent(type, this, { stream: this.stream, reason: '' })];
    return super._missedEvents(type);
  }
}

/** A remote stream that this participant receives. Made by `Session.subscribe`. */
export class Subscriber extends StreamManager {
  /**
   * @param {Stream} stream
   * @param {SubscriberProperties} properties
   */
  constructor(stream, properties) {
    super(stream, true);
    this.properties = properties;
  }

  /**
   * Play the audio or not, for this participant only.
   * @param {boolean} enabled
   */
  subscribeToAudio(enabled) {
    return this._want('audio', enabled);
  }

  /**
   * Show the video or not, for this participant only.
   * @param {boolean} enabled
   */
  subscribeToVideo(enabled) {
    return this._want('video', enabled);
  }

  /**
   * @param {Kind} kind
   * @param {boolean} enabled
   */
  _want(kind, enabled) {
    this._whenBound(() => tell('want', this._handle, kind, Boolean(enabled)));
    return this;
  }
}

/** @param {Target} target */
export function elementOf(target) {
  return typeof target === 'string' ? document.getElementById(target) : target;
}
