"""The command `python -m pyvidu.testing`: prints what the tests would use here. It fails when there is no browser."""

from __future__ import annotations

import sys

from pyvidu.testing import BrowserNotFoundError, find_browser, lab_unavailable_reason
from pyvidu.vendoring import default_vendor_dir, is_vendored

try:
    browser, found = str(find_browser()), True
except BrowserNotFoundError as error:
    browser, found = str(error), False
runtime = default_vendor_dir()
lines = (
    ("browser", browser),
    ("browser runtime", str(runtime) if is_vendored(runtime) else "missing: run `pyvidu vendor`"),
    ("network lab", lab_unavailable_reason() or "can be made here"),
)
sys.stdout.writelines(f"{what}: {said}\n" for what, said in lines)
sys.exit(0 if found else 1)
