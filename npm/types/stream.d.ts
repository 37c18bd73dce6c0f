// Participants and their streams.

import type { Session } from './session.js';
import type { StreamManager } from './stream_manager.js';
import type { TypeOfVideo } from './values.js';

/** One participant. */
export declare class Connection {
  /** `con_...` */
  connectionId: string;
  /** Milliseconds since 1970. */
  creationTime: number;
  /** What it was joined with, as one string. */
  data: string;
  /** Of the local participant only. */
  role: string;
  /** Of the local participant only. */
  record: boolean;
  /** What the participant publishes. */
  stream?: Stream;
  /** Whether it has left. */
  disposed: boolean;
}

/** One stream. It stays the same object however often its RTCPeerConnection is replaced. */
export declare class Stream {
  /** `str_...` */
  streamId: string;
  /** Milliseconds since 1970. */
  creationTime: number;
  connection: Connection;
  streamManager: StreamManager;
  session: Session;
  hasAudio: boolean;
  hasVideo: boolean;
  audioActive: boolean;
  videoActive: boolean;
  typeOfVideo?: keyof typeof TypeOfVideo;
  /** Frames per second. */
  frameRate?: number;
  /** In pixels, as it is sent. */
  videoDimensions: { width: number; height: number };
  /** Always undefined: filters are not supported. */
  filter?: any;
  /** Return the current MediaStream. That of a remote stream is a new one after a renegotiation. */
  getMediaStream(): MediaStream;
  /** Return the current RTCPeerConnection. */
  getRTCPeerConnection(): RTCPeerConnection;
  /** Return whether it is published from this page. */
  isLocal(): boolean;
}
