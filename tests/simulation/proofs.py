"""The committed list of the campaigns that were run so far, so that the next one takes other worlds."""

from __future__ import annotations

import json
import subprocess
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

FILE = Path(__file__).with_name("proofs.json")


@dataclass(frozen=True, slots=True)
class Proof:
    """One campaign: `worlds` worlds from seed `first` on had `outages` outages, and `broken` worlds broke an invariant."""

    first: int
    worlds: int
    outages: int
    broken: int
    date: str
    commit: str

    @classmethod
    def of_today(cls, first: int, worlds: int, outages: int, broken: int) -> Proof:
        """Return a campaign that has just ended, on the commit that is checked out (`+`: with uncommitted changes)."""
        changes = _git("status", "--porcelain", "--", "py", "tests/simulation/*.py", "tests/server")
        date = datetime.now(UTC).date().isoformat()
        return cls(first, worlds, outages, broken, date, _git("rev-parse", "--short=10", "HEAD") + "+" * bool(changes))


def proofs() -> list[Proof]:
    """Return all recorded campaigns, the oldest first."""
    return [Proof(**item) for item in json.loads(FILE.read_text())]


def record(proof: Proof) -> None:
    """Append a campaign to the list."""
    lines = ",\n".join(json.dumps(asdict(item)) for item in [*proofs(), proof])
    FILE.write_text(f"[\n{lines}\n]\n")


def next_fresh() -> int:
    """Return the first seed that no recorded campaign has used."""
    return max(proof.first + proof.worlds for proof in proofs())


def of_this_commit() -> int:
    """Return the first seed of the checked-out commit: always the same for this commit, another for any other."""
    return 10**12 + int(_git("rev-parse", "HEAD")[:10] or "0", 16) * 100_000


def _git(*words: str) -> str:
    """Return the output of a git command in the repository of this file; "" where there is none."""
    told = subprocess.run(["git", *words], cwd=FILE.parents[2], capture_output=True, text=True, check=False)
    return told.stdout.strip()
