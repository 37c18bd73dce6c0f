"""`make fuzz-coverage`: coverage-guided fuzzing of the parsers with atheris (libFuzzer), each in a process of its own.

`python -m fuzz.guided [NAME...]` takes GUIDED_SECONDS (60) for a parser, and begins with the inputs that are kept. It keeps
the fewest that reach all that was reached, none longer than `_LONGEST_KEPT`, and prints what broke a promise or took too
long. Such an input is kept too, for the test that parses all of them: mend the parser.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path

from fuzz.cost import seconds_of
from fuzz.parsers import PARSERS, Parser

_CHILD = "--one"
_COMMAND = "GUIDED_COMMAND"
_LONGEST_KEPT = 2_048  # bytes
_MOST_KEPT = 120
# Seconds of CPU for an input: with instrumentation parsing takes some ten times as long. libFuzzer's own limit is wall time.
_COST, _COST_PER_BYTE = 0.05, 20e-6
_TIMEOUT_S = 20


def main(names: Iterable[str]) -> int:
    """Fuzz these parsers, or all; return 1 if something was found."""
    seconds = int(os.environ.get("GUIDED_SECONDS") or 60)
    found: list[str] = []
    for parser in [PARSERS[name] for name in names] or PARSERS.values():
        began = time.monotonic()
        problems, count, features = _fuzz(parser, seconds)
        found += problems
        print(
            f"{parser.name}: {time.monotonic() - began:.0f} s, {count} inputs, {features} features,"
            f" {len(parser.corpus())} kept, {len(problems)} findings",
            flush=True,
        )
    for problem in found:
        print(problem, file=sys.stderr)
    return 1 if found else 0


def _fuzz(parser: Parser, seconds: int) -> tuple[list[str], str, str]:
    """Return what was found, the number of inputs and that of features (edges and their counts) as libFuzzer tells them."""
    with tempfile.TemporaryDirectory() as folder:
        corpus, merged, artifacts = (Path(folder) / name for name in ("corpus", "merged", "artifacts"))
        for made in (corpus, merged, artifacts):
            made.mkdir()
        kept = parser.corpus()
        for number, data in enumerate([*parser.seeds(), *kept]):
            (corpus / f"kept{number:04}").write_bytes(data)
        command = Path(folder) / "again"  # libFuzzer runs itself for a merge, by what it takes for its own name
        command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m fuzz.guided {_CHILD} {parser.name} "$@"\n', "utf-8")
        command.chmod(0o700)
        options = [f"-max_len={parser.longest}", f"-artifact_prefix={artifacts}/"]
        ran = _run(command, f"-max_total_time={seconds}", *options, str(corpus))
        broken = [path.read_bytes() for path in artifacts.iterdir()]
        _run(command, "-merge=1", f"-max_len={_LONGEST_KEPT}", str(merged), str(corpus))
        fewest = sorted((path.read_bytes() for path in merged.iterdir()), key=len)[:_MOST_KEPT]
        parser.keep([*fewest, *broken])
    words = [line.split() for line in ran.stderr.splitlines() if line.startswith("#")]
    last = next((line for line in reversed(words) if "ft:" in line), [])
    count, features = (last[0][1:], last[last.index("ft:") + 1]) if last else ("0", "0")
    problems = [f"{parser.name}: {data[:200]!r}\n{ran.stderr[-3000:]}" for data in broken]
    if ran.returncode and not broken:
        problems = [f"{parser.name}: atheris failed ({ran.returncode})\n{ran.stderr[-3000:]}"]
    return problems, count, features


def _run(command: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [command, f"-timeout={_TIMEOUT_S}", "-rss_limit_mb=1024", *arguments],
        env={**os.environ, _COMMAND: str(command)},
        capture_output=True, text=True, errors="replace", check=False,
    )  # fmt: skip


def _one(name: str, arguments: list[str]) -> None:
    """Fuzz one parser; the process ends with libFuzzer's."""
    import atheris

    for module in [one for one in sys.modules if one.split(".")[0] in ("pyvidu", "fuzz", "aiohttp")]:
        del sys.modules[module]  # imported again, with instrumentation
    with atheris.instrument_imports(
        include=[
            "pyvidu.protocol",
            "pyvidu.server.media",
            "pyvidu.server.http.masks",
            "fuzz.parsers",
            "aiohttp._websocket",
        ]
    ):
        from fuzz.parsers import PARSERS as INSTRUMENTED

    check = INSTRUMENTED[name].check

    def once(data: bytes) -> None:
        began = time.process_time()
        check(data)
        if time.process_time() - began > _COST + _COST_PER_BYTE * len(data):
            spent = seconds_of(check, data)
            assert spent <= _COST + _COST_PER_BYTE * len(data), f"{len(data)} bytes take {spent:.3f} s of CPU"

    atheris.Setup([os.environ[_COMMAND], *arguments], once)
    atheris.Fuzz()


if __name__ == "__main__":
    if sys.argv[1:2] == [_CHILD]:
        _one(sys.argv[2], sys.argv[3:])
    sys.exit(main(sys.argv[1:]))
