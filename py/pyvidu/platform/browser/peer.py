"""The browser's RTCPeerConnection."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import js
from pyodide.ffi import JsException

from pyvidu.errors import BrowserRefusedError
from pyvidu.platform import Candidate, NetworkDownError, PeerListener, PeerSettings
from pyvidu.platform.browser import key_frames
from pyvidu.platform.browser.functions import functions
from pyvidu.platform.browser.proxies import ProxyScope, js_object
from pyvidu.reconnection.evidence import MediaSample, SoundPlayed, UplinkSample

logger = logging.getLogger(__name__)

_sample, _marker = functions.sample, functions.marker  # looked up once: they are called often

_COUNTED_BY_RECEIVERS = {"inbound_audio_packets", "inbound_video_packets", "frames_decoded"}


class BrowserPeerConnection:
    """A `PeerConnection`."""

    def __init__(self, settings: PeerSettings, listener: PeerListener) -> None:
        # A configuration without ICE servers (only the transport policy, say) gets the session's, as in openvidu-browser.
        configuration = {
            "iceServers": [dict(server) for server in settings.ice_servers],
            **(settings.rtc_configuration or {}),
        }
        self._frame = functions.hiddenFrame() if settings.fresh_network else None
        window = js.window if self._frame is None else self._frame.contentWindow
        try:
            with _refusals(f"the RTCConfiguration with the ICE servers {_urls(configuration['iceServers'])}"):
                self._peer = window.RTCPeerConnection.new(js_object(configuration))
        except BrowserRefusedError as refused:
            if self._frame is not None:
                self._frame.remove()
            if not js.navigator.onLine:
                raise NetworkDownError(str(refused)) from None
            raise
        self._listener = listener
        self._counted: dict[str, int] = {}
        self._counted_before: dict[str, int] = {}
        self._received_before_loss: int | None = None
        self._closed: asyncio.Future[None] = asyncio.get_event_loop().create_future()
        self._scope = ProxyScope()
        self._scope.listen(self._peer, "icecandidate", self._candidate)
        self._scope.listen(self._peer, "iceconnectionstatechange", self._ice_state)
        self._sends = settings.local_stream is not None
        self._received: Any = None
        if not self._sends or settings.receive_audio or settings.receive_video:
            self._received = js.MediaStream.new()
            self._scope.listen(self._peer, "track", self._track)
        if self._sends:
            self._send_tracks_of(settings.local_stream, settings.simulcast)
        else:
            for kind, wanted in (("audio", settings.receive_audio), ("video", settings.receive_video)):
                if wanted and not settings.answers:  # an offer of the other side creates the transceivers
                    self._peer.addTransceiver(kind, js_object({"direction": "recvonly"}))

    @property
    def ice_connection_state(self) -> str:
        """Return the browser's `iceConnectionState`."""
        return str(self._peer.iceConnectionState)

    @property
    def remote_stream(self) -> Any:
        """Return the received MediaStream, None for one that only sends."""
        return self._received

    @property
    def native(self) -> Any:
        """Return the RTCPeerConnection."""
        return self._peer

    async def create_offer(self) -> str:
        """Create an offer, set it as the local description and return its SDP."""
        with _refusals("to offer"):
            offer = await self._settled(self._peer.createOffer())
            await self._settled(self._peer.setLocalDescription(offer))
        return str(offer.sdp)

    async def create_answer(self, offer: str) -> str:
        """Set the offer, create and set an answer and return its SDP; the tracks of a received stream exist afterwards."""
        with _refusals("the server's SDP offer"):
            await self._settled(self._peer.setRemoteDescription(js_object({"type": "offer", "sdp": offer})))
            answer = await self._settled(self._peer.createAnswer())
            await self._settled(self._peer.setLocalDescription(answer))
        return str(answer.sdp)

    async def set_answer(self, sdp: str) -> None:
        """Set the answer; the tracks of a received stream exist afterwards."""
        with _refusals("the server's SDP answer"):
            await self._settled(self._peer.setRemoteDescription(js_object({"type": "answer", "sdp": sdp})))

    async def add_candidate(self, candidate: Candidate) -> None:
        """Add a candidate of the server."""
        values = {
            "candidate": candidate.candidate,
            "sdpMid": candidate.sdp_mid,
            "sdpMLineIndex": candidate.sdp_m_line_index,
        }
        known = {name: value for name, value in values.items() if value is not None}
        with _refusals(f"the server's ICE candidate {candidate.candidate!r:.200}"):
            await self._peer.addIceCandidate(js_object(known))

    def packet_marker(self) -> float | None:
        """Return the latest timestamp of the receivers' synchronization sources, None if there is none."""
        return None if self._sends else float(_marker(self._peer)) or None

    def sound_played(self) -> SoundPlayed | None:
        """Return the sound played last, from `getSynchronizationSources`."""
        played = functions.soundPlayed(self._peer)
        return SoundPlayed(*json.loads(played)) if played else None

    def enable_received(self, kind: str, enabled: bool) -> None:
        """Set `enabled` of the received tracks of a kind."""
        if self._received is not None:
            for track in self._received.getTracks():
                if track.kind == kind:
                    track.enabled = enabled

    def ask_for_key_frame(self) -> None:
        """Request a key frame through a transform on each video receiver: only its worker can."""
        if not self._sends:
            key_frames.ask(self._peer)

    async def restart_receivers(self) -> None:
        """Restart the receivers by two local negotiations, 20 ms together; nothing is sent to the server."""
        try:
            await self._settled(functions.restartReceivers(self._peer))
        except JsException as error:
            logger.warning("receivers could not be restarted: %s", error)
        except OSError:
            return  # closed: there is nothing left to restart

    def send_key_frame(self) -> None:
        """Make the encoder of each video sender produce a key frame."""
        if self._sends:
            key_frames.send(self._peer)

    async def replace_track(self, track: Any) -> None:
        """Replace the track by `RTCRtpSender.replaceTrack`. Raises OSError if that fails or none of the kind is sent."""
        for transceiver in self._peer.getTransceivers():
            if transceiver.receiver.track.kind == track.kind:
                try:
                    await self._settled(transceiver.sender.replaceTrack(track))
                except JsException as error:
                    raise OSError(error.message) from None
                return
        raise OSError(f"no {track.kind} is sent")

    async def sample(self) -> MediaSample:
        """Return the counters of `getStats`. A restarted receiver counts from zero: its earlier counts are added."""
        counters = json.loads(await _sample(self._peer))
        for name in _COUNTED_BY_RECEIVERS if not self._sends else ():
            # A receiver that is being restarted has no report for a moment: then nothing was counted since.
            counted = counters.get(name, self._counted.get(name, 0))
            if counted < self._counted.get(name, 0):
                self._counted_before[name] = self._counted_before.get(name, 0) + self._counted[name]
            self._counted[name] = counted
            counters[name] = counted + self._counted_before.get(name, 0)
        state = self.ice_connection_state
        if (received := counters.pop("bytes", None)) is not None:
            counters["received_packets"] = received
            state = self._corrected(state, received)
        return MediaSample(state, **counters)

    async def uplink_sample(self) -> UplinkSample:
        """Return what `getStats` has of the receiver's reports."""
        return UplinkSample(**json.loads(await functions.uplinkSample(self._peer)))

    async def reported_at(self) -> float | None:
        """Return the `timestamp` of the latest `remote-inbound-rtp`."""
        return float(await functions.reportedAt(self._peer)) or None

    async def send_video(self, active: bool) -> bool:
        """Set `active` of all encodings of the sent video. A refusal is logged, unless the connection is closed."""
        try:
            await self._settled(functions.sendVideo(self._peer, active))
        except JsException as error:
            if not self._closed.done():
                logger.warning("the video could not be %s: %s", "resumed" if active else "paused", error)
            return False
        except OSError:
            return False
        return not self._closed.done()

    def close(self) -> None:
        """Close the peer connection, and remove its hidden frame; pending negotiations raise OSError."""
        if not self._closed.done():
            self._closed.set_result(None)
        self._scope.close()
        self._peer.close()
        if self._frame is not None:
            functions.removeFrame(self._frame, self._peer)

    def _send_tracks_of(self, stream: Any, simulcast: bool) -> None:
        try:
            with _refusals("the tracks to be sent"):
                direction = "sendonly" if self._received is None else "sendrecv"
                functions.sendTracks(self._peer, stream, simulcast, direction)
        except BrowserRefusedError:
            self.close()
            raise

    def _corrected(self, state: str, received: int) -> str:
        """Return `connected` for `disconnected` if anything has arrived since.

        Firefox 153 leaves `disconnected` at its next consent check only, up to 5 s after packets flow again both ways.
        """
        if state != "disconnected":
            self._received_before_loss = None
        elif self._received_before_loss is None:
            self._received_before_loss = received
        elif received > self._received_before_loss:
            return "connected"
        return state

    async def _settled(self, promise: Any) -> Any:
        """Return what `promise` brings; one that is pending at `close` would stay so for ever (webrtc-pc 4.4.1.2)."""
        call = asyncio.ensure_future(promise)
        try:
            await asyncio.wait((call, self._closed), return_when=asyncio.FIRST_COMPLETED)
            if not call.done():
                raise OSError("The peer connection was closed meanwhile")
            return call.result()
        finally:
            call.cancel()

    def _track(self, event: Any) -> None:
        self._received.addTrack(event.track)

    def _candidate(self, event: Any) -> None:
        found = event.candidate
        if found:  # the last event has a null, which is falsy in every Pyodide
            self._listener.peer_candidate(Candidate(found.candidate, found.sdpMid, found.sdpMLineIndex))

    def _ice_state(self, _event: Any) -> None:
        self._listener.peer_ice_state(self.ice_connection_state)


@contextmanager
def _refusals(what: str) -> Iterator[None]:
    """Raise the browser's exceptions as `BrowserRefusedError`, which names what was refused."""
    try:
        yield
    except JsException as error:
        raise BrowserRefusedError(what, f"{error.message} ({error.name})") from None


def _urls(servers: Any) -> str:
    """Return the URLs of ICE servers, without their credentials, for a message."""
    if not isinstance(servers, (list, tuple)):
        return f"{servers!r:.100}"
    urls = [server.get("urls") if isinstance(server, dict) else server for server in servers]
    return f"{urls!r:.300}"


class BrowserPeerConnections:
    """Creates `BrowserPeerConnection`s."""

    def create(self, settings: PeerSettings, listener: PeerListener) -> BrowserPeerConnection:
        """Create a peer connection."""
        return BrowserPeerConnection(settings, listener)

    async def network_up(self) -> None:
        """Wait for `online`, unless the browser is online."""
        online = asyncio.Event()
        scope = ProxyScope()
        scope.listen(js.window, "online", lambda _event: online.set())
        try:
            if not js.navigator.onLine:
                await online.wait()
        finally:
            scope.close()
