"""The delays of the default policy, for any attempt."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from pyvidu.reconnection.policy import AttemptPolicy, ReconnectionContext, ReconnectionPolicy


@given(
    attempt=st.integers(1, 10_000),
    jitter=st.floats(0.0, 1.0, exclude_max=True),
    elapsed=st.floats(0.0, 1e6),
    refused=st.integers(0, 10_000),
)
def test_delay_is_never_longer_than_the_cap_and_attempts_never_end_by_default(
    attempt: int, jitter: float, elapsed: float, refused: int
) -> None:
    delay = ReconnectionPolicy().next_delay(ReconnectionContext(attempt, elapsed, jitter, refused))
    assert delay is not None
    assert 0.0 <= delay <= AttemptPolicy().backoff_cap
