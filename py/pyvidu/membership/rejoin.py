"""Joining again after an eviction, with a token that the application supplies. Opt-in (`AdvancedConfiguration.rejoin`)."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine
from typing import Protocol

from pyvidu.errors import CallbackError, ConnectionFailedError, OpenViduError, RequestTimeoutError
from pyvidu.platform import Clock, pause
from pyvidu.protocol.messages import JoinRoomResult
from pyvidu.protocol.reasons import Reason
from pyvidu.reconnection.ice import analyse
from pyvidu.reconnection.outage import Outage
from pyvidu.reconnection.policy import ReconnectionPolicy

from .membership import Membership
from .streams import LocalStream, RemoteStream, StreamMedia

logger = logging.getLogger(__name__)

SupplyToken = Callable[[], Awaitable[str | None]]
"""An application's coroutine function that supplies a new connection token, None for giving up; called again if it raises."""


class _NoTokenError(CallbackError):
    """The application does not want to join again."""


class RejoinOwner(Protocol):
    """The participation that joins again."""

    def new_membership(self) -> Membership:
        """Return a membership that is not joined yet."""

    def joined_again(
        self, old: Membership, new: Membership, result: JoinRoomResult, local: LocalStream | None
    ) -> list[RemoteStream]:
        """Replace `old` by `new`, whose local stream is `local`; return the streams that are to be received again."""

    def receives(self, remote: RemoteStream) -> bool:
        """Return whether `remote` is still received, by the application's will."""

    def moved_in(self, new: Membership) -> None:
        """Handle that the streams have their media connections in `new`, as far as they could be negotiated."""

    def republishing_failed(self, membership: Membership, local: LocalStream, reason: Reason) -> None:
        """Handle that the local stream could not be published again."""

    def rejoining_failed(self, old: Membership, reason: Reason) -> None:
        """Handle the end of the participation."""


class Rejoin:
    """A rejoin after `old` was lost for `reason`: a new membership, the same tracks published, the same streams received."""

    def __init__(
        self,
        owner: RejoinOwner,
        old: Membership,
        reason: Reason,
        supply: SupplyToken,
        data: str,
        clock: Clock,
        policy: ReconnectionPolicy,
        outage: Outage,
    ) -> None:
        self._owner = owner
        self._old = old
        self._reason = reason
        self._supply = supply
        self._data = data
        self._clock = clock
        self._policy = policy
        self._outage = outage
        # Read now: if it was just being published again, that fails soon and clears `old.local_stream`; it is to be
        # published all the same.
        local = old.local_stream
        self._local = local if local is not None and local.is_published else None
        self._is_given_up = False
        self.membership: Membership | None = None
        self._task = asyncio.get_running_loop().create_task(self._run())

    def give_up(self, reason: Reason) -> None:
        """Cancel the rejoin and end the participation with `reason`."""
        self._is_given_up = True
        self._task.cancel()
        if self.membership is not None:
            self.membership.plane.leave()
            self.membership.close()
        self._owner.rejoining_failed(self._old, reason)

    async def _run(self) -> None:
        try:
            new, result = await self._join()
        except OpenViduError as error:
            logger.warning("rejoining failed: %s", error)
            self._owner.rejoining_failed(self._old, self._reason)
            return
        remotes = self._owner.joined_again(self._old, new, result, self._local)
        await self._move_in(new, remotes)

    async def _join(self) -> tuple[Membership, JoinRoomResult]:
        """Join, again and again while nothing but the network or the application's callback fails."""
        attempts = self._policy.attempts
        for attempt in range(attempts.rejoins):
            try:
                token = await self._ask_for_token()
                self.membership = self._owner.new_membership()
                return self.membership, await self.membership.join(token, self._data)
            except (ConnectionFailedError, RequestTimeoutError, CallbackError) as error:
                if attempt == attempts.rejoins - 1 or isinstance(error, _NoTokenError):
                    raise
                seconds = min(attempts.rejoin_pause * 2**attempt, attempts.backoff_cap)
                logger.warning("the session could not be joined again, next attempt in %g s: %s", seconds, error)
                await pause(self._clock, seconds)
        raise AssertionError("the last attempt returns or raises")

    async def _ask_for_token(self) -> str:
        try:
            token = await self._supply()
        except (Exception, asyncio.CancelledError) as error:  # whatever an application's callback raises
            if self._is_given_up:
                raise
            raise CallbackError(f"the rejoin callback raised {error!r}") from error
        if not token:
            raise _NoTokenError("the rejoin callback supplied no token")
        return token

    async def _move_in(self, new: Membership, remotes: list[RemoteStream]) -> None:
        """Receive the same streams and publish the local one in `new`."""
        moves = [self._move(remote, self._receive_again(new, remote)) for remote in remotes]
        if self._local is not None:
            moves.append(self._move(self._local, self._publish_again(new, self._local)))
        try:
            await asyncio.gather(*moves)
        finally:
            self._owner.moved_in(new)
        if new.plane.is_up:  # in the next outage, or after the end, nothing can be proved
            new.media_plane.prove_all(self._outage, force=False)

    async def _receive_again(self, new: Membership, remote: RemoteStream) -> None:
        # Else a handler of an event of the rejoin has left, or has unsubscribed or subscribed anew.
        if new.joined and self._owner.receives(remote):
            await new.subscribe(remote)

    async def _publish_again(self, new: Membership, local: LocalStream) -> None:
        if new.local_stream is not local:  # a handler of an event of the rejoin has left or unpublished
            return
        local.detach()
        try:
            await new.publish(local)
        except OpenViduError:
            self._owner.republishing_failed(new, local, self._reason)
            raise

    async def _move(self, stream: StreamMedia, moving: Coroutine[object, object, None]) -> None:
        """Give one stream its new media connection, and record it in the outage under the id that the stream has then."""
        outage, began = self._outage, self._clock.now()
        try:
            await moving
        except OpenViduError as error:
            outage.note_stream(self._clock.now(), stream.state.id, "failed", str(error))
            logger.warning("a stream could not be renegotiated after the rejoin: %s", error)
            return
        outage.note_stream(began, stream.state.id, "renegotiating", "joined again")
        deadline = self._clock.now() + self._policy.media.connect_timeout
        while (media := stream.media) is not None and self._clock.now() < deadline:
            verdict = analyse(media.ice_state)
            if verdict == "connected":
                outage.note_stream(self._clock.now(), stream.state.id, "connected")
            if verdict != "waiting":
                return
            await pause(self._clock, self._policy.media.poll)
