"""What Chromium refuses to make a media connection of: each call fails with the error that says what was refused."""

from __future__ import annotations

from playwright.async_api import Browser

from pyvidu.testing.fixtures import StartServer
from tests.browser.calls import CallPage, Rest

# Setting window.garble makes the page's next remote description unreadable.
GARBLING = """<script>
const set = RTCPeerConnection.prototype.setRemoteDescription;
RTCPeerConnection.prototype.setRemoteDescription = function ({ type, sdp }) {
  const garbled = window.garble ? 'nonsense' : sdp;
  window.garble = false;
  return set.call(this, { type, sdp: garbled });
};
</script>"""

OF_CANDIDATE = """
from pyvidu.platform import Candidate
peer = session.stream_managers[-1].media.peer
await failure(peer.add_candidate(Candidate('candidate:nonsense', '0', 0)))
"""


async def test_what_the_browser_refuses_fails_with_an_error_that_names_it(
    chromium: Browser, pyvidu_server: StartServer
) -> None:
    server = await pyvidu_server()
    rest = Rest(server)
    ada = await CallPage.open(chromium, server, "ada", head=GARBLING)
    await ada.python("openvidu.set_advanced_configuration({'iceServers': [{'urls': 'nonsense:1'}]})")
    await ada.join(await rest.token("call"), publish=False)
    await ada.python("publisher = await openvidu.init_publisher('me')")
    publishing = "await failure(session.publish(publisher))"
    refused = await ada.python(publishing)
    assert refused.startswith(
        "GENERIC_ERROR: The browser refused the RTCConfiguration with the ICE servers ['nonsense:1']: "
    )
    await ada.python("session.disconnect()\nopenvidu.set_advanced_configuration({'iceServers': []})")

    await ada.join(await rest.token("call"), publish=False)
    await ada.evaluate("() => { garble = true; }")
    refused = await ada.python(publishing)
    assert refused.startswith("GENERIC_ERROR: The browser refused the server's SDP answer: ")
    assert await ada.python(publishing) == "no error"
    refused = await ada.python(OF_CANDIDATE)
    assert refused.startswith("GENERIC_ERROR: The browser refused the server's ICE candidate 'candidate:nonsense': ")
    await ada.python("session.disconnect()")
    await ada.has_released_everything()
