"""Faults seeded into the engine, each a small change of its source, and the worlds that catch them.

A simulation without findings proves something only if it finds these. `make mutations` looks for worlds that catch each of
them and writes their seeds to `mutation_seeds.json`; a test checks that they still do.
"""

from __future__ import annotations

import ast
import importlib
import inspect
import json
import os
import sys
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from types import CodeType, FunctionType
from typing import Any

from campaign import say
from schedule import plan
from simulated_world import live

from pyvidu.reconnection.transitions import Table

SEEDS = Path(__file__).with_name("mutation_seeds.json")
KEPT = 1  # seeds for each mutation
TRIED = 400  # worlds tried at most for each mutation


@dataclass(frozen=True, slots=True)
class Mutation:
    """Replaces `old`, which occurs once in the source of `where` (`module:Class.function`, or a class's TABLE), by `new`."""

    name: str
    where: str
    old: str
    new: str

    @contextmanager
    def applied(self) -> Iterator[None]:
        """Apply the fault to the engine within the context.

        Raises:
            ValueError: the source has changed: `old` does not occur exactly once.
        """
        module_name, _, path = self.where.partition(":")
        module = importlib.import_module(f"pyvidu.{module_name}")
        *owners, name = path.split(".")
        owner: Any = module
        for part in owners:
            owner = getattr(owner, part)
        original = inspect.getattr_static(owner, name)
        target: Any
        mutated: Any
        if isinstance(original, Table):
            target, mutated = owner, self._mutated_table(module, owner, name)
        else:
            target, mutated = _function(original), self._mutated_code(module, _function(original))
            name = "__code__"  # in place, since tables refer to their functions
        before = getattr(target, name)
        setattr(target, name, mutated)
        try:
            yield
        finally:
            setattr(target, name, before)

    def _mutated_code(self, module: Any, function: FunctionType) -> CodeType:
        source = self._replaced(textwrap.dedent(inspect.getsource(function)))
        names: dict[str, Any] = {}
        code = compile(source, inspect.getfile(function), "exec", dont_inherit=True, flags=_ANNOTATIONS)
        exec(code, module.__dict__, names)
        return _function(names[function.__name__]).__code__

    def _mutated_table(self, module: Any, owner: type, name: str) -> Table[Any, Any, Any]:
        """Evaluate the changed source of the table as in the body of its class."""
        source = textwrap.dedent(inspect.getsource(owner))
        (value,) = [
            node.value
            for node in ast.walk(ast.parse(source))
            if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.target.id == name
        ]
        assert value is not None
        changed = self._replaced(ast.get_source_segment(source, value) or "")
        table: Table[Any, Any, Any] = eval(changed, module.__dict__, dict(vars(owner)))
        return table

    def _replaced(self, source: str) -> str:
        if source.count(self.old) != 1:
            raise ValueError(f"'{self.name}': {self.where} has {source.count(self.old)} times {self.old!r}")
        return source.replace(self.old, self.new)


def _function(method: object) -> FunctionType:
    function = method.fget if isinstance(method, property) else method
    assert inspect.isfunction(function)
    return function


_ANNOTATIONS = __import__("__future__").annotations.compiler_flag

MUTATIONS = (
    Mutation(
        "an attempt is not dropped at its deadline",
        "reconnection.supervisor:Supervisor._drop_unanswered",
        "return [DropAttempt()]",
        "return []",
    ),
    Mutation(
        "the timer between two attempts is lost",
        "reconnection.supervisor:Supervisor._wait",
        "self._timers[OutageTimer.DEADLINE] = now + delay",
        "pass",
    ),
    Mutation(
        "a resume has no deadline",
        "reconnection.supervisor:Supervisor._send_connect",
        "self._timers[OutageTimer.DEADLINE] = now + self._deadlines.resume",
        "pass",
    ),
    Mutation(
        "membership is not verified",
        "reconnection.supervisor:Supervisor.TABLE",
        "row(State.RESUMING, ResumeAccepted, None, State.VERIFYING, _await_membership)",
        "row(State.RESUMING, ResumeAccepted, None, State.UP, _reconnected)",
    ),
    Mutation(
        "an unanswered membership check counts as confirmed",
        "reconnection.supervisor:Supervisor.TABLE",
        "row(BEING_VERIFIED, OutageTimer.DEADLINE, _ping_answered, State.ENDED, _lose_ghost)",
        "row(State.VERIFYING, OutageTimer.DEADLINE, _ping_answered, State.UP, _reconnected), "
        "row(State.VERIFYING_OLD_SOCKET, OutageTimer.DEADLINE, _ping_answered, State.UP, _reconnected_on_old_socket)",
    ),
    Mutation(
        "a resume refused with 40007 is retried without end",
        "reconnection.supervisor:Supervisor._session_gone",
        "return event.session_gone",
        "return not event.session_gone",
    ),
    Mutation(
        "an attempt counts as hanging after 0.3 s on any path",
        "reconnection.deadlines:Deadlines.hanging",
        "return min(usual * 2.0 ** min(hung, 16), self._policy.attempt_deadline)",
        "return self._policy.hang_after",
    ),
    Mutation(
        "stop_reconnecting() does nothing during an outage",
        "reconnection.supervisor:Supervisor.TABLE",
        "row(OUTAGE, Command.STOP, None, State.ENDED, _lose_by_command),",
        "",
    ),
    Mutation(
        "stop_reconnecting() is treated as an eviction",
        "reconnection.supervisor:Supervisor._lose_by_command",
        ", gave_up=True",
        "",
    ),
    Mutation(
        "an unanswered ping starts no suspicion",
        "reconnection.detector:Detector.tick",
        'return self._suspect("late pong", now, urgent=False)',
        "self._deadline = None\n        return []",
    ),
    Mutation(
        "flowing RTP delays the verdict without limit",
        "reconnection.detector:Detector._verdict_due_at",
        "ends = max(ends, min(pause_ends, ends + self._policy.steady_patience))",
        "return max(ends, pause_ends)",
    ),
    Mutation(
        "a round-trip sample includes a stall",
        "reconnection.detector:Detector._detect_stall",
        "self._measured_from = now",
        "pass",
    ),
    Mutation(
        "the deadline of an answer is not capped",
        "reconnection.detector:Detector._verdict_due_at",
        "ends = min(ends, min(self._sent.values()) + self._policy.answer_limit)",
        "pass",
    ),
    Mutation(
        "a refused resume is retried eight times",
        "reconnection.supervisor:Supervisor._session_gone",
        "return event.session_gone",
        "return event.session_gone and self._outages.last.attempts > 8",
    ),
    Mutation(
        "a request still waits for an answer on a replaced socket",
        "signaling.request_queue:RequestQueue.abandon_answers",
        "entry.answer.cancel()\n        entry.answer = None",
        "pass",
    ),
    Mutation(
        "a socket is not watched before the room is joined",
        "signaling.plane:SignalingPlane._tick",
        "self._timer = None",
        "self._timer = None\n    if not self._joined:\n        self._timer = self._host.clock.call_later(1.0, self._tick)\n"
        "        return",
    ),
    Mutation(
        "a closed socket is not reported",
        "signaling.plane:SignalingPlane.rpc_closed",
        "self._report(SocketClosed(code, reason))",
        "pass",
    ),
    Mutation(
        "a dropped attempt is not closed",
        "signaling.plane:SignalingPlane._drop_attempt",
        "self._attempt.close()",
        "pass",
    ),
    Mutation(
        "the replaced socket is not closed",
        "signaling.plane:SignalingPlane._come_back",
        'self._current.close(REPLACED_BY_RECONNECTION, "Connection replaced by a reconnection")',
        "pass",
    ),
    Mutation(
        "notifications held back in an outage are dropped",
        "signaling.plane:SignalingPlane._pass_on_held_back",
        "held_back, self._held_back = self._held_back, {_required(self._current): []}",
        "held_back, self._held_back = {}, {_required(self._current): []}",
    ),
    Mutation(
        "notifications held back in an outage are reported twice",
        "signaling.plane:SignalingPlane._pass_on_held_back",
        "held_back, self._held_back = self._held_back, {_required(self._current): []}",
        "held_back = {key: list(value) for key, value in self._held_back.items()}",
    ),
    Mutation(
        "notifications are not counted",
        "signaling.plane:SignalingPlane.rpc_notified",
        "self._received += 1",
        "pass",
    ),
    Mutation(
        "notifications of the old socket are handled after connect",
        "signaling.plane:SignalingPlane.rpc_notified",
        " or (socket is self._current and self._superseded and self.replays)",
        "",
    ),
    Mutation(
        "close leaves the network monitor",
        "signaling.plane:SignalingPlane.close",
        "self._monitor.close()",
        "pass",
    ),
    Mutation(
        "a repeated request gets a new id",
        "signaling.request_queue:RequestQueue.abandon_answers",
        "if self.exactly_once:\n            continue",
        "if False:\n            continue",
    ),
    Mutation(
        "a request of unknown outcome is sent again",
        "signaling.request_queue:RequestQueue.attach",
        "if entry.future.done():\n            continue",
        "if False:\n            continue",
    ),
    Mutation(
        "pending requests do not fail when the session ends",
        "signaling.request_queue:RequestQueue.close",
        "entry.future.set_exception(error)",
        "continue",
    ),
    Mutation(
        "requests of an outage are sent in reverse order",
        "signaling.request_queue:RequestQueue.attach",
        "for entry in list(self._entries):",
        "for entry in reversed(list(self._entries)):",
    ),
    Mutation(
        "a frozen stream is not renegotiated",
        "media.plane:MediaPlane._check",
        "await recovery.renegotiate(self, because)",
        "pass",
    ),
    Mutation(
        "a replaced peer connection stays open",
        "media.connection:MediaConnection._negotiate",
        "old.close()",
        "pass",
    ),
    Mutation(
        "the media plane of an ended session is not closed",
        "membership.membership:Membership.close",
        "self.media_plane.close()",
        "pass",
    ),
    Mutation(
        "the server executes a repeated request again",
        "server.signaling.dispatcher:SignalingServer._request",
        "if earlier is not None:",
        "if False:",
    ),
    Mutation(
        "the server replays one notification too few",
        "server.signaling.delivery_log:DeliveryLog.missed",
        "number = self._sent - count",
        "number = max(0, self._sent - count - 1)",
    ),
    Mutation(
        "the server replays one notification too many",
        "server.signaling.delivery_log:DeliveryLog.missed",
        "number = self._sent - count",
        "number = min(len(self._notifications), self._sent - count + 1)",
    ),
    Mutation(
        "a message does not restart the eviction timer",
        "server.signaling.dispatcher:SignalingServer.heard",
        "socket.session.last_heard = socket.last_heard",
        "pass",
    ),
)


def catches(mutation: Mutation, seed: int) -> str:
    """Return the invariant that the mutation breaks in the world of `seed`; "" if none."""
    with mutation.applied():
        broken = live(plan(seed)).broken
    return broken.invariant if broken is not None else ""


def seeds() -> dict[str, list[int]]:
    """Return the seeds that caught each mutation, by its name."""
    known: dict[str, list[int]] = json.loads(SEEDS.read_text()) if SEEDS.exists() else {}
    return known


def find_seeds(mutation: Mutation) -> tuple[Mutation, list[int], str]:
    """Return the mutation, seeds of worlds that break only with it (known ones first), and the invariants broken."""
    found, invariants = [], set()
    known = seeds().get(mutation.name, [])
    for seed in [*known, *(number for number in range(TRIED) if number not in known)]:
        broken = catches(mutation, seed)
        if broken and live(plan(seed)).broken is None:
            found.append(seed)
            invariants.add(broken)
            if len(found) == KEPT:
                break
    return mutation, found, ", ".join(sorted(invariants))


def main() -> int:
    """Rerun every mutation, with `MUTATION=text` only those whose name contains it; return 1 if one is not caught."""
    wanted = os.environ.get("MUTATION", "")
    chosen = [item for item in MUTATIONS if wanted in item.name]
    caught = seeds()
    with get_context("spawn").Pool(int(os.environ.get("PROCESSES") or 0) or os.cpu_count()) as pool:
        for mutation, found, invariants in pool.imap_unordered(find_seeds, chosen):
            caught[mutation.name] = found
            seen = f"seed {found[0]} ({invariants})" if found else "NOT CAUGHT"
            say(f"{mutation.name}: {seen}")
    known = {item.name: caught[item.name] for item in MUTATIONS if item.name in caught}
    SEEDS.write_text(json.dumps(known, indent=1).replace("\n  ", " ").replace("\n ]", "]").replace("[ ", "[") + "\n")
    missed = [item.name for item in chosen if not caught[item.name]]
    say(f"{len(chosen)} mutations, {len(missed)} not caught")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
