"""The browser's RTCPeerConnection."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from typing import Any

import js
from pyodide.code import run_js
from pyodide.ffi import JsException

from pyvidu.platform import PeerListener, PeerSettings
from pyvidu.platform.browser import key_frames
from pyvidu.platform.browser.proxies import ProxyScope, js_object
from pyvidu.reconnection.evidence import MediaSample, SoundPlayed

logger = logging.getLogger(__name__)

# One crossing of the border instead of one for every field of every report.
_SAMPLE = run_js(
    """
    async (peer) => {
      const sums = {};
      const add = (name, value) => { sums[name] = (sums[name] ?? 0) + (value ?? 0); };
      for (const report of (await peer.getStats()).values()) {
        switch (report.type) {
          case 'transport': add('received_packets', report.packetsReceived); break;
          case 'candidate-pair':
            add('stun_requests', report.requestsSent);
            add('stun_responses', report.responsesReceived);
            break;
          case 'remote-inbound-rtp': add('remote_reports', report.roundTripTimeMeasurements); break;
          case 'inbound-rtp':
            add(`inbound_${report.kind}_packets`, report.packetsReceived);
            if (report.kind === 'video') add('frames_decoded', report.framesDecoded);
        }
      }
      return JSON.stringify(sums);
    }
    """
)

_COUNTED_BY_RECEIVERS = {"inbound_audio_packets", "inbound_video_packets", "frames_decoded"}

# Synchronous and cheap (0.02 ms a connection): the time of the packet played out last.
_MARKER = run_js(
    """
    (peer) => {
      let latest = 0;
      for (const receiver of peer.getReceivers()) {
        for (const source of receiver.getSynchronizationSources()) latest = Math.max(latest, source.timestamp);
      }
      return latest;
    }
    """
)


_SOUND_PLAYED = run_js(
    """
    (peer) => {
      for (const receiver of peer.getReceivers()) {
        const [source] = receiver.track.kind === 'audio' ? receiver.getSynchronizationSources() : [];
        const [codec] = source ? receiver.getParameters().codecs : [];
        if (codec) return JSON.stringify([source.timestamp / 1000, source.rtpTimestamp, codec.clockRate]);
      }
      return '';
    }
    """
)


# A receive stream is made anew when its SSRC was not signaled for a moment: an empty jitter buffer, no idea yet of the clock.
# (`inactive` in between would only empty the buffer of the sound.) Only where we made the offer: the answer serves again.
# An answer that names no SSRCs changes nothing.
_RESTART_RECEIVERS = run_js(
    """
    async (peer) => {
      const { sdp: answer, type } = peer.remoteDescription;
      if (type !== 'answer' || peer.signalingState !== 'stable') return;
      for (const sdp of [answer.replace(/^a=ssrc.*\\r?\\n/gm, ''), answer]) {
        await peer.setLocalDescription();
        await peer.setRemoteDescription({ type, sdp });
      }
    }
    """
)


# Chromium 156 tells a window of new addresses 1.5 s late, and a window that was just made at once (measured: first candidate
# after 20 ms instead of 1,500). A peer connection of a hidden frame works with the page's tracks and elements.
_HIDDEN_FRAME = run_js(
    """
    () => {
      const frame = document.createElement('iframe');
      frame.hidden = true;
      document.body.append(frame);
      return frame;
    }
    """
)


class BrowserPeerConnection:
    """A `PeerConnection`."""

    def __init__(self, settings: PeerSettings, listener: PeerListener) -> None:
        # One that names no ICE servers (only the transport policy, say) gets the session's, as openvidu-browser does it.
        configuration = {
            "iceServers": [dict(server) for server in settings.ice_servers],
            **(settings.rtc_configuration or {}),
        }
        self._frame = _HIDDEN_FRAME() if settings.fresh_network else None
        window = js.window if self._frame is None else self._frame.contentWindow
        self._peer = window.RTCPeerConnection.new(js_object(configuration))
        self._listener = listener
        self._counted: dict[str, int] = {}
        self._counted_before: dict[str, int] = {}
        self._scope = ProxyScope()
        self._scope.listen(self._peer, "icecandidate", self._candidate)
        self._scope.listen(self._peer, "iceconnectionstatechange", self._ice_state)
        self._received: Any = None
        if settings.local_stream is not None:
            for track in settings.local_stream.getTracks():
                self._peer.addTransceiver(
                    track, js_object({"direction": "sendonly", "streams": [settings.local_stream]})
                )
        else:
            self._received = js.MediaStream.new()
            self._scope.listen(self._peer, "track", self._track)
            for kind, wanted in (("audio", settings.receive_audio), ("video", settings.receive_video)):
                if wanted and not settings.answers:  # an offer of the other side brings its own transceivers
                    self._peer.addTransceiver(kind, js_object({"direction": "recvonly"}))

    @property
    def ice_connection_state(self) -> str:
        """As the browser tells it."""
        return str(self._peer.iceConnectionState)

    @property
    def remote_stream(self) -> Any:
        """The MediaStream that is received."""
        return self._received

    @property
    def native(self) -> Any:
        """The RTCPeerConnection."""
        return self._peer

    async def create_offer(self) -> str:
        """Makes an offer and sets it."""
        offer = await self._peer.createOffer()
        await self._peer.setLocalDescription(offer)
        return str(offer.sdp)

    async def create_answer(self, offer: str) -> str:
        """Takes an offer, makes an answer and sets it; the tracks of a received stream are there afterwards."""
        await self._peer.setRemoteDescription(js_object({"type": "offer", "sdp": offer}))
        answer = await self._peer.createAnswer()
        await self._peer.setLocalDescription(answer)
        return str(answer.sdp)

    async def set_answer(self, sdp: str) -> None:
        """Sets the answer; the tracks of a received stream are there afterwards."""
        await self._peer.setRemoteDescription(js_object({"type": "answer", "sdp": sdp}))

    async def add_candidate(self, candidate: Mapping[str, Any]) -> None:
        """Adds a candidate of the server."""
        known = {name: value for name, value in candidate.items() if value is not None}
        await self._peer.addIceCandidate(js_object(known))

    def packet_marker(self) -> float | None:
        """From the synchronization sources of the receivers."""
        return float(_MARKER(self._peer)) or None if self._received is not None else None

    def sound_played(self) -> SoundPlayed | None:
        """Through `getSynchronizationSources`."""
        played = _SOUND_PLAYED(self._peer)
        return SoundPlayed(*json.loads(played)) if played else None

    def enable_received(self, kind: str, enabled: bool) -> None:
        """Plays the received tracks of a kind, or not."""
        if self._received is not None:
            for track in self._received.getTracks():
                if track.kind == kind:
                    track.enabled = enabled

    def ask_for_key_frame(self) -> None:
        """Through a transform on each video receiver: only its worker may ask."""
        if self._received is not None:
            key_frames.ask(self._peer)

    async def restart_receivers(self) -> None:
        """By two negotiations with oneself, 20 ms together: the server hears nothing of it."""
        try:
            await _RESTART_RECEIVERS(self._peer)
        except JsException as error:
            logger.warning("receivers could not be restarted: %s", error)

    def send_key_frame(self) -> None:
        """Through `setParameters` with `keyFrame`, for each video sender."""
        if self._received is None:
            key_frames.send(self._peer)

    async def replace_track(self, track: Any) -> None:
        """Through `RTCRtpSender.replaceTrack`."""
        for transceiver in self._peer.getTransceivers():
            if transceiver.receiver.track.kind == track.kind:
                try:
                    await transceiver.sender.replaceTrack(track)
                except JsException as error:
                    raise OSError(error.message) from None
                return
        raise OSError(f"no {track.kind} is sent")

    async def sample(self) -> MediaSample:
        """The counters, through `getStats`. A receiver that was made anew counts from zero: we go on counting."""
        counters = json.loads(await _SAMPLE(self._peer))
        for name in _COUNTED_BY_RECEIVERS & counters.keys():
            counted = counters[name]
            if counted < self._counted.get(name, 0):
                self._counted_before[name] = self._counted_before.get(name, 0) + self._counted[name]
            self._counted[name] = counted
            counters[name] += self._counted_before.get(name, 0)
        return MediaSample(self.ice_connection_state, **counters)

    def close(self) -> None:
        """Closes."""
        self._scope.close()
        self._peer.close()
        if self._frame is not None:
            self._frame.remove()

    def _track(self, event: Any) -> None:
        self._received.addTrack(event.track)

    def _candidate(self, event: Any) -> None:
        candidate = event.candidate
        if candidate:  # the last event has a null, which is falsy in every Pyodide
            self._listener.peer_candidate(
                {
                    "candidate": candidate.candidate,
                    "sdpMid": candidate.sdpMid,
                    "sdpMLineIndex": candidate.sdpMLineIndex,
                }
            )

    def _ice_state(self, _event: Any) -> None:
        self._listener.peer_ice_state(self.ice_connection_state)


class BrowserPeerConnections:
    """Makes `BrowserPeerConnection`s."""

    def create(self, settings: PeerSettings, listener: PeerListener) -> BrowserPeerConnection:
        """A new one."""
        return BrowserPeerConnection(settings, listener)
