"""Calls a function inside a network namespace: a socket that it makes stays there, whoever uses it afterwards."""

from __future__ import annotations

import ctypes
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from pyvidu.testing.errors import LabError

_CLONE_NEWNET = 0x40000000
_Made = TypeVar("_Made")


def call_inside(namespace: str, function: Callable[[], _Made]) -> _Made:
    """Return what `function` returns when called inside. Raises LabError if the namespace cannot be entered.

    It runs in a thread of its own that ends afterwards: a namespace is a thread's, not a process's (setns(2)).
    """

    def enter() -> _Made:
        libc = ctypes.CDLL(None, use_errno=True)
        with Path("/run/netns", namespace).open("rb") as file:
            if libc.setns(file.fileno(), _CLONE_NEWNET):
                raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
        return function()

    with ThreadPoolExecutor(1) as thread:
        try:
            return thread.submit(enter).result()
        except OSError as error:
            raise LabError(f"the network namespace {namespace} cannot be used: {error}") from None
