"""How exact the times are that decisions get: browsers fire the timers of a busy page some 50 ms late."""

from __future__ import annotations

STALL = 0.25  # seconds: this page was stalled, not the network
SLEPT = 2.0  # seconds: the page was frozen or the machine slept, so connections may have been lost
ROUNDING = 1e-6  # seconds: the rounding of a sum may move a poll at the very time of a change to either side of it
