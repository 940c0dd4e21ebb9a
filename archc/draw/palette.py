"""The colours of a picture: for a bright page, for a dark one, and for a copier.

The hues of `light` and `dark` are tints and shades of the eight colours that Okabe and
Ito (2008, Color Universal Design) chose to be told apart by people who lack a kind of
cone. Every box also says in words what it is.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from archc.draw.figure import Mark
from archc.ops.base import Category

FONT = "Helvetica,Arial,Liberation Sans,sans-serif"
MARKS: dict[Mark, str] = {
    "same": "#ffffff",
    "changed": "#ffd866",
    "detail": "#fff3cf",
    "removed": "#f6b3ab",
    "inserted": "#b4e3a8",
    "moved": "#b5d8f7",
}
"""What fills the boxes of two networks that are compared."""
SIGNS: dict[Mark, str] = {
    "same": "",
    "changed": "~ ",
    "detail": "~ ",
    "removed": "− ",
    "inserted": "+ ",
    "moved": "> ",
}
"""What says the same without colours."""

Theme = Literal["light", "dark", "print"]


@dataclass(frozen=True, slots=True)
class Palette:
    background: str
    ink: str
    faint: str
    """Of what is said beside the matter."""
    line: str
    skip: str
    head: str
    frame: str
    shade: str
    """The fill of a frame."""
    stage: str
    """The fill of a box that stands for several layers."""
    fills: dict[Category, str]
    heat: tuple[str, str]
    """From the least to the most."""


PALETTES: dict[Theme, Palette] = {
    "light": Palette(
        background="#ffffff", ink="#1b1b1b", faint="#5a5a5a", line="#555555",
        skip="#0a5c9c", head="#a63d00", frame="#8c8c8c",
        shade="#f7f7f7", stage="#f0f0f0",
        fills={
            "convolution": "#fbdfb0", "linear": "#ecc4dc", "pooling": "#c2e2f7",
            "normalization": "#c3e5d8", "activation": "#f7cdb5", "dropout": "#e2e2e2",
            "reshape": "#f8f2b4", "merge": "#b3cfe6",
        },
        heat=("#fffbe6", "#e0761b"),
    ),
    "dark": Palette(
        background="#15181c", ink="#f1f1f1", faint="#b4b8bd", line="#a9adb3",
        skip="#6cbcf0", head="#ff9a62", frame="#7c8288",
        shade="#1d2126", stage="#2a2f36",
        fills={
            "convolution": "#6b4a0c", "linear": "#6a3553", "pooling": "#1f536f",
            "normalization": "#0d4f3c", "activation": "#6e3312", "dropout": "#474b50",
            "reshape": "#57520f", "merge": "#1b3e63",
        },
        heat=("#2a2f36", "#b85309"),
    ),
    "print": Palette(
        background="#ffffff", ink="#000000", faint="#222222", line="#000000",
        skip="#000000", head="#000000", frame="#555555",
        shade="#ffffff", stage="#ffffff",
        fills={
            # each as much brighter than the next as that is than the one after it
            "convolution": "#ababab", "linear": "#909090", "pooling": "#dadada",
            "normalization": "#bababa", "activation": "#cacaca", "dropout": "#ececec",
            "reshape": "#ffffff", "merge": "#9d9d9d",
        },
        heat=("#ffffff", "#8f8f8f"),
    ),
}  # fmt: skip


def between(colors: tuple[str, str], share: float) -> str:
    """The colour that lies so far on the way from the first to the second."""
    a, b = (tuple(int(c[i : i + 2], 16) for i in (1, 3, 5)) for c in colors)
    mixed = (round(x + (y - x) * share) for x, y in zip(a, b, strict=True))
    return "#" + "".join(f"{value:02x}" for value in mixed)
