// Publisher and Subscriber: one stream each, and the video elements that show it.

import type { EventDispatcher, PublisherEventMap, StreamManagerEventMap } from './events.js';
import type { PublisherProperties, SpeakingEventsOptions, StreamManagerVideo, SubscriberProperties } from './options.js';
import type { Session } from './session.js';
import type { Stream } from './stream.js';
import type { VideoInsertMode } from './values.js';

export declare abstract class StreamManager extends EventDispatcher {
  stream: Stream;
  /** The elements that show the stream. */
  videos: StreamManagerVideo[];
  /** Whether it is somebody else's stream. */
  remote: boolean;
  /** The element that `initPublisher` or `subscribe` was given. */
  targetElement: HTMLElement;
  /** The id of the first video element. */
  id: string;
  /** Show the stream in a `<video>` of the page's own: 1 if it showed none before, 0 if this one, -1 if another one. */
  addVideoElement(video: HTMLVideoElement): number;
  /** Create a `<video>` at `targetElement` that shows the stream. Throws if there is no such element. */
  createVideoElement(targetElement?: string | HTMLElement, insertMode?: VideoInsertMode): HTMLVideoElement;
  /** End all videos: those that pyvidu created are removed from the page. */
  removeAllVideos(): void;
  /** Change how speech and volume are measured in this stream: at once, and instead of `publisherSpeakingEventsOptions`. */
  updatePublisherSpeakingEventsOptions(publisherSpeakingEventsOptions: SpeakingEventsOptions): void;
  on<K extends keyof StreamManagerEventMap>(type: K, handler: (event: StreamManagerEventMap[K]) => void): this;
  once<K extends keyof StreamManagerEventMap>(type: K, handler: (event: StreamManagerEventMap[K]) => void): this;
  off<K extends keyof StreamManagerEventMap>(type: K, handler?: (event: StreamManagerEventMap[K]) => void): this;
}

/** A stream that this participant sends. Made by `OpenVidu.initPublisher`. */
export declare class Publisher extends StreamManager {
  /** Whether the browser has given access to camera and microphone. */
  accessAllowed: boolean;
  /** The one in which it is published. */
  session: Session;
  properties: PublisherProperties;
  /** Unmute or mute the microphone. In an outage the others are told after it. */
  publishAudio(enabled: boolean): void;
  /**
   * Show or black out the video; fulfilled when the others have been told.
   * @param resource   with `false`: whether to release the camera; with `true`: the track to send if it was released
   */
  publishVideo<T extends boolean>(enabled: T, resource?: T extends false ? boolean : MediaStreamTrack): Promise<void>;
  /** Send another track instead of the one of its kind, which is stopped. Nothing is renegotiated. */
  replaceTrack(track: MediaStreamTrack): Promise<void>;
  /** Whether `subscribeToRemote` was called. */
  isSubscribedToRemote: boolean;
  /** Show the stream as the others get it, once it is published. Call it before the videos are created. */
  subscribeToRemote(value?: boolean): void;
  on<K extends keyof PublisherEventMap>(type: K, handler: (event: PublisherEventMap[K]) => void): this;
  once<K extends keyof PublisherEventMap>(type: K, handler: (event: PublisherEventMap[K]) => void): this;
  off<K extends keyof PublisherEventMap>(type: K, handler?: (event: PublisherEventMap[K]) => void): this;
}

/** A remote stream that this participant receives. Made by `Session.subscribe`. */
export declare class Subscriber extends StreamManager {
  properties: SubscriberProperties;
  /** Play the sound or not, for this participant only. */
  subscribeToAudio(value: boolean): Subscriber;
  /** Show the picture or not, for this participant only. */
  subscribeToVideo(value: boolean): Subscriber;
}
