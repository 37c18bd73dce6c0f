"""A short run of the cost oracle, and that it finds what costs too much."""

from __future__ import annotations

from fuzz.cost import Target, fuzz_cost


def test_parsers_take_linear_time_and_little_memory() -> None:
    inputs, found = fuzz_cost(180, seed=3)
    assert inputs == 540
    assert found == []


def test_quadratic_parser_is_found() -> None:
    def quadratic(data: bytes) -> None:
        while data:
            data = data[1:]

    _, found = fuzz_cost(1, targets=[Target("slow", quadratic, [b"x"], lambda body: body)])
    assert len(found) >= 1
    assert "slow: b'x' repeated to" in found[0]


def test_parser_that_takes_too_much_memory_is_found() -> None:
    _, found = fuzz_cost(
        1, targets=[Target("large", lambda data: [bytes(100) for _ in data], [b"x"], lambda body: body)]
    )
    assert found[-1].startswith("large: b'x' repeated to 32768 bytes takes ")
