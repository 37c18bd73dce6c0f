// What calls are given, as openvidu-browser names it.

import type { Filter } from './filter.js';
import type { LocalDeviceSource, VideoInsertMode } from './values.js';
import type { Connection } from './stream.js';

/** Settings of an `OpenVidu`, for sessions that connect after `setAdvancedConfiguration`. Times are in milliseconds. */
export interface OpenViduAdvancedConfiguration {
  /** ICE servers to use instead of those that the server names. */
  iceServers?: RTCIceServer[] | string;
  /** Configuration of each RTCPeerConnection. */
  rtcConfiguration?: RTCConfiguration;
  /** Accepted, without effect: browsers share screens without an extension. */
  screenShareChromeExtension?: string;
  /** How speech is detected. */
  publisherSpeakingEventsOptions?: SpeakingEventsOptions;
  /** Renegotiate every stream after a network drop, also those whose media flows. */
  forceMediaReconnectionAfterNetworkDrop?: boolean;
  /** Fire `exception` when ICE has been disconnected for so long; 4000 by default. */
  iceConnectionDisconnectedExceptionTimeout?: number;
  /** Fire `exception` when a subscribed stream has not played for so long; 4000 by default. */
  noStreamPlayingEventExceptionTimeout?: number;
  /** Not in openvidu-browser. Called after an eviction, for a new token: the session joins again by itself (`rejoined`). */
  rejoin?: (() => Promise<unknown>) | null;
  /**
   * Not in openvidu-browser. The numbers of the engine, in groups, times in milliseconds: `{ attempts: { giveUpAfter: 60000 } }`, and
   * its switch: `{ media: { pauseWeakVideo: false } }`.
   */
  reconnection?: Record<string, Record<string, number | boolean | null>>;
  /** Not in openvidu-browser. Called after an outage, for `GET sessions/ID/connection` of your backend, with which the room is corrected. */
  roster?: (() => Promise<unknown>) | null;
}

export interface SpeakingEventsOptions {
  /** Milliseconds between two measurements; 100 by default. */
  interval?: number;
  /** Decibels above which somebody speaks; -50 by default. */
  threshold?: number;
}

/** What `initPublisher` opens and how it is shown. */
export interface PublisherProperties {
  /** The id of a microphone, a track, `'screen'` for a screen's sound, or false (or null) for none; the default one if left out. */
  audioSource?: LocalDeviceSource;
  /** The id of a camera, a track, `'screen'`, or false (or null) for none; the default camera if left out. */
  videoSource?: LocalDeviceSource;
  /** Whether the microphone is on at first; true by default. */
  publishAudio?: boolean;
  /** Whether the camera is on at first; true by default. */
  publishVideo?: boolean;
  /** `'640x480'` by default. */
  resolution?: string;
  /** Frames per second. */
  frameRate?: number;
  /** Where the element goes; `APPEND` by default. */
  insertMode?: VideoInsertMode | string;
  /** Show the own video as in a mirror; true by default. */
  mirror?: boolean;
  /** Accepted, without effect yet. */
  videoSimulcast?: boolean;
  /** A filter to publish the video with, one of the media server or of the page; publishing fails if the server refuses it. */
  filter?: Filter;
}

/** What `subscribe` receives and where it is shown. */
export interface SubscriberProperties {
  /** Where the element goes; `APPEND` by default. */
  insertMode?: VideoInsertMode | string;
  /** True by default. */
  subscribeToAudio?: boolean;
  /** True by default. */
  subscribeToVideo?: boolean;
}

/** What `Session.signal` sends. */
export interface SignalOptions {
  /** A string; anything else is sent as JSON, which openvidu-browser refuses. */
  data?: unknown;
  /** Who receives it; everybody by default. */
  to?: Connection[];
  /** Receivers get `signal:TYPE` and `signal`. */
  type?: string;
}

/** A camera or a microphone. */
export interface Device {
  kind: 'videoinput' | 'audioinput';
  deviceId: string;
  /** Empty until access was granted. */
  label: string;
}

/** What the role of this participant allows it to do. */
export interface Capabilities {
  forceDisconnect: boolean;
  forceUnpublish: boolean;
  publish: boolean;
  subscribe: boolean;
}

/** An element that shows a stream. */
export interface StreamManagerVideo {
  video: HTMLVideoElement;
  id: string;
  /** Where pyvidu created it; an element of the page's own has none. */
  targetElement?: HTMLElement;
  insertMode?: VideoInsertMode;
}
