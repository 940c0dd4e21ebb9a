"""Names with braces, such as `denselayer{i + 1}`, and what they can come out as."""

from __future__ import annotations

import re
from collections.abc import Collection

_BRACES = re.compile(r"\{[^}]*\}")
_FILLED = r"(?:\d+|True|False)"
"""What braces can come out as in a name."""
_RUN = re.compile(r"(?:\{[^}]*\}|\d|True|False)+")
"""A part of a name that braces can be, or can be a piece of."""


def made_in(key: str, makers: Collection[str]) -> bool:
    """Whether one of the paths is what a key comes out as, or is below it."""
    pattern = _FILLED.join(map(re.escape, _BRACES.split(key)))
    return any(re.search(rf"(?:^|\.){pattern}(?:\.|$)", path) for path in makers)


def may_meet(path: str, key: str) -> bool:
    """Whether two names, each with braces where the other may have a number, can come
    out as one."""
    if _RUN.split(path) != _RUN.split(key):
        return False
    return all(map(_numbers_meet, _RUN.findall(path), _RUN.findall(key)))


def _numbers_meet(one: str, other: str) -> bool:
    """The same of a part of them that holds numbers and braces alone."""
    parts, others = _BRACES.split(one), _BRACES.split(other)
    if len(parts) == 1:
        return re.fullmatch(_FILLED.join(others), one) is not None
    if len(others) == 1:
        return re.fullmatch(_FILLED.join(parts), other) is not None
    # between its ends each can be what the other one is
    begin, end = sorted((parts[0], others[0])), sorted((parts[-1], others[-1]), key=len)
    return begin[1].startswith(begin[0]) and end[1].endswith(end[0])


def patterned(name: str) -> str:
    """A name with one sign for all that braces can be, or can be a piece of: names
    that can come out as one have the same pattern, and so may others."""
    return _RUN.sub("#", name)
