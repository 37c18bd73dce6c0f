"""The headers of the server's own pages: what they may load and do, and who may frame them."""

from __future__ import annotations


def page_headers(*, evaluates: bool) -> dict[str, str]:
    """Return the headers of a page; `evaluates`: PyScript makes functions of strings, which only `unsafe-eval` allows."""
    policy = {
        "default-src": "'self'",
        "script-src": "'self' 'unsafe-eval'" if evaluates else "'self' 'wasm-unsafe-eval'",
        "worker-src": "'self' blob:",  # of timers and key frames
        "object-src": "'none'",
        "base-uri": "'none'",
        "form-action": "'self'",
        "frame-ancestors": "'self'",
    }
    return {
        "Content-Security-Policy": "; ".join(f"{directive} {sources}" for directive, sources in policy.items()),
        "Referrer-Policy": "same-origin",  # the address may have the server's key
        "Permissions-Policy": "camera=(self), microphone=(self), display-capture=(self), geolocation=(), payment=(), usb=()",
    }
