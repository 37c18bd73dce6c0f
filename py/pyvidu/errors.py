"""The errors that pyvidu raises. Each states what happened and what to do; `name` is OpenVidu's name where it has one."""

from __future__ import annotations

from pyvidu.protocol.codes import Code, code_in


class OpenViduError(Exception):
    """Base of every error of this package, never raised itself.

    Attributes:
        name: one of openvidu-browser's `OpenViduErrorName`.

    Example:
        try:
            await session.connect("no token")
        except OpenViduError as error:
            print(error.name, error.message)

    Source: openvidu-browser 2.32, `OpenViduError`; which errors are told apart is pyvidu's.
    """

    name = "GENERIC_ERROR"

    @property
    def message(self) -> str:
        """Return the text of the error, under openvidu-browser's name."""
        return str(self)


class InvalidTokenError(OpenViduError):
    """The text passed to `Session.connect` is no connection token."""


class NotConnectedError(OpenViduError):
    """The call needs a connected session: await `Session.connect` first."""

    name = "OPENVIDU_NOT_CONNECTED"


class AlreadyConnectedError(OpenViduError):
    """The session is connected or connecting: call `Session.disconnect` first, or make another session."""


class AlreadyPublishedError(OpenViduError):
    """The session publishes a stream: unpublish it first, or publish the second one in a session of its own."""


class NotPublishedError(OpenViduError):
    """The publisher is not published in this session: it never was, or its stream has ended."""


class NotSubscribedError(OpenViduError):
    """The stream of another participant is not received: subscribe to it first."""


class LocalStreamError(OpenViduError):
    """The stream is this participant's own, and only those of others can be subscribed to."""


class StreamEndedError(OpenViduError):
    """The stream has ended, before the call or during it. There is nothing to do: `streamDestroyed` was or is fired."""


class PermissionDeniedError(OpenViduError):
    """The role of this participant does not allow the call."""

    name = "OPENVIDU_PERMISSION_DENIED"


class BrowserNotSupportedError(OpenViduError):
    """This page cannot make calls: it has no WebRTC, or the code runs in a worker."""

    name = "BROWSER_NOT_SUPPORTED"


class DeviceError(OpenViduError):
    """A camera, microphone or screen could not be used.

    Attributes:
        name: OpenVidu's name of the case: `DEVICE_ACCESS_DENIED`, `DEVICE_ALREADY_IN_USE`, `INPUT_VIDEO_DEVICE_NOT_FOUND`,
            `INPUT_AUDIO_DEVICE_NOT_FOUND`, `INPUT_AUDIO_DEVICE_GENERIC_ERROR`, `NO_INPUT_SOURCE_SET`, `SCREEN_CAPTURE_DENIED`
            or `SCREEN_SHARING_NOT_SUPPORTED`.
    """

    def __init__(self, name: str, sentence: str) -> None:
        super().__init__(sentence)
        self.name = name


class RecordingError(OpenViduError):
    """A `LocalRecorder` cannot do what it was told: it is in another state, or the browser cannot record that.

    Attributes:
        name: that of the browser's exception if it is the browser that refuses, such as `NotSupportedError`.
    """

    def __init__(self, sentence: str, name: str = "GENERIC_ERROR") -> None:
        super().__init__(sentence)
        self.name = name


class UploadError(RecordingError):
    """A recording was not uploaded.

    Attributes:
        code: the HTTP status that the server answered with, 0 if there was no answer.
    """

    def __init__(self, endpoint: str, code: int, text: str) -> None:
        self.code = code
        what = f"answered {code}" if code else f"gave no answer ({text})"
        super().__init__(f"The recording was not uploaded: {endpoint} {what}")


class FilterError(OpenViduError):
    """A filter cannot be applied, removed or used: the stream has one, or none, or the page's own filter does not work."""

    def __init__(self, sentence: str, name: str = "GENERIC_ERROR") -> None:
        super().__init__(sentence)
        self.name = name


class PropertiesError(OpenViduError):
    """A property, option or value that does not exist or is not accepted. The message names it, and what is accepted."""

    name = "PUBLISHER_PROPERTIES_ERROR"


class BrowserRefusedError(OpenViduError):
    """The browser refused what a media connection is made of.

    ICE servers and `rtc_configuration` are the application's or the server's settings; a session description or a candidate
    that is refused means that server and browser do not match.

    Attributes:
        what: what was refused.
        reason: the browser's message.
    """

    def __init__(self, what: str, reason: str) -> None:
        self.what = what
        self.reason = reason
        super().__init__(f"The browser refused {what}: {reason}")


class ConnectionFailedError(OpenViduError):
    """The signaling plane could not be opened; the cause is chained."""


class RequestError(OpenViduError):
    """The server refused a request.

    Attributes:
        method: the request's, such as `publishVideo`.
        code: OpenVidu's, such as 401.
    """

    def __init__(self, method: str, code: int, message: str) -> None:
        inner = code_in(message)
        self.method = method
        self.code = code if inner is None else inner
        super().__init__(f"{method} was refused: {message}")
        if self.code == 401:
            self.name = "OPENVIDU_PERMISSION_DENIED"


class MalformedAnswerError(RequestError):
    """The server's answer to a request lacks something or has a value of another type; the request may be carried out."""

    def __init__(self, method: str, problem: str) -> None:
        super().__init__(method, Code.INTERNAL, problem)
        self.args = (f"The server's answer to {method} is malformed: {problem}",)


class RequestTimeoutError(OpenViduError):
    """The server did not answer a request in time although the connection is fine."""


class RequestOutcomeUnknown(OpenViduError):
    """The network dropped between a request and its answer, and repeating the request is not safe.

    It may have been carried out or not.
    """


class QueueFullError(OpenViduError):
    """Too many requests of one kind are queued already during an outage: this one was not sent and never will be."""


class CallbackError(OpenViduError):
    """A function of the application raised, or returned something that cannot be used.

    That of a filter of the page is raised by the call that needs it; those of `rejoin` and `roster` are only logged.
    """


class MessageTooLongError(OpenViduError):
    """A request is longer than a server of OpenVidu reads (50 KiB): it was not sent. Send less, a large signal in parts."""


class SessionLostError(OpenViduError):
    """The session ended while a call was waiting: join again with a new token.

    Attributes:
        reason: that of `sessionDisconnected`.
    """

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(f"The session ended ({reason}); join again with a new token")
