"""What kind of list a value is, told so that a type checker follows."""

from __future__ import annotations

from typing import Any, TypeGuard


def is_tuple(value: object) -> TypeGuard[tuple[Any, ...]]:
    """Whether it is a list as evaluation has them."""
    return isinstance(value, tuple)


def is_sequence(value: object) -> TypeGuard[list[Any] | tuple[Any, ...]]:
    """Whether it is a list as evaluation has them, or as files do."""
    return isinstance(value, list | tuple)
