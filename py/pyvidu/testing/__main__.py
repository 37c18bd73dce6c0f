"""The command `python -m pyvidu.testing`: prints what the tests would use here. It fails when there is no Chromium.

With names of browsers as arguments it prints these only, and fails when one is missing.
"""

from __future__ import annotations

import sys
from typing import get_args

from pyvidu.testing import BrowserName, BrowserNotFoundError, WrongArgumentError, find_browser, lab_unavailable_reason
from pyvidu.vendoring import default_vendor_dir, is_vendored

names: list[BrowserName] = sys.argv[1:] or list(get_args(BrowserName))  # type: ignore[assignment]
missing = set()
for name in names:
    try:
        said = str(find_browser(name))
    except BrowserNotFoundError as error:
        missing.add(name)
        said = str(error)
    except WrongArgumentError as error:
        sys.exit(str(error))
    sys.stdout.write(f"{name}: {said}\n")
if not sys.argv[1:]:
    runtime = default_vendor_dir()
    missing.discard("firefox")  # most tests need Chromium only
    sys.stdout.write(f"browser runtime: {runtime if is_vendored(runtime) else 'missing: run `pyvidu vendor`'}\n")
    sys.stdout.write(f"network lab: {lab_unavailable_reason() or 'can be made here'}\n")
sys.exit(1 if missing else 0)
