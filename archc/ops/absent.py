"""Operations of other frameworks that the language does not have, and what to do."""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

from archc.ops.registry import bare


class Absent(NamedTuple):
    """Why there is no such op, and what to write instead."""

    why: str
    use: str


def absent(name: str) -> Absent | None:
    """What is known of an op that is not there."""
    return known_absent().get(bare(name))


@cache
def known_absent() -> dict[str, Absent]:
    """The entries of `absent.toml`, by their names; read when one is asked for."""
    import tomllib
    from importlib.resources import files

    text = files("archc.ops").joinpath("absent.toml").read_text("utf-8")
    return {
        bare(name): Absent(entry["why"], entry["use"])
        for entry in tomllib.loads(text)["absent"]
        for name in entry["names"]
    }
