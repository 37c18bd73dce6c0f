"""The interface through which a participation reports to the session whose participant it is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from pyvidu.protocol.notifications import NetworkQualityLevelChanged, SpeechToTextMessage
from pyvidu.protocol.reasons import Reason
from pyvidu.reconnection.outage import Outage

from .records import ParticipantState, StreamState


class ParticipationListener(Protocol):
    """The changes of the room, of the local streams and of the connection to the server, in the order in which they happen.

    None is called after `ended`, until the participant joins again.
    """

    # --- the room ----------------------------------------------------------------------------------------------------

    def joined(self, own: ParticipantState, session_id: str) -> None:
        """Handle that the local participant is in the room; after a rejoin it has a new id."""

    def others_present(self, others: Sequence[ParticipantState]) -> None:
        """Handle the participants who joined earlier, with their streams; `stream_published` follows for each stream."""

    def participant_joined(self, participant: ParticipantState) -> None:
        """Handle a new participant."""

    def participant_left(self, participant: ParticipantState, reason: str) -> None:
        """Handle that a participant has left; its stream has ended before."""

    def participant_interrupted(self, participant: ParticipantState) -> None:
        """Handle that nothing is heard of a participant (`interrupted`), or something again."""

    def stream_published(self, participant: ParticipantState, stream: StreamState) -> None:
        """Handle a new stream of a remote participant."""

    def stream_unpublished(self, stream: StreamState, reason: str) -> None:
        """Handle the end of a remote stream. Its media connection is closed after this call."""

    def stream_changed(self, stream: StreamState, name: str, new: object, old: object, reason: str) -> None:
        """Handle a new value of the property `name` of a remote stream (`audioActive` ...); of `filter` of any stream."""

    def video_forwarding_changed(self, stream: StreamState, reason: str) -> None:
        """Handle that the server has ceased to forward the video of a stream (`video_forwarded`), or forwards it again."""

    def filter_event(self, stream: StreamState, event_type: str, data: object) -> None:
        """Handle an event of the filter of a stream, which is told to those who listen to it."""

    def signal_received(self, sender: ParticipantState | None, kind: str, data: str) -> None:
        """Handle a signal of type `kind` (`signal` or `signal:TYPE`); `sender` is None for the server itself."""

    def recording_started(self, recording: str, name: str) -> None:
        """Handle the beginning of a recording, by its id."""

    def recording_stopped(self, recording: str, name: str, reason: str) -> None:
        """Handle the end of a recording."""

    def broadcast_changed(self, started: bool) -> None:
        """Handle the beginning or the end of a broadcast."""

    def speech_to_text(self, participant: ParticipantState, told: SpeechToTextMessage) -> None:
        """Handle what a participant says, as text."""

    def own_participant_changed(self, name: str, new: object, old: object) -> None:
        """Handle a new `role` or `record` of the local participant."""

    def network_quality_changed(self, participant: ParticipantState, told: NetworkQualityLevelChanged) -> None:
        """Handle a new level of a participant's network quality."""

    # --- local streams and media -------------------------------------------------------------------------------------

    def local_stream_ended(self, stream: StreamState, reason: Reason) -> None:
        """Handle the end of the local stream, which still has its id."""

    def video_sending_changed(self, stream: StreamState) -> None:
        """Handle that the video of the local stream is paused (`video_sent`), for a weak uplink, or sent again."""

    def stream_frozen(self, stream: StreamState, because: str) -> None:
        """Handle a stream that does not flow although it should; it is being renegotiated, or will be."""

    def stream_recovered(self, stream: StreamState) -> None:
        """Handle a frozen stream that flows again."""

    def media_exception(self, stream: StreamState | None, name: str, message: str, data: object = None) -> None:
        """Handle an exception with the name and the meaning that OpenVidu gives it; without a stream it is the session's."""

    # --- the connection to the server --------------------------------------------------------------------------------

    def reconnecting(self, outage: Outage) -> None:
        """Handle the beginning of an outage."""

    def reconnection_attempt(self, number: int, next_delay: float | None) -> None:
        """Handle the beginning of attempt `number`; the next one begins `next_delay` seconds after it fails (None: never)."""

    def reconnected(self, outage: Outage) -> None:
        """Handle the end of an outage: signaling is resumed and membership verified."""

    def rejoined(self, outage: Outage) -> None:
        """Handle that the participant has joined again after an eviction; the room is reconciled, the streams follow."""

    def outage_settled(self, outage: Outage) -> None:
        """Handle that the media of the last outage is verified: every stream flows, is paused, or is given up."""

    def ended(self, reason: Reason) -> None:
        """Handle the end of the participation. The media connections of the remote streams are closed after this call."""
