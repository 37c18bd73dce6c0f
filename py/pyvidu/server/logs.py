"""The log of the server: one line of JSON per event, with participant ids and without secrets.

Two loggers: `pyvidu.server.messages` has every request that a participant sends (`{"event": "request", "participant":
"con_...", "session": "room", "method": "reconnectStream", "stream": "str_..."}`), which tests read to see who sent
which; `pyvidu.server.events` has the outcomes (joined, resumed, evicted...). Both write to stderr at level info.
"""

from __future__ import annotations

import json
import logging
import re
import sys
import time
from collections.abc import Callable
from typing import Any

from aiohttp.http_exceptions import HttpProcessingError

from pyvidu.server.limits import Limits, TokenBucket

MESSAGES = logging.getLogger("pyvidu.server.messages")
EVENTS = logging.getLogger("pyvidu.server.events")

_LONGEST = 200  # characters of one field
_SECRETS = re.compile(r"tok_\w+|(?<=sessionId=)[^&\s\"']+(?=&)|(?<=secret=)[^&\s\"']+|(?<=[?&]key=)[^&\s\"']+")


def message(event: str, **fields: Any) -> None:
    """Write one line to the log of messages."""
    _write(MESSAGES, event, fields)


def event(name: str, **fields: Any) -> None:
    """Write one line to the log of events."""
    _write(EVENTS, name, fields)


def redact(text: str) -> str:
    """Return `text` without tokens and secrets."""
    return _SECRETS.sub("[redacted]", text)


class JsonLines(logging.Formatter):
    """Formats every record as one JSON object; those of `message` and `event` already are."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line, redacted."""
        if record.name in (MESSAGES.name, EVENTS.name):
            return record.getMessage()
        fields = {"time": round(record.created, 3), "level": record.levelname.lower(), "logger": record.name}
        fields["message"] = redact(record.getMessage())
        if record.exc_info:
            fields["exception"] = redact(self.formatException(record.exc_info))
        return json.dumps(fields)


def without_malformed_http(record: logging.LogRecord) -> bool:
    """Return whether aiohttp's server may log `record`: not if it is about malformed HTTP.

    That is the sender's error and answered with 400. aiohttp would log the malformed text, which may contain a password.
    """
    error = record.exc_info[1] if record.exc_info else None
    if not isinstance(error, HttpProcessingError):
        return True
    event("malformed http", status=error.code)
    return False


def configure(level: str) -> None:
    """Configure the logging of the process: JSON lines on stderr, without aiohttp's access log (it has query strings)."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines())
    handler.addFilter(within_budget)
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    logging.getLogger("aiohttp.server").addFilter(without_malformed_http)
    for noisy in ("aioice", "aiortc", "aiohttp.access"):
        logging.getLogger(noisy).setLevel(max(logging.WARNING, logging.getLevelName(level.upper())))


class LineBudget:
    """How many lines each cause may still write. What is left out is counted, and told with the next line."""

    def __init__(self, rate: float, burst: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._rate = rate
        self._burst = burst
        self._clock = clock
        self._causes: dict[object, tuple[TokenBucket, list[int]]] = {}

    def __len__(self) -> int:
        return len(self._causes)

    def admits(self, cause: object) -> int | None:
        """Count a line; return how many were left out before it, or None if it is to be left out too."""
        now = self._clock()
        if cause not in self._causes:
            if len(self._causes) >= _MOST_CAUSES:
                self._causes.clear()
            self._causes[cause] = TokenBucket(self._rate, self._burst, now), [0]
        bucket, left_out = self._causes[cause]
        if not bucket.take(now):
            left_out[0] += 1
            return None
        count, left_out[0] = left_out[0], 0
        return count


_MOST_CAUSES = 1_000
LINE_BUDGET = LineBudget(Limits().log_lines, Limits().log_burst)
WARNING_BUDGET = LineBudget(Limits().warnings, Limits().warnings_burst)


def within_budget(record: logging.LogRecord) -> bool:
    """Return whether a record of a logger of modules, ours or a library's, may be written; its cause is the place."""
    if record.name in (MESSAGES.name, EVENTS.name):
        return True
    left_out = WARNING_BUDGET.admits((record.name, record.lineno))
    if left_out:
        record.msg, record.args = f"{record.getMessage()} ({left_out} like it were left out)", None
    return left_out is not None


def _write(logger: logging.Logger, name: str, fields: dict[str, Any]) -> None:
    if logger.isEnabledFor(logging.INFO) and (left_out := LINE_BUDGET.admits((logger.name, name))) is not None:
        line = {"time": round(time.time(), 3), "event": name}
        if left_out:
            line["left_out"] = left_out
        line.update((key, _brief(value)) for key, value in fields.items() if value is not None)
        logger.info("%s", json.dumps(line))


def _brief(value: Any) -> Any:
    """Return a client's value for the log: text is shortened and redacted, other types are replaced."""
    if isinstance(value, str):
        return redact(value[:_LONGEST])
    return (
        value if isinstance(value, (bool, float)) or (isinstance(value, int) and abs(value) < 2**63) else "(not text)"
    )
