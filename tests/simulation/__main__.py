"""Entry point of `make simulate`: see `campaign.py`."""

import sys

from tests.simulation.campaign import main

if __name__ == "__main__":
    sys.exit(main())
