"""The baseline that forwarding is compared with: the same router on aiortc's MediaRelay, which decodes and encodes."""

from __future__ import annotations

from aiortc import MediaStreamTrack, RTCConfiguration, RTCPeerConnection, RTCSessionDescription
from aiortc.contrib.media import MediaRelay


class RelayRouter:
    """Publishes and subscribes as `MediaRouter` does."""

    def __init__(self) -> None:
        self._relay = MediaRelay()
        self._peers: list[RTCPeerConnection] = []
        self._tracks: dict[str, list[MediaStreamTrack]] = {}

    async def publish(self, owner: str, stream: str, sdp: str, *, loopback: bool = False) -> str:
        """Return the answer to a publisher's offer."""
        peer = self._peer()
        peer.on("track", self._tracks.setdefault(stream, []).append)
        return await self._answer(peer, sdp)

    async def subscribe(self, subscriber: str, stream: str, sdp: str) -> str:
        """Return the answer to a subscriber's offer."""
        peer = self._peer()
        for track in self._tracks[stream]:
            peer.addTrack(self._relay.subscribe(track))
        return await self._answer(peer, sdp)

    async def republish(self, stream: str, sdp: str) -> str:
        """Raise NotImplementedError: renegotiation is not compared."""
        raise NotImplementedError

    async def sent(self) -> tuple[int, int]:
        """Return the octets and packets sent so far."""
        octets = packets = 0
        for peer in self._peers:
            for report in (await peer.getStats()).values():
                if report.type == "outbound-rtp":
                    octets, packets = octets + report.bytesSent, packets + report.packetsSent
        return octets, packets

    async def close(self) -> None:
        """Close every connection."""
        for peer in self._peers:
            await peer.close()

    def _peer(self) -> RTCPeerConnection:
        peer = RTCPeerConnection(RTCConfiguration(iceServers=[]))  # none: the default is a public server
        self._peers.append(peer)
        return peer

    @staticmethod
    async def _answer(peer: RTCPeerConnection, sdp: str) -> str:
        await peer.setRemoteDescription(RTCSessionDescription(sdp, "offer"))
        await peer.setLocalDescription(await peer.createAnswer())
        return str(peer.localDescription.sdp)
