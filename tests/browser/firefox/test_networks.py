"""The networks of everyday life that Firefox may take differently (`make test-firefox`), tested as in Chromium."""

from __future__ import annotations

import pytest

from pyvidu.testing import BrowserName
from tests.networks.routed import routed_call, routed_lab
from tests.networks.test_nat import (
    test_nat_forgets_everything_and_the_session_goes_on_over_a_new_connection,
    test_nat_forgets_its_udp_mappings_and_nothing_is_told_or_renegotiated,
)
from tests.networks.test_one_way import test_outage_is_told_and_ends_when_it_works_again
from tests.networks.test_udp_blocked import (
    test_without_turn_the_page_is_told_chat_goes_on_and_media_returns_with_udp,
)

__all__ = [
    "routed_call",
    "routed_lab",
    "test_nat_forgets_everything_and_the_session_goes_on_over_a_new_connection",
    "test_nat_forgets_its_udp_mappings_and_nothing_is_told_or_renegotiated",
    "test_outage_is_told_and_ends_when_it_works_again",
    "test_without_turn_the_page_is_told_chat_goes_on_and_media_returns_with_udp",
]


@pytest.fixture(scope="module")
def guest_browser() -> BrowserName:
    return "firefox"
