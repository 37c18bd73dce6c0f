"""An application's own web site: the pages of `make bench-boot`, on an origin other than OpenVidu's, as in production."""

from __future__ import annotations

import contextlib
import ssl
from collections.abc import AsyncIterator

from aiohttp import web

from benchmarks.pages import OFFICIAL_BUNDLE
from benchmarks.tls import Certificate

_HEAD = '<!doctype html><meta charset="utf-8"><title>boot</title>'
_HASH = "const [origin, token] = JSON.parse(decodeURIComponent(location.hash.slice(1)));"
_CONNECT = """
  const session = new OpenVidu().initSession();
  await session.connect(token, { name: 'boot' });
  window.connectedAt = performance.now();
"""

_PYTHON = """
import js
from pyvidu import OpenVidu
session = OpenVidu().init_session()
await session.connect(js.token, {"name": "boot"})
js.connectedAt = js.performance.now()
"""

# When the own camera is shown, and for how long at most the page does not react.
_CAMERA = """
  window.longestTask = 0;
  new PerformanceObserver((list) => {
    for (const { duration } of list.getEntries()) window.longestTask = Math.max(window.longestTask, duration);
  }).observe({ type: 'longtask', buffered: true });
  const looking = setInterval(() => {
    const video = document.querySelector('#me video');
    if (!video) return;
    clearInterval(looking);
    video.requestVideoFrameCallback(() => { window.cameraAt = performance.now(); });
  }, 5);
  new OpenVidu().initPublisher('me');
"""


def _official(script: str) -> str:
    return f"""{_HEAD}<div id="me"></div><script src="/openvidu-browser.js"></script>
<script type="module">{_HASH}{script}</script>"""


def _pyvidu_js(script: str) -> str:
    return f"""{_HEAD}<div id="me"></div><script type="module">{_HASH}
  const {{ OpenVidu }} = await import(`${{origin}}/pyvidu.js`);{script}</script>"""


CAMERA_PAGES = {
    "openvidu-browser, camera": _official(_CAMERA + _CONNECT),
    "pyvidu.js, camera": _pyvidu_js(_CAMERA + _CONNECT),
}
"""Pages that show the own camera too, and set `cameraAt` and `longestTask`, in milliseconds."""
PAGES = {
    "openvidu-browser": _official(_CONNECT),
    "pyvidu.js": _pyvidu_js(_CONNECT),
    "Python page": f"""{_HEAD}<script type="module">{_HASH}
  const {{ bootPython }} = await import(`${{origin}}/python.js`);
  const python = await bootPython();
  window.token = token;
  await python.runPythonAsync(`{_PYTHON}`);</script>""",
    "PyScript": f"""{_HEAD}<script type="module">{_HASH}
  window.token = token;
  const tag = document.createElement('script');
  tag.type = 'py';
  tag.setAttribute('config', `${{origin}}/pyvidu-client/pyscript.json`);
  tag.textContent = `{_PYTHON}`;
  document.head.append(tag);
  await import(`${{origin}}/static/vendor/pyscript/core.js`);</script>""",
}


@contextlib.asynccontextmanager
async def serving(certificate: Certificate, address: str) -> AsyncIterator[str]:
    """Serve the site for the length of the block and yield its origin. All but the pages may be cached for a year."""
    bundle = OFFICIAL_BUNDLE.read_text("utf-8")

    async def page(request: web.Request) -> web.Response:
        html = (PAGES | CAMERA_PAGES)[request.match_info["client"]]
        return web.Response(text=html, content_type="text/html", headers={"Cache-Control": "no-cache"})

    async def official(_: web.Request) -> web.Response:
        answer = web.Response(text=bundle, content_type="text/javascript")
        answer.headers["Cache-Control"] = "public, max-age=31536000, immutable"
        answer.enable_compression()
        return answer

    app = web.Application()
    app.router.add_get("/page/{client}", page)
    app.router.add_get("/openvidu-browser.js", official)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate.cert, certificate.key)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, address, 0, ssl_context=context).start()
        yield f"https://{address}:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()
