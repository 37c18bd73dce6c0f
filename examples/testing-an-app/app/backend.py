"""The backend: it serves the page, and gets tokens from OpenVidu's REST API, whose secret no page may know."""

from __future__ import annotations

import base64
import os
from pathlib import Path

from aiohttp import ClientSession, web

PAGE = Path(__file__).parent / "page"
ROOM = "standup"
OPENVIDU_URL = web.AppKey("OPENVIDU_URL", str)
OPENVIDU_SECRET = web.AppKey("OPENVIDU_SECRET", str)


def make_app(openvidu_url: str, openvidu_secret: str) -> web.Application:
    """Return the application for the OpenVidu deployment at `openvidu_url`."""
    app = web.Application()
    app[OPENVIDU_URL] = openvidu_url.rstrip("/")
    app[OPENVIDU_SECRET] = openvidu_secret
    app.add_routes([web.get("/", index), web.post("/token", token), web.static("/page", PAGE)])
    return app


async def index(_request: web.Request) -> web.FileResponse:
    """Serve the page."""
    return web.FileResponse(PAGE / "index.html")


async def token(request: web.Request) -> web.Response:
    """Return a token for the room, and where the page finds OpenVidu."""
    url = request.app[OPENVIDU_URL]
    api = f"{url}/openvidu/api/sessions"
    credentials = base64.b64encode(f"OPENVIDUAPP:{request.app[OPENVIDU_SECRET]}".encode()).decode()
    async with ClientSession(headers={"Authorization": f"Basic {credentials}"}) as http:
        async with http.post(api, json={"customSessionId": ROOM}) as answer:
            if answer.status not in (200, 409):  # 409: it exists
                answer.raise_for_status()
        async with http.post(f"{api}/{ROOM}/connection", json={}) as answer:
            answer.raise_for_status()
            connection = await answer.json()
    return web.json_response({"openvidu": url, "token": connection["token"]})


if __name__ == "__main__":
    web.run_app(make_app(os.environ["OPENVIDU_URL"], os.environ["OPENVIDU_SECRET"]), port=8000)
