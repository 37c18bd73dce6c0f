"""Records what the Content-Security-Policy of a page forbids."""

from __future__ import annotations

from playwright.async_api import Page

# To be run in a page before its own scripts.
VIOLATIONS = """
window.violations = [];
addEventListener('securitypolicyviolation', ({ violatedDirective, blockedURI, sourceFile, lineNumber }) =>
  violations.push(`${violatedDirective} ${blockedURI} (${sourceFile}:${lineNumber})`));
"""


async def violations(page: Page) -> list[str]:
    """Return what was forbidden so far."""
    return list(await page.evaluate("() => violations"))
