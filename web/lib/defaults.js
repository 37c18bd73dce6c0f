// Names, types and defaults of properties. Do not edit: `make format` writes this file, from py/pyvidu/configuration.py.

/**
 * @typedef {object} SpeakingEventsOptions
 * @property {number} [interval]   milliseconds, by default 100
 * @property {number} [threshold]
 */

/**
 * @typedef {object} AdvancedConfiguration
 * @property {Record<string, unknown>[] | 'freeice' | null} [iceServers]
 * @property {Record<string, unknown> | null} [rtcConfiguration]
 * @property {boolean} [forceMediaReconnectionAfterNetworkDrop]
 * @property {number} [iceConnectionDisconnectedExceptionTimeout]   milliseconds, by default 4000
 * @property {number} [noStreamPlayingEventExceptionTimeout]   milliseconds, by default 4000
 * @property {string | null} [screenShareChromeExtension]
 * @property {SpeakingEventsOptions} [publisherSpeakingEventsOptions]
 * @property {(() => Promise<unknown>) | null} [rejoin]
 * @property {(() => Promise<unknown>) | null} [roster]
 * @property {Record<string, Record<string, number | boolean | null>>} [reconnection]
 */

export const RECONNECTION = Object.freeze({
  detection: ['declaredInterval', 'heartbeatPeriod', 'latePong', 'probeFloor', 'urgentProbeFloor', 'steadyPatience', 'opinionAfter', 'opinionPeriod', 'opinionLimit', 'answerLimit', 'stuckPatience', 'overdueFloor', 'silenceFloor', 'rhythmLearning', 'rhythmMemory', 'longestGap', 'poll', 'returnPoll'],
  attempts: ['deadline', 'hangAfter', 'probePeriod', 'probeTimeout', 'resumeDeadline', 'membershipDeadline', 'deadlineCap', 'backoffBase', 'backoffCap', 'restartSpread', 'limit', 'giveUpAfter', 'rejoins', 'rejoinPause'],
  requests: ['timeout', 'queueLimit'],
  media: ['window', 'recentWindow', 'patience', 'decodeWindow', 'nudgePeriod', 'nudgeAfter', 'poll', 'outagePoll', 'givenUpPoll', 'connectTimeout', 'retries', 'retryPause', 'backlogLateness', 'iceDisconnectedTimeout', 'pauseWeakVideo'],
});

export const RECONNECTION_SWITCHES = Object.freeze(['pauseWeakVideo']);

/**
 * @typedef {object} PublisherProperties
 * @property {unknown} [audioSource]
 * @property {unknown} [videoSource]
 * @property {boolean} [publishAudio]
 * @property {boolean} [publishVideo]
 * @property {string} [resolution]
 * @property {number | null} [frameRate]
 * @property {'AFTER' | 'APPEND' | 'BEFORE' | 'PREPEND' | 'REPLACE'} [insertMode]
 * @property {boolean} [mirror]
 * @property {boolean | null} [videoSimulcast]
 * @property {unknown} [filter]
 */

export const DEFAULT_PUBLISHER_PROPERTIES = Object.freeze({
  publishAudio: true,
  publishVideo: true,
  resolution: '640x480',
  insertMode: 'APPEND',
  mirror: true,
});

/**
 * @typedef {object} SubscriberProperties
 * @property {boolean} [subscribeToAudio]
 * @property {boolean} [subscribeToVideo]
 * @property {'AFTER' | 'APPEND' | 'BEFORE' | 'PREPEND' | 'REPLACE'} [insertMode]
 */

export const DEFAULT_SUBSCRIBER_PROPERTIES = Object.freeze({
  subscribeToAudio: true,
  subscribeToVideo: true,
  insertMode: 'APPEND',
});

export const VideoInsertMode = Object.freeze({
  AFTER: 'AFTER',
  APPEND: 'APPEND',
  BEFORE: 'BEFORE',
  PREPEND: 'PREPEND',
  REPLACE: 'REPLACE',
});
