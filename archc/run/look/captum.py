"""captum, which is loaded by the methods that it has."""

from __future__ import annotations

from typing import Any


def methods() -> Any:
    """Its `captum.attr`, which has no types."""
    from captum import attr  # pyright: ignore[reportMissingTypeStubs]

    return attr
