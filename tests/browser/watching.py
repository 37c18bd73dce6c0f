"""Watches videos in any page: counts the frames that are really presented, whatever created the element."""

from __future__ import annotations

from playwright.async_api import BrowserContext, Page
from playwright.async_api import Error as PlaywrightError

_COUNT_FRAMES = """
new MutationObserver(() => {
  for (const video of document.querySelectorAll('video')) {
    if (video.presented !== undefined) continue;
    video.presented = 0;
    const count = () => { video.presented++; video.requestVideoFrameCallback(count); };
    video.requestVideoFrameCallback(count);
  }
}).observe(document, {childList: true, subtree: true});
"""

_STATE = """(videos) => JSON.stringify([...document.querySelectorAll(videos)].map((video) => ({
  presented: video.presented, paused: video.paused, readyState: video.readyState,
  tracks: video.srcObject?.getTracks().map((track) => `${track.kind} ${track.readyState}${track.muted ? ' muted' : ''}`),
})))"""


async def watch_frames(context: BrowserContext) -> None:
    """Count frames in every page that `context` opens from now on."""
    await context.add_init_script(_COUNT_FRAMES)


async def moves(page: Page, videos: str = "video", *, count: int = 1, timeout: float = 30.0, more: int = 5) -> None:
    """Wait until the videos that the selector finds are `count` and each has presented `more` new frames."""
    try:
        await page.wait_for_function("([videos, count]) => document.querySelectorAll(videos).length >= count",
                                     arg=[videos, count], timeout=timeout * 1000)  # fmt: skip
        await page.evaluate(
            "(videos) => { for (const video of document.querySelectorAll(videos)) video.before = video.presented; }",
            videos,
        )
        await page.wait_for_function(
            "([videos, more]) => [...document.querySelectorAll(videos)].every((v) => v.presented >= v.before + more)",
            arg=[videos, more],
            timeout=timeout * 1000,
        )
    except PlaywrightError as error:
        seen = await page.evaluate(_STATE, videos)
        raise AssertionError(f"{videos} of {page.url} do not move: {seen}; {error}") from None
