"""`python -m fuzz`: FUZZ_INPUTS inputs (default one million), of FUZZ_SEED (default 1)."""

from __future__ import annotations

import os
import sys
import time

from fuzz.run import fuzz, resident

began = time.monotonic()
inputs, crashes = fuzz(int(os.environ.get("FUZZ_INPUTS") or 1_000_000), int(os.environ.get("FUZZ_SEED") or 1))
for crash in crashes[:20]:
    print(crash, file=sys.stderr)  # noqa: T201
print(f"{time.monotonic() - began:.0f} s, {resident() / 2**20:.0f} MiB at the end")  # noqa: T201
print(f"{inputs} inputs, {len(crashes)} crashes")  # noqa: T201
sys.exit(1 if crashes else 0)
