"""The reconnection engine: decides when the network is down, which streams are frozen, and what to do about it.

Evidence in, verdicts and actions out. Nothing here does I/O, depends on a browser or reads a clock: the time of each piece of
evidence is passed in, so a test can run an outage of nine seconds in a millisecond. Four objects decide:

| object | one for each | decides |
|---|---|---|
| `Supervisor` | session | whether the signaling plane is up, and how it comes back |
| `RtpMonitor` | session | whether RTP is steady, overdue, silent or back: of all streams, and of each |
| `StreamRecovery` | stream | whether it is frozen, and what is done about it |
| `PublisherSilence` | session | who of the others is not heard, where the server does not tell |

None calls another. The shells pass on what one finds as evidence for the next: the monitor's `RtpSteady`, `RtpOverdue`,
`RtpSilent`, `ReportsSilent` and `RtpReturned` are evidence for the supervisor; `RtpReturned`, and what it finds of one
stream, for recoveries. The supervisor's `AnnounceReconnecting` and `AnnounceReconnected` reach each recovery as
`SignalingLost` and `SignalingResumed`. A recovery asks for nothing but what concerns its own media connection.
`PublisherSilence` gets what the monitor and the recoveries find, and nothing follows from it for them.
"""
