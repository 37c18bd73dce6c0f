"""The error of everything that prepares the browser runtime."""

from __future__ import annotations


class VendorError(Exception):
    """The browser runtime could not be fetched or prepared; the message states what to do."""
