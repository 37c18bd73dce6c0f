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
from typing import Any

from aiohttp.http_exceptions import HttpProcessingError

MESSAGES = logging.getLogger("pyvidu.server.messages")
EVENTS = logging.getLogger("pyvidu.server.events")

_LONGEST = 200  # characters of one field
_SECRETS = re.compile(r"tok_\w+|(?<=sessionId=)[^&\s\"']+(?=&)|(?<=secret=)[^&\s\"']+")


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
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    logging.getLogger("aiohttp.server").addFilter(without_malformed_http)
    for noisy in ("aioice", "aiortc", "aiohttp.access"):
        logging.getLogger(noisy).setLevel(max(logging.WARNING, logging.getLevelName(level.upper())))


def _write(logger: logging.Logger, name: str, fields: dict[str, Any]) -> None:
    if logger.isEnabledFor(logging.INFO):
        line = {"time": round(time.time(), 3), "event": name}
        line.update((key, _brief(value)) for key, value in fields.items() if value is not None)
        logger.info("%s", json.dumps(line))


def _brief(value: Any) -> Any:
    """Return a client's value for the log: text is shortened and redacted, other types are replaced."""
    if isinstance(value, str):
        return redact(value[:_LONGEST])
    return (
        value if isinstance(value, (bool, float)) or (isinstance(value, int) and abs(value) < 2**63) else "(not text)"
    )
