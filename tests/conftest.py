"""What all tests share."""

from __future__ import annotations

import os

import pytest

# Two processes run the tests, and torch's threads would only wait for each other. It is
# said before anything loads torch, and processes that tests start are told too.
os.environ.setdefault("OMP_NUM_THREADS", "1")


def pytest_configure(config: pytest.Config) -> None:
    """Hides GPUs from all tests but those of `-m gpu`: one sums in no fixed order, and
    what a test holds to the bit is about the CPU."""
    if "gpu" not in config.option.markexpr.replace("not gpu", ""):
        os.environ["CUDA_VISIBLE_DEVICES"] = ""
