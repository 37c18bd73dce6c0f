"""Checks of what callers pass. Each raises WrongArgumentError, which says what is accepted."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from pathlib import Path
from urllib.parse import urlsplit

from pyvidu.testing.errors import WrongArgumentError


def check_number(name: str, value: object, *, unit: str, least: float = 0.0, most: float) -> None:
    """Check that `value` is a number from `least` to `most`. `unit` is for the message: "seconds", "percent"."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not least <= value <= most:  # NaN is outside
        raise WrongArgumentError(f"{name}={value!r}: give {unit}, from {least:g} to {most:g}")


def check_name(what: str, value: str, known: Iterable[str]) -> None:
    """Check that `value` is one of `known`; the message suggests the nearest."""
    names = list(known)
    if value in names:
        return
    near = difflib.get_close_matches(str(value), names, n=1)
    meant = f" Did you mean {near[0]!r}?" if near else ""
    raise WrongArgumentError(f"There is no {what} {value!r}.{meant} Known are: {', '.join(names)}.")


def check_file(name: str, path: Path | None) -> None:
    """Check that `path`, if any, is a file."""
    if path is not None and not path.is_file():
        raise WrongArgumentError(f"{name}={str(path)!r}: there is no such file")


def origins(given: str | Iterable[str]) -> list[str]:
    """Return origins as a browser writes them ("http://10.0.0.1:4443"), from one or several."""
    found = []
    for text in [given] if isinstance(given, str) else given:
        parts = urlsplit(text)
        if parts.scheme not in ("http", "https") or not parts.netloc or parts.path.strip("/") or parts.query:
            raise WrongArgumentError(f"{text!r} is no origin: give scheme, host and port, as http://10.0.0.1:4443")
        found.append(f"{parts.scheme}://{parts.netloc}")
    return found
