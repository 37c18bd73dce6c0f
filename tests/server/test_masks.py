"""The heads of frames are followed however their bytes arrive."""

from __future__ import annotations

from hypothesis import example, given
from hypothesis import strategies as st

from pyvidu.server.http.masks import FrameHeads
from tests.server.raw_websocket import TEXT, frame


@given(
    lengths=st.lists(st.sampled_from([0, 1, 125, 126, 300]), max_size=5),
    masked=st.booleans(),
    size=st.sampled_from([1, 2, 3, 5, 100, 10**6]),
)
@example(lengths=[65_536], masked=False, size=7)
@example(lengths=[65_536], masked=True, size=50_000)
def test_frames_are_passed_on_up_to_the_first_without_a_mask(lengths: list[int], masked: bool, size: int) -> None:
    good = b"".join(frame(TEXT, b"x" * length) for length in lengths)
    data = good + frame(TEXT, b"x" * 200, masked=masked)
    heads, passed, forbidden = FrameHeads(), b"", False
    for at in range(0, len(data), size):
        part, forbidden = heads.checked(data[at : at + size])
        passed += part
        if forbidden:
            break
    assert forbidden is not masked
    assert passed == (data if masked else good)
