// The events, and which object fires which.

import type { Filter } from './filter.js';
import type { Session } from './session.js';
import type { Connection, Stream } from './stream.js';
import type { StreamManager, Subscriber } from './stream_manager.js';
import type {
  ChangedPropertyType,
  ConnectionEventReason,
  ExceptionEventName,
  RecordingEventReason,
  SpeechToTextEventReason,
  StreamEventReason,
  StreamPropertyChangedEventReason,
} from './values.js';

/** Base of every event. */
export declare abstract class Event {
  type: string;
  /** The object that fired it. */
  target: Session | StreamManager | Filter;
  /** Whether there is a default action that `preventDefault` prevents. */
  cancelable: boolean;
  hasBeenPrevented: boolean;
  /** Prevent the default action. */
  preventDefault(): void;
  isDefaultPrevented(): boolean;
  /** Run the default action now, in a handler, instead of after all handlers. */
  callDefaultBehavior(): void;
}

/**
 * `connectionCreated`, `connectionDestroyed`: somebody joined or left. `connectionInterrupted`, `connectionRestored`: nothing is heard
 * of somebody else, or something again.
 */
export declare class ConnectionEvent extends Event {
  connection: Connection;
  /** Of `connectionDestroyed`; empty otherwise. */
  reason: ConnectionEventReason;
}

/** `connectionPropertyChanged`: the server has changed something of our own connection, such as its role. */
export declare class ConnectionPropertyChangedEvent extends Event {
  connection: Connection;
  changedProperty: string;
  newValue: Object;
  oldValue: Object;
}

/** `exception`: something failed that no call is waiting for. */
export declare class ExceptionEvent extends Event {
  name: ExceptionEventName;
  origin: Session | Stream | Subscriber;
  message: string;
  data?: any;
}

/** What a filter tells, see `Filter.addEventListener`; `type` is what was listened to. */
export declare class FilterEvent extends Event {
  data: Object;
}

/** `networkQualityLevelChanged` (pyvidu's server, and OpenVidu Pro): from 0, broken, to 5. */
export declare class NetworkQualityLevelChangedEvent extends Event {
  newValue: number;
  oldValue: number;
  connection: Connection;
  /** Pyvidu's server only: `silence`, `bandwidth`, `loss`, `queue`, `roundTripTime`; undefined at 5. */
  reason?: string;
  /** Pyvidu's server only: `uplink` or `downlink`. */
  direction?: string;
}

/** `publisherStartSpeaking`, `publisherStopSpeaking`. */
export declare class PublisherSpeakingEvent extends Event {
  connection: Connection;
  streamId: string;
}

/** `recordingStarted`, `recordingStopped`. */
export declare class RecordingEvent extends Event {
  id: string;
  name?: string;
  reason?: RecordingEventReason;
}

/** `sessionDisconnected`: this participant is in the session no longer. */
export declare class SessionDisconnectedEvent extends Event {
  /** `networkDisconnect` after an outage that was too long. */
  reason: ConnectionEventReason;
}

/** `signal`, and `signal:TYPE` if it was sent with a type. */
export declare class SignalEvent extends Event {
  data?: string;
  /** Nobody, if your backend has sent it. */
  from?: Connection;
}

/** `speechToTextMessage` (OpenVidu Pro): what somebody says, as text. */
export declare class SpeechToTextEvent extends Event {
  connection: Connection;
  text: string;
  reason: SpeechToTextEventReason;
  raw: string;
  lang: string;
}

/** `streamCreated`, `streamDestroyed`: of a session the others' streams, of a publisher its own. */
export declare class StreamEvent extends Event {
  stream: Stream;
  /** Of `streamDestroyed`; empty otherwise. */
  reason: StreamEventReason;
}

/** `streamPlaying`, and `streamAudioVolumeChange` with a `value` in decibels. */
export declare class StreamManagerEvent extends Event {
  value: Object | undefined;
}

/** `streamPropertyChanged`: muted, unmuted, or with another track. */
export declare class StreamPropertyChangedEvent extends Event {
  stream: Stream;
  changedProperty: ChangedPropertyType;
  reason: StreamPropertyChangedEventReason;
  newValue: Object;
  oldValue: Object;
}

/** `videoElementCreated`, `videoElementDestroyed`: of elements that pyvidu made. */
export declare class VideoElementEvent extends Event {
  element: HTMLVideoElement;
}

/** The record of an outage, as `docs/reconnection.md` describes it. */
export interface Outage {
  /** Whether `reconnecting` was fired. */
  told: boolean;
  [field: string]: unknown;
}

/** `outageSettled`, after `reconnected` or `rejoined`: the media of the outage has been verified. Not in openvidu-browser. */
export interface OutageSettledEvent extends Event {
  outage: Outage;
}

/** Not in openvidu-browser. */
export interface ReconnectionAttemptEvent extends Event {
  /** From 1. */
  attempt: number;
}

/** `streamFrozen`, `streamRecovered`: media of a stream stands still, or flows again. Not in openvidu-browser. */
export interface StreamMediaEvent extends Event {
  stream: Stream;
}

/** What every object fires: nothing. */
export interface EventMap {}

/** What a `Session` fires. Where openvidu-browser has no event object, handlers get none or one without use: `never`. */
export interface SessionEventMap extends EventMap {
  connectionCreated: ConnectionEvent;
  connectionDestroyed: ConnectionEvent;
  /** Nothing has been heard of a participant for some 2 s, by a pyvidu server or here. Not in openvidu-browser. */
  connectionInterrupted: ConnectionEvent;
  /** It is heard again. Not in openvidu-browser. */
  connectionRestored: ConnectionEvent;
  connectionPropertyChanged: ConnectionPropertyChangedEvent;
  sessionDisconnected: SessionDisconnectedEvent;
  streamCreated: StreamEvent;
  streamDestroyed: StreamEvent;
  streamPropertyChanged: StreamPropertyChangedEvent;
  publisherStartSpeaking: PublisherSpeakingEvent;
  publisherStopSpeaking: PublisherSpeakingEvent;
  [key: `signal:${string}`]: SignalEvent;
  signal: SignalEvent;
  recordingStarted: RecordingEvent;
  recordingStopped: RecordingEvent;
  networkQualityLevelChanged: NetworkQualityLevelChangedEvent;
  speechToTextMessage: SpeechToTextEvent;
  /** OpenVidu Pro. */
  broadcastStarted: never;
  /** OpenVidu Pro. */
  broadcastStopped: never;
  /** An outage has begun. One of `reconnected`, `rejoined`, `sessionDisconnected` follows. */
  reconnecting: never;
  /** Signaling is back, with the same participant. */
  reconnected: never;
  exception: ExceptionEvent;
  /** Not in openvidu-browser. An attempt to come back begins. */
  reconnectionAttempt: ReconnectionAttemptEvent;
  /** Not in openvidu-browser. Evicted and joined again, with the token of `rejoin`. */
  rejoined: Event;
  /** Not in openvidu-browser. */
  outageSettled: OutageSettledEvent;
  /** Not in openvidu-browser. */
  streamFrozen: StreamMediaEvent;
  /** Not in openvidu-browser. */
  streamRecovered: StreamMediaEvent;
  /** The network does not carry the video beside the sound: a pyvidu server leaves it out, the own one is not sent (`reason`: `bandwidth`). Not in openvidu-browser. */
  streamVideoPaused: StreamEvent;
  /** It is forwarded, or sent, again. Not in openvidu-browser. */
  streamVideoResumed: StreamEvent;
}

/** What a `Publisher` and a `Subscriber` fire. */
export interface StreamManagerEventMap extends EventMap {
  videoElementCreated: VideoElementEvent;
  videoElementDestroyed: VideoElementEvent;
  streamPlaying: StreamManagerEvent;
  streamAudioVolumeChange: StreamManagerEvent;
  streamPropertyChanged: StreamPropertyChangedEvent;
  publisherStartSpeaking: PublisherSpeakingEvent;
  publisherStopSpeaking: PublisherSpeakingEvent;
}

/** What a `Publisher` fires. */
export interface PublisherEventMap extends StreamManagerEventMap {
  streamCreated: StreamEvent;
  streamDestroyed: StreamEvent;
  accessAllowed: never;
  accessDenied: never;
  accessDialogOpened: never;
  accessDialogClosed: never;
  /** Not in openvidu-browser. The browser's own button has ended the sharing of the screen. */
  screenShareEnded: Event;
}

/** Base of Session, Publisher and Subscriber. */
export declare abstract class EventDispatcher {
  /** Call `handler` at every event `type`. */
  abstract on<K extends keyof EventMap>(type: K, handler: (event: EventMap[K]) => void): this;
  /** Call `handler` at the next event `type` only. */
  abstract once<K extends keyof EventMap>(type: K, handler: (event: EventMap[K]) => void): this;
  /** Remove `handler`, or every handler of `type`. */
  abstract off<K extends keyof EventMap>(type: K, handler?: (event: EventMap[K]) => void): this;
}
