"""Outages in worlds of this commit, which no other has: `make test-worlds`."""

from __future__ import annotations

import pytest

from tests.simulation.campaign import campaign
from tests.simulation.proofs import of_this_commit


@pytest.mark.timeout(1200)
def test_20000_outages_in_worlds_of_this_commit_break_no_invariant() -> None:
    tally = campaign(20_000, of_this_commit())
    assert not tally.broken, tally.reports()
    assert tally.outages >= 20_000
