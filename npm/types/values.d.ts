// Names and texts with a meaning, and errors.

/** A device's id, a track of the application's own, or whether there is any. */
export type LocalDeviceSource = string | MediaStreamTrack | boolean | null;

/** Where a video element goes, from the element that was named. */
export declare enum VideoInsertMode {
  AFTER = 'AFTER',
  APPEND = 'APPEND',
  BEFORE = 'BEFORE',
  PREPEND = 'PREPEND',
  REPLACE = 'REPLACE',
}

/** What a stream's video is. */
export declare enum TypeOfVideo {
  CAMERA = 'CAMERA',
  SCREEN = 'SCREEN',
  CUSTOM = 'CUSTOM',
  IPCAM = 'IPCAM',
}

/** What `LocalRecorder.state` may be. */
export declare enum LocalRecorderState {
  READY = 'READY',
  RECORDING = 'RECORDING',
  PAUSED = 'PAUSED',
  FINISHED = 'FINISHED',
}

/** What `ExceptionEvent.name` may be. */
export declare enum ExceptionEventName {
  ICE_CANDIDATE_ERROR = 'ICE_CANDIDATE_ERROR',
  ICE_CONNECTION_FAILED = 'ICE_CONNECTION_FAILED',
  ICE_CONNECTION_DISCONNECTED = 'ICE_CONNECTION_DISCONNECTED',
  NO_STREAM_PLAYING_EVENT = 'NO_STREAM_PLAYING_EVENT',
  SPEECH_TO_TEXT_DISCONNECTED = 'SPEECH_TO_TEXT_DISCONNECTED',
}

/** What `OpenViduError.name` may be. */
export declare enum OpenViduErrorName {
  BROWSER_NOT_SUPPORTED = 'BROWSER_NOT_SUPPORTED',
  DEVICE_ACCESS_DENIED = 'DEVICE_ACCESS_DENIED',
  DEVICE_ALREADY_IN_USE = 'DEVICE_ALREADY_IN_USE',
  SCREEN_CAPTURE_DENIED = 'SCREEN_CAPTURE_DENIED',
  SCREEN_SHARING_NOT_SUPPORTED = 'SCREEN_SHARING_NOT_SUPPORTED',
  SCREEN_EXTENSION_NOT_INSTALLED = 'SCREEN_EXTENSION_NOT_INSTALLED',
  SCREEN_EXTENSION_DISABLED = 'SCREEN_EXTENSION_DISABLED',
  INPUT_VIDEO_DEVICE_NOT_FOUND = 'INPUT_VIDEO_DEVICE_NOT_FOUND',
  INPUT_AUDIO_DEVICE_NOT_FOUND = 'INPUT_AUDIO_DEVICE_NOT_FOUND',
  INPUT_AUDIO_DEVICE_GENERIC_ERROR = 'INPUT_AUDIO_DEVICE_GENERIC_ERROR',
  NO_INPUT_SOURCE_SET = 'NO_INPUT_SOURCE_SET',
  PUBLISHER_PROPERTIES_ERROR = 'PUBLISHER_PROPERTIES_ERROR',
  OPENVIDU_PERMISSION_DENIED = 'OPENVIDU_PERMISSION_DENIED',
  OPENVIDU_NOT_CONNECTED = 'OPENVIDU_NOT_CONNECTED',
  VIRTUAL_BACKGROUND_ERROR = 'VIRTUAL_BACKGROUND_ERROR',
  GENERIC_ERROR = 'GENERIC_ERROR',
}

/** What every call is rejected with, or throws. It is an Error, which openvidu-browser's is not. */
export declare class OpenViduError extends Error {
  constructor(name: OpenViduErrorName, message: string, code?: number);
  name: OpenViduErrorName;
  /** The server's error code, if the server refused a request. Not in openvidu-browser. */
  code?: number;
}

export type ChangedPropertyType = 'videoActive' | 'audioActive' | 'videoTrack' | 'audioTrack' | 'videoDimensions' | 'filter';

export type StreamPropertyChangedEventReason =
  | 'publishVideo'
  | 'publishAudio'
  | 'trackReplaced'
  | 'deviceRotated'
  | 'screenResized'
  | 'applyFilter'
  | 'execFilterMethod'
  | 'removeFilter';

export type ConnectionEventReason =
  | 'disconnect'
  | 'forceDisconnectByUser'
  | 'forceDisconnectByServer'
  | 'sessionClosedByServer'
  | 'networkDisconnect'
  | 'nodeCrashed'
  | '';

export type StreamEventReason = ConnectionEventReason | 'unpublish' | 'forceUnpublishByUser' | 'forceUnpublishByServer';

export type RecordingEventReason = 'recordingStoppedByServer' | 'sessionClosedByServer' | 'automaticStop' | 'nodeCrashed';

export type SpeechToTextEventReason = 'recognizing' | 'recognized';
