"""How late a timer must fire to tell that the page did not run: browsers fire the timers of a busy page some 50 ms late."""

from __future__ import annotations

STALL = 0.25  # seconds: this page was stalled, not the network
SLEPT = 2.0  # seconds: the page was frozen or the machine slept, so connections may have been lost
