"""The secret in HTTP requests: Basic authentication of the user OPENVIDUAPP."""

from __future__ import annotations

import asyncio
import base64
import binascii
import contextlib
import hashlib
import hmac

from aiohttp import web

from pyvidu.server.guesses import WrongGuesses
from pyvidu.server.http.listener import cut

USER = "OPENVIDUAPP"


class SecretCheck:
    """Admits requests with the secret; none, if it is empty. A wrong guess is answered after the delay of `guesses`.

    Where too many wait for that already, its connection is aborted.
    """

    def __init__(self, secret: str, guesses: WrongGuesses) -> None:
        self._expected = hashlib.sha256(f"{USER}:{secret}".encode()).digest() if secret else b""
        self._guesses = guesses
        self._stopping = asyncio.Event()

    async def admits(self, request: web.Request) -> bool:
        """Return whether the request has the user and the secret."""
        given = request.headers.get("Authorization")
        if given is None:
            return False
        if self._expected and hmac.compare_digest(hashlib.sha256(_credentials(given)).digest(), self._expected):
            return True
        seconds = self._guesses.delay(request.remote, asyncio.get_running_loop().time())
        if seconds is None:
            cut(request)
        else:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), seconds)
        return False

    def close(self) -> None:
        """Answer what waits: the server stops."""
        self._stopping.set()


def _credentials(header: str) -> bytes:
    scheme, _, credentials = header.partition(" ")
    try:
        return base64.b64decode(credentials, validate=True) if scheme.lower() == "basic" else b""
    except (binascii.Error, ValueError):
        return b""
