"""Shrinks a schedule that breaks an invariant to a short one that still does: fewer, shorter entries, default people."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from tests.simulation.schedule import Person, Plan

PATIENCE = 400  # worlds that are run for it at most


def shrink(plan: Plan, fails: Callable[[Plan], bool], patience: int = PATIENCE) -> Plan:
    """Return the shortest plan found that `fails` as `plan` does."""
    return _Shrinker(fails, patience).shrink(plan)


class _Shrinker:
    def __init__(self, fails: Callable[[Plan], bool], patience: int) -> None:
        self._fails = fails
        self._patience = patience

    def shrink(self, plan: Plan) -> Plan:
        while self._patience > 0:
            shorter = self._calmer(self._shorter(self._fewer(plan)))
            if shorter == plan:
                break
            plan = shorter
        return plan

    def _still(self, plan: Plan) -> bool:
        self._patience -= 1
        return self._patience >= 0 and self._fails(plan)

    def _fewer(self, plan: Plan) -> Plan:
        """Drop entries, many at once first."""
        size = max(1, len(plan.entries) // 2)
        while True:
            at = 0
            while at < len(plan.entries):
                candidate = replace(plan, entries=plan.entries[:at] + plan.entries[at + size :])
                if self._still(candidate):
                    plan = candidate
                else:
                    at += size
            if size == 1:
                return plan
            size //= 2

    def _shorter(self, plan: Plan) -> Plan:
        """Halve or round the durations of entries."""
        for number, entry in enumerate(plan.entries):
            for seconds in (round(entry.seconds / 2, 1), round(entry.seconds), round(entry.seconds, 1)):
                if 0 < seconds < entry.seconds:
                    entries = (*plan.entries[:number], replace(entry, seconds=seconds), *plan.entries[number + 1 :])
                    if self._still(replace(plan, entries=entries)):
                        plan = replace(plan, entries=entries)
                        break
        return plan

    def _calmer(self, plan: Plan) -> Plan:
        """Replace the settings of people by the defaults."""
        usual = Person()
        for number, person in enumerate(plan.people):
            for setting in ("force", "rejoin", "returns", "jitter", "latency", "ip_families"):
                if getattr(plan.people[number], setting) != getattr(usual, setting):
                    calm = replace(plan.people[number], **{setting: getattr(usual, setting)})
                    candidate = replace(plan, people=(*plan.people[:number], calm, *plan.people[number + 1 :]))
                    if self._still(candidate):
                        plan = candidate
            del person
        return plan
