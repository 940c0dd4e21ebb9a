"""Names of a class that the counter of a repetition hides.

What stands in a slot by default is written where the class begins: there, a name is the
class's own, whatever a loop around the slot calls its counter.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_HIDDEN = "hidden "


def hide(env: dict[str, Any], index: str) -> None:
    """Keeps what a name stands for that a counter is about to take."""
    if index in env:
        # further in, it is hidden already
        env.setdefault(f"{_HIDDEN}{index}", env[index])


def without_counters(env: Mapping[str, Any]) -> dict[str, Any]:
    """The names as they are where the class begins."""
    own = {n: v for n, v in env.items() if n.startswith(_HIDDEN)}
    return {**env, **{own_name(n): v for n, v in own.items()}}


def is_hidden(env: Mapping[str, Any], name: str) -> bool:
    """Whether a counter has taken a name."""
    return f"{_HIDDEN}{name}" in env


def own_name(key: str) -> str:
    """What the class itself calls a name."""
    return key.removeprefix(_HIDDEN)
