"""Recording a MediaStream by MediaRecorder, and files."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import js
from pyodide.ffi import JsException

from pyvidu.errors import PropertiesError, RecordingError
from pyvidu.platform.browser.functions import functions
from pyvidu.platform.browser.proxies import js_object


class BrowserRecorder:
    """`MediaRecorders`. What it starts is a `Recording` as it is."""

    async def start(self, stream: Any, options: Mapping[str, Any], size: tuple[int, int]) -> Any:
        """Return the object of `functions.js`. Raises RecordingError."""
        try:
            return await functions.recorder(stream, js_object(options), *size)
        except JsException as error:
            raise RecordingError(f"The browser cannot record this: {error.message}", str(error.name)) from None

    def type_of(self, file: Any) -> str:
        """Return the type of a Blob."""
        return str(file.type)

    def preview(self, file: Any, place: Any, identity: str) -> Any:
        """Append a `<video>`. Raises PropertiesError."""
        found = js.document.getElementById(place) if isinstance(place, str) else place
        if not found:
            raise PropertiesError(f"There is no element with the id {place!r} to put a preview in")
        video = js.document.createElement("video")
        video.id, video.autoplay, video.playsInline = identity, True, True
        video.src = js.URL.createObjectURL(file)
        found.append(video)
        return video

    def forget(self, preview: Any) -> None:
        """Revoke the URL of a preview."""
        js.URL.revokeObjectURL(preview.src)

    def download(self, file: Any, name: str) -> None:
        """Click a link to the file."""
        link = js.document.createElement("a")
        link.href, link.download, link.hidden = js.URL.createObjectURL(file), name, True
        js.document.body.append(link)
        link.click()
        link.remove()
        js.URL.revokeObjectURL(link.href)

    async def upload(self, file: Any, endpoint: str, headers: Mapping[str, str], name: str | None) -> tuple[int, str]:
        """Send a file by `fetch`."""
        body = file
        if name is not None:
            body = js.FormData.new()
            body.append("file", file, name)
        try:
            answer = await js.fetch(endpoint, js_object({"method": "POST", "headers": headers, "body": body}))
            return int(answer.status), str(await answer.text())
        except JsException as error:
            return 0, str(error.message)
