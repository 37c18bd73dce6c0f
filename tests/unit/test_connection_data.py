"""The data that an application passes to `Session.connect`: how long it may be."""

from __future__ import annotations

from typing import Any, cast

import pytest

from pyvidu import AdvancedConfiguration, InvalidTokenError, PropertiesError, Session


@pytest.mark.parametrize("data", ["x" * 10_001, "é" * 5_001, {"name": "x" * 9_990}, ["\ud800" * 10_001]])
async def test_data_of_a_connection_that_is_too_long_is_refused_before_anything_is_sent(data: Any) -> None:
    session = Session(cast(Any, None), AdvancedConfiguration)
    with pytest.raises(PropertiesError, match="10000 bytes at most, this has 10"):
        await session.connect("wss://localhost?sessionId=room&token=tok_x", data)


@pytest.mark.parametrize("data", ["x" * 10_000, "é" * 5_000, {"name": "x" * 9_989}, None])
async def test_data_of_a_connection_within_the_limit_is_not(data: Any) -> None:
    session = Session(cast(Any, None), AdvancedConfiguration)
    with pytest.raises((InvalidTokenError, AttributeError)):
        await session.connect("no token", data)
