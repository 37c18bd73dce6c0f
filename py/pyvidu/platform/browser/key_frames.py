"""Key frames, requested in both directions: after packet loss they show a picture at once.

For received video, only the worker of an `RTCRtpScriptTransform` can request them. For video that is sent, `setParameters`
takes `keyFrame` in Chromium; Firefox ESR 153 does not know it, there the same worker generates them. It is created once, from
a Blob, because a page cannot start a worker of another origin. A transform set on a running receiver gets no frames in
Chromium 156 (so it cannot hold back late ones either); it would pipe them through, as it does in Firefox.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from pyvidu.platform.browser.functions import functions

_WORKER = """
    postMessage({ generates: !!self.RTCRtpScriptTransformer?.prototype.generateKeyFrame });
    onrtctransform = ({ transformer }) => {
      transformer.readable.pipeTo(transformer.writable).catch(() => {});
      transformer.options.port.onmessage = ({ data: request }) => transformer[request]().catch(() => {});
    };
"""


@cache  # not at import, so that a memory snapshot holds nothing of the page that made it
def _requests() -> Any:
    return functions.keyFrameRequests(_WORKER)


def ask(peer: Any) -> None:
    """Request a key frame from the senders of the video that the RTCPeerConnection `peer` receives."""
    _requests().ask(peer)


def send(peer: Any) -> None:
    """Make the encoders of the video that `peer` sends produce a key frame."""
    _requests().send(peer)
