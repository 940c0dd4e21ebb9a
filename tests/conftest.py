"""What all tests share."""

from __future__ import annotations

import os

# Two processes run the tests, and torch's threads would only wait for each other. It is
# said before anything loads torch, and processes that tests start are told too.
os.environ.setdefault("OMP_NUM_THREADS", "1")
