"""Colours, fonts and measures of the diagram."""

from __future__ import annotations

from archc.draw.figure import Mark
from archc.ops.base import Category

FONT = "Helvetica,Arial,sans-serif"
TEXT = 9
"""Size of the text in nodes, in points; labels and remarks are smaller."""
SMALL = 7.5
TITLE = 13

PAGE = (7.5, 10.0)
"""The room for the drawing in inches, which A4 and letter both have."""

COLORS: dict[Category, str] = {
    "convolution": "#fbd7a8",
    "linear": "#d5c6ee",
    "pooling": "#b9d9f2",
    "normalization": "#dcebc6",
    "activation": "#f8cdc8",
    "dropout": "#e4e4e4",
    "reshape": "#f4edc4",
    "merge": "#b8e0d6",
}
MARKS: dict[Mark, str] = {
    "same": "#ffffff",
    "changed": "#ffd866",
    "detail": "#fff3cf",
    "removed": "#f6b3ab",
    "inserted": "#b4e3a8",
    "moved": "#b5d8f7",
}
"""The colours of a picture that compares two networks."""
SIGNS: dict[Mark, str] = {
    "same": "",
    "changed": "~ ",
    "detail": "~ ",
    "removed": "− ",
    "inserted": "+ ",
    "moved": "> ",
}
"""What says the same without colours."""

FOLDED = "#ffffff"
"""The colour of a node that stands for several layers."""

INK = "#222222"
LINE = "#666666"
SKIP = "#1a66b3"
"""The colour of an edge that goes around what others go through."""
HEAD = "#b0413e"
FRAME = "#9a9a9a"
FILLS = ("#f6f6f6", "#ffffff")
"""What fills clusters, by the parity of their depth."""
