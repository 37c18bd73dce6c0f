"""The fixtures of the test kit with a real browser: the report of a failed test, and a browser that has crashed."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

TESTS = '''
import asyncio, os, signal
from pyvidu.testing import OutageTimeoutError, read_outages, wait_for_outage

# What pyvidu in a page does: it hands over a function that returns the outages of a session as JSON.
OUTAGE = """{"witness": "rtp silent", "attempts": 2, "end": %s, "duration": 9.2,
             "entries": [{"at": 0.25, "kind": "verdict", "text": "signaling plane down: rtp silent"}]}"""
PAGE = """data:text/html,<script>
console.warn('the network is gone');
let end = null;
pyviduTesting.add(() => JSON.stringify([{...JSON.parse(%r), end}]));
</script>""" % (OUTAGE % "null").replace("\\n", "")


async def test_that_fails(chromium):
    page = await chromium.new_page()
    await page.goto(PAGE)
    assert [outage["end"] for outage in await read_outages(page)] == [None]
    try:
        await wait_for_outage(page, timeout=0.2)
    except OutageTimeoutError as error:
        assert "rtp silent" in str(error)
    await page.evaluate("setTimeout(() => { end = 'reconnected'; }, 50)")
    assert (await wait_for_outage(page))["end"] == "reconnected"
    assert await page.title() == "You are back"


async def test_with_a_page_of_a_context(open_browser):
    context = await (await open_browser()).new_context()
    page = await context.new_page()
    await page.goto("about:blank")
    assert await read_outages(page) == []


async def test_whose_browser_crashes(open_browser):
    browser = await open_browser(args=["--pid-for-this-test"])
    page = await browser.new_page()
    for folder in os.listdir("/proc"):
        if folder.isdigit():
            try:
                line = open(f"/proc/{folder}/cmdline").read()
            except OSError:
                continue
            if "--pid-for-this-test" in line and "--type=" not in line and os.getpid() != int(folder):
                os.kill(int(folder), signal.SIGKILL)
    async with asyncio.timeout(20):
        while browser.is_connected():
            await asyncio.sleep(0.02)
    assert False, "the browser is gone"
'''


@pytest.mark.skipif(sys.platform != "linux", reason="looks for processes in /proc")
def test_failed_test_shows_console_and_outages_and_no_browser_is_left(tmp_path: Path, browser_path: Path) -> None:
    (tmp_path / "test_app.py").write_text(TESTS)
    (tmp_path / "pytest.ini").write_text("[pytest]\nasyncio_default_fixture_loop_scope = function\n")
    profiles = Path(tempfile.mkdtemp(prefix="kit"))  # short: Chromium's sockets are there
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "--pyvidu-reports=reports", "--asyncio-mode=strict"],
        cwd=tmp_path,
        env={**os.environ, "PYVIDU_BROWSER": str(browser_path), "TMPDIR": str(profiles)},
        capture_output=True,
        text=True,
        check=False,
    )
    output = done.stdout
    assert "2 failed, 1 passed" in output, output
    assert "warning: the network is gone" in output
    assert "outage, lasted 9.200 s, reconnected, 2 attempts" in output
    assert "+0.250 s  verdict: signaling plane down: rtp silent" in output
    assert "(the page is closed, has crashed or does not respond)" in output
    report = tmp_path / "reports" / "test_app.py-test_that_fails"
    assert "the network is gone" in (report / "page-1-console.log").read_text()
    assert json.loads((report / "page-1-outages.json").read_text())[0]["end"] == "reconnected"
    assert (report / "page-1.png").stat().st_size > 0
    # Chromium removes the folder of its socket itself, which the one that was killed could not.
    assert [path.name for path in profiles.iterdir() if not path.name.startswith("org.chromium.")] == []
    shutil.rmtree(profiles)
