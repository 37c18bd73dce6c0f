"""Which public name is on which page of `docs/reference/`, in the order in which a reader meets them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache


@dataclass(frozen=True, slots=True)
class Page:
    """A page: its file, its title, what it says first, and its names."""

    file: str
    title: str
    introduction: str
    names: tuple[str, ...]


INDEX = """\
# Reference

Every public name of `pyvidu`, the client, and of `pyvidu.testing`, the test kit, from its docstring: `make format` writes
these pages. A name that is not here may change at any time.

The server has no public names in Python: it is used by its command, its REST API and its webhooks, see
[server.md](../server.md). `pyvidu.js` has openvidu-browser's own names.

*Source* says where a rule comes from: OpenVidu's documentation and clients (release 2.32), a specification (webrtc-pc,
webrtc-stats, Media Capture), a measurement, or pyvidu itself. Times are seconds unless it says otherwise."""

PAGES = (
    Page(
        "client.md",
        "The client",
        "What an application makes and calls. `OpenVidu` makes a `Session` and a `Publisher`, a session makes the rest.",
        (
            "OpenVidu", "Session", "Joining", "EventIterator", "Publisher", "Subscriber", "StreamManager", "Stream",
            "Connection", "Filter", "LocalRecorder",
        ),
    ),
    Page(
        "events.md",
        "Events",
        "Handlers are added with `Session.on`, `Publisher.on` and `Subscriber.on`. Names and fields are OpenVidu's.",
        (
            "Event", "ConnectionEvent", "ConnectionPropertyChangedEvent", "StreamEvent", "StreamPropertyChangedEvent",
            "FilterEvent",
            "SignalEvent", "ReconnectingEvent", "ReconnectionAttemptEvent", "ReconnectedEvent", "RejoinedEvent",
            "OutageSettledEvent", "StreamHealthEvent", "SessionDisconnectedEvent", "StreamManagerEvent", "VideoElementEvent",
            "PublisherSpeakingEvent", "RecordingEvent", "BroadcastEvent", "NetworkQualityLevelChangedEvent",
            "SpeechToTextEvent", "ExceptionEvent",
        ),
    ),
    Page(
        "errors.md",
        "Errors",
        "Each message says what happened and what to do. A call that waits raises its error when it is awaited.",
        (
            "OpenViduError", "InvalidTokenError", "ConnectionFailedError", "NotConnectedError", "AlreadyConnectedError",
            "AlreadyPublishedError", "NotPublishedError", "NotSubscribedError", "LocalStreamError", "StreamEndedError",
            "MediaClosedError", "PermissionDeniedError", "BrowserNotSupportedError", "BrowserRefusedError", "DeviceError",
            "PropertiesError", "RequestError", "MalformedAnswerError", "RequestTimeoutError", "RequestOutcomeUnknown",
            "QueueFullError", "RecordingError", "UploadError", "MessageTooLongError", "SessionLostError", "CallbackError",
            "FilterError",
            "TestingKitError", "WrongArgumentError", "EventLoopError", "BrowserNotFoundError", "BrowserStartError",
            "LabError", "LabUnavailableError", "ServerError", "ServerStartError", "PortInUseError", "RestError",
            "FaultRefusedError", "OutageTimeoutError",
        ),
    ),
    Page(
        "settings.md",
        "Settings",
        "What is passed to `OpenVidu.set_advanced_configuration`, `OpenVidu.init_publisher` and `Session.subscribe`.",
        (
            "AdvancedConfiguration", "PublisherProperties", "SubscriberProperties", "SpeakingEventsOptions",
            "ReconnectionPolicy", "ReconnectionContext", "DetectionPolicy", "AttemptPolicy", "RequestPolicy", "MediaPolicy",
        ),
    ),
    Page(
        "values.md",
        "Values",
        "What calls return and events have.",
        (
            "SessionState", "LocalRecorderState", "Capabilities", "Device", "VideoDimensions", "TrackInfo", "VolumeChange",
            "StreamQuality", "FilterMethod", "Outage", "OutageEntry", "Attempt", "StreamRecord", "StreamStep",
        ),
    ),
    Page(
        "testing.md",
        "The test kit",
        "`pip install 'pyvidu[testing]'`; [testing.md](../testing.md) explains it. The fixtures need no import; everything "
        "else works without pytest, too.",
        (
            "browser_path", "chromium", "open_browser", "OpenBrowser", "network_lab", "pyvidu_server", "StartServer",
            "playwright_driver", "NetworkLab", "LabFault", "Direction", "Router", "Counters", "Departure",
            "lab_unavailable_reason", "start_server", "RunningServer", "Profile", "Role", "RoomConnection", "ServerFault",
            "BeginningFault", "RunningFault", "launch_browser", "find_browser", "BrowserName", "chromium_flags",
            "wait_for_outage", "read_outages", "Outages", "PageLog",
        ),
    ),
)  # fmt: skip


@cache
def pages_by_name() -> dict[str, Page]:
    """Return the page of each name."""
    return {name: page for page in PAGES for name in page.names}
