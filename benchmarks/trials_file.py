"""Reads the results of trials from the file that a run leaves beside its results, to put several runs together."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.measure import NEVER, Numbers
from benchmarks.plan import Call, Cell


@dataclass(frozen=True, slots=True)
class StoredTrial:
    """The results of a trial, without its traces."""

    cell: Cell
    numbers: Numbers
    stalled: bool


def read(path: Path) -> Iterator[StoredTrial]:
    """Yield the trials of a `.trials.jsonl` file. Raises OSError, or ValueError for a file that is something else."""
    with path.open(encoding="utf-8") as lines:
        for line in lines:
            data = json.loads(line)
            try:
                cell = Cell(Call(**data["cell"]["call"]), data["cell"]["fault"], data["cell"]["outage_s"])
                numbers: dict[str, Any] = {
                    name: NEVER if value == "never" else value for name, value in data["numbers"].items()
                }
                yield StoredTrial(cell, Numbers(**numbers), data["stalled"])
            except (KeyError, TypeError) as error:
                raise ValueError(f"{path} has a line that is no trial: {error!r}") from error
