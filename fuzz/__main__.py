"""`python -m fuzz`: FUZZ_INPUTS inputs (default one million) from FUZZ_SEED (default 1).

One in ten goes to the router, one in a hundred over real sockets. Then the parsers' cost is measured with one unit for a
thousand of them.
"""

from __future__ import annotations

import os
import sys
import time

from fuzz.cost import fuzz_cost
from fuzz.media import fuzz_media
from fuzz.run import fuzz
from fuzz.sockets import fuzz_sockets
from fuzz.watch import resident

began = time.monotonic()
wanted, seed = int(os.environ.get("FUZZ_INPUTS") or 1_000_000), int(os.environ.get("FUZZ_SEED") or 1)
inputs, crashes = fuzz(wanted - wanted // 10 - wanted // 100, seed)
print(f"{time.monotonic() - began:.0f} s for signaling and REST, then offers and packets", flush=True)
media_inputs, media_crashes = fuzz_media(wanted // 10, seed)
print(f"{time.monotonic() - began:.0f} s, then real sockets", flush=True)
socket_inputs, socket_crashes = fuzz_sockets(wanted // 100, seed)
print(f"{time.monotonic() - began:.0f} s, then what parsing costs", flush=True)
cost_inputs, expensive = fuzz_cost(wanted // 1_000, seed)
inputs += media_inputs + socket_inputs + cost_inputs
crashes += media_crashes + socket_crashes + expensive
for crash in crashes[:20]:
    print(crash, file=sys.stderr)
print(f"{time.monotonic() - began:.0f} s, {resident() / 2**20:.0f} MiB at the end")
print(f"{inputs} inputs, {len(crashes)} crashes")
sys.exit(1 if crashes else 0)
