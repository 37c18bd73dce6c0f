"""The secret in HTTP requests: Basic authentication of the user OPENVIDUAPP."""

from __future__ import annotations

import asyncio
import base64
import binascii
import hashlib
import hmac

from aiohttp import web

from pyvidu.server.guesses import WrongGuesses

USER = "OPENVIDUAPP"


class SecretCheck:
    """Admits requests with the secret; none, if it is empty. A wrong guess is answered after the delay of `guesses`."""

    def __init__(self, secret: str, guesses: WrongGuesses) -> None:
        self._expected = hashlib.sha256(f"{USER}:{secret}".encode()).digest() if secret else b""
        self._guesses = guesses

    async def admits(self, request: web.Request) -> bool:
        """Return whether the request has the user and the secret."""
        given = request.headers.get("Authorization")
        if given is None:
            return False
        if self._expected and hmac.compare_digest(hashlib.sha256(_credentials(given)).digest(), self._expected):
            return True
        await asyncio.sleep(self._guesses.delay(request.remote, asyncio.get_running_loop().time()))
        return False


def _credentials(header: str) -> bytes:
    scheme, _, credentials = header.partition(" ")
    try:
        return base64.b64decode(credentials, validate=True) if scheme.lower() == "basic" else b""
    except (binascii.Error, ValueError):
        return b""
