// One participant's session.

import type { EventDispatcher, Outage, SessionEventMap } from './events.js';
import type { OpenVidu } from './openvidu.js';
import type { Capabilities, SignalOptions, SubscriberProperties } from './options.js';
import type { Connection, Stream } from './stream.js';
import type { Publisher, StreamManager, Subscriber } from './stream_manager.js';

/** Made by `OpenVidu.initSession`. What it requests while it is not connected is rejected with `OPENVIDU_NOT_CONNECTED`. */
export declare class Session extends EventDispatcher {
  /** This participant; set when `connect` is fulfilled. */
  connection: Connection;
  sessionId: string;
  /** The publishers and subscribers of this session. */
  streamManagers: StreamManager[];
  capabilities: Capabilities;
  openvidu: OpenVidu;
  /** By connection id. */
  remoteConnections: Map<string, Connection>;
  /** By stream id. */
  remoteStreamsCreated: Map<string, boolean>;
  /**
   * Join. Add handlers before: streams that are there already are announced meanwhile.
   * @param token   what your backend got from the server for this participant
   * @param metadata   a string, or anything that can be serialized as JSON; the others get it as `connection.data`
   */
  connect(token: string): Promise<any>;
  connect(token: string, metadata: any): Promise<any>;
  /** Leave; everything has been fired when this returns, and nothing is afterwards. */
  disconnect(): void;
  /** Receive a stream, and return its Subscriber at once. */
  subscribe(stream: Stream, targetElement: string | HTMLElement | undefined): Subscriber;
  subscribe(stream: Stream, targetElement: string | HTMLElement | undefined, properties: SubscriberProperties): Subscriber;
  subscribe(
    stream: Stream,
    targetElement: string | HTMLElement | undefined,
    completionHandler: (error: Error | undefined) => void,
  ): Subscriber;
  subscribe(
    stream: Stream,
    targetElement: string | HTMLElement | undefined,
    properties: SubscriberProperties,
    completionHandler: (error: Error | undefined) => void,
  ): Subscriber;
  /** Receive a stream; return its Subscriber once media has been negotiated. */
  subscribeAsync(stream: Stream, targetElement: string | HTMLElement | undefined): Promise<Subscriber>;
  subscribeAsync(stream: Stream, targetElement: string | HTMLElement | undefined, properties: SubscriberProperties): Promise<Subscriber>;
  unsubscribe(subscriber: Subscriber): Promise<void>;
  publish(publisher: Publisher): Promise<void>;
  unpublish(publisher: Publisher): Promise<void>;
  /** Evict a participant. Moderators may. */
  forceDisconnect(connection: Connection): Promise<void>;
  /** End a stream of another participant. Moderators may. */
  forceUnpublish(stream: Stream): Promise<void>;
  signal(signal: SignalOptions): Promise<void>;
  /** Ask for what is said in a stream, as text (`speechToTextMessage`). OpenVidu Pro. */
  subscribeToSpeechToText(stream: Stream, lang: string): Promise<void>;
  unsubscribeFromSpeechToText(stream: Stream): Promise<void>;
  on<K extends keyof SessionEventMap>(type: K, handler: (event: SessionEventMap[K]) => void): this;
  once<K extends keyof SessionEventMap>(type: K, handler: (event: SessionEventMap[K]) => void): this;
  off<K extends keyof SessionEventMap>(type: K, handler?: (event: SessionEventMap[K]) => void): this;
  /** Return whether it is connected, or is coming back after a drop. */
  sessionConnected(): boolean;
  /** In an outage: start an attempt at once, without waiting for the delay. Not in openvidu-browser. */
  reconnectNow(): void;
  /** In an outage: stop the attempts; `sessionDisconnected` follows. Not in openvidu-browser. */
  stopReconnecting(): void;
  /** The records of this session's last hundred outages, oldest first. Not in openvidu-browser. */
  readonly outages: Outage[];
}
