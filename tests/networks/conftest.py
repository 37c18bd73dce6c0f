"""The fixtures of the tests of everyday networks."""

from tests.networks.routed import guest_browser, routed_call, routed_lab

__all__ = ["guest_browser", "routed_call", "routed_lab"]
