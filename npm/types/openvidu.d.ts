// The entry point, and how Python is started.

import type { Device, OpenViduAdvancedConfiguration, PublisherProperties } from './options.js';
import type { LocalRecorder } from './local_recorder.js';
import type { Session } from './session.js';
import type { Stream } from './stream.js';
import type { Publisher } from './stream_manager.js';

/** Make one, then a session with `initSession`. Calls made before Python has started run once it has. */
export declare class OpenVidu {
  constructor();
  advancedConfiguration: OpenViduAdvancedConfiguration;
  /** The last one made. */
  session: Session;
  /** Return a new session, not connected yet. */
  initSession(): Session;
  /** Request access to camera and microphone, and return the Publisher at once. */
  initPublisher(targetElement: string | HTMLElement | undefined): Publisher;
  initPublisher(targetElement: string | HTMLElement | undefined, properties: PublisherProperties): Publisher;
  initPublisher(
    targetElement: string | HTMLElement | undefined,
    completionHandler: (error: Error | undefined) => void,
  ): Publisher;
  initPublisher(
    targetElement: string | HTMLElement | undefined,
    properties: PublisherProperties,
    completionHandler: (error: Error | undefined) => void,
  ): Publisher;
  /** Request access as `initPublisher` does; return the Publisher once it was granted, rejected if it was denied. */
  initPublisherAsync(targetElement: string | HTMLElement | undefined): Promise<Publisher>;
  initPublisherAsync(targetElement: string | HTMLElement | undefined, properties: PublisherProperties): Promise<Publisher>;
  /** Return a recorder of a stream, one's own or a received one. */
  initLocalRecorder(stream: Stream): LocalRecorder;
  /**
   * Make a function of the page a filter: `publisher.stream.applyFilter(name, options)` sends the video through it. It gets a copy of
   * the track that is sent, and the options, and returns the track to send in its place. When the filter is removed or the publisher
   * ends, both tracks are stopped and their `onended` is called. `announce: false`: the server and the others are not told. Not in
   * openvidu-browser.
   */
  registerFilter(
    name: string,
    filter: (track: MediaStreamTrack, options: any) => MediaStreamTrack | Promise<MediaStreamTrack>,
    how?: { announce?: boolean },
  ): void;
  /** Return whether this browser can make calls. */
  checkSystemRequirements(): boolean;
  checkScreenSharingCapabilities(): boolean;
  /** Return cameras and microphones; rejected without https (or localhost). */
  getDevices(): Promise<Device[]>;
  /** Return a MediaStream as `initPublisher` would publish it with these properties. */
  getUserMedia(options: PublisherProperties): Promise<MediaStream>;
  /** Do nothing: openvidu-browser logs less after this, but pyvidu's JavaScript never logs much. */
  enableProdMode(): void;
  /** Change settings, for sessions that connect later. */
  setAdvancedConfiguration(configuration: OpenViduAdvancedConfiguration): void;
  /** Return whether this browser has each of the things that pyvidu uses and can do without. Not in openvidu-browser. */
  browserSupport(): Promise<Record<string, boolean>>;
}

/** How far Python has started. */
export interface Progress {
  /** From 1. */
  step: number;
  /** How many steps there are. */
  steps: number;
  /** The step in words. */
  text: string;
  /** Bytes loaded so far. */
  loaded: number;
  /** Bytes in all; 0 until it is known. */
  total: number;
  /** Everything is in the browser's cache: nothing is downloaded. */
  cached: boolean;
}

/**
 * Say where `npx pyvidu copy-assets` has put the files that Python is started with: a folder, relative to the page or absolute.
 * Without it `<meta name="pyvidu-assets" content="FOLDER">` is asked, then it is `pyvidu/` under the page's `<base href>`, or in
 * its origin's root. Throws an OpenViduError if Python is starting already. Not in openvidu-browser.
 */
export declare function configure(options: { assets: string | URL }): void;

/**
 * Start Python now, not at the first `new OpenVidu()`, so that the call begins sooner. Fulfilled when it has started; rejected
 * with an OpenViduError if it cannot. Not in openvidu-browser.
 */
export declare function boot(options?: { onProgress?: (progress: Progress) => void }): Promise<void>;

/** Settled as the first `boot()` is; it starts nothing. Not in openvidu-browser. */
export declare const ready: Promise<void>;
