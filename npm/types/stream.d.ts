// Participants and their streams.

import type { Filter } from './filter.js';
import type { PublisherProperties } from './options.js';
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
  /** Whether nothing is heard of it: it is reconnecting, or will be evicted. Not in openvidu-browser. */
  isInterrupted: boolean;
}

/** How good the media of a stream has been since the last time that was asked. Not in openvidu-browser. */
export interface StreamQuality {
  /** 5 (good) to 1 (bad); 0: nothing has arrived, or the stream is frozen. */
  level: number;
  /** The share of its packets that were lost, 0 to 1. */
  lost: number;
  /** Seconds. */
  jitter: number;
  /** Seconds, where it is known. */
  roundTrip?: number;
  /** Bits per second. */
  bitRate: number;
  /** Frames per second of the video. */
  frameRate: number;
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
  /** The same object until it is removed. */
  filter?: Filter;
  /** Return the current MediaStream. That of a remote stream is a new one after a renegotiation. */
  getMediaStream(): MediaStream;
  /** Return the current RTCPeerConnection. */
  getRTCPeerConnection(): RTCPeerConnection;
  /** Return whether it is published from this page. */
  isLocal(): boolean;
  /** Negotiate its RTCPeerConnection anew. */
  reconnect(): Promise<void>;
  /** Apply a filter of the media server, or one of the page. Virtual backgrounds are refused: they are OpenVidu Pro's. */
  applyFilter(type: string, options: Object): Promise<Filter>;
  /** Remove the filter. */
  removeFilter(): Promise<void>;
  /** Return how good its media has been since the last call; undefined without media. Not in openvidu-browser. */
  getQuality(): Promise<StreamQuality | undefined>;
  /** Whether it is a local stream that is published. */
  readonly isLocalStreamPublished: boolean;
  /** What a local stream was made with. */
  readonly outboundStreamOpts?: { publisherProperties: PublisherProperties };
  /** Stop the tracks, which releases the devices. */
  disposeMediaStream(): Promise<void>;
  /** Close the RTCPeerConnection. */
  disposeWebRtcPeer(): void;
  /** Return the RTCPeerConnection and the ICE candidates of both ends. */
  getWebRtcPeer(): { pc: RTCPeerConnection; localCandidatesQueue: RTCIceCandidate[]; remoteCandidatesQueue: RTCIceCandidate[] } | undefined;
  getLocalIceCandidateList(): RTCIceCandidate[];
  getRemoteIceCandidateList(): RTCIceCandidate[];
  /** Return the two candidates whose pair is used, as `getStats` has them, each with its line of the description in `raw`. */
  getSelectedIceCandidate(): Promise<any>;
}
