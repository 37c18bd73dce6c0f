"""The directions of a lab's faults."""

from __future__ import annotations

from typing import Literal, get_args

Direction = Literal["both", "up", "down"]
"""Which packets: both; those that the guest sends; those that it receives."""

DIRECTIONS: tuple[Direction, ...] = get_args(Direction)
