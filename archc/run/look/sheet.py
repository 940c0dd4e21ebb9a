"""An album on one sheet, for print: as SVG, or as PNG."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from textwrap import wrap

from PIL import Image, ImageDraw, ImageFont
from torch import Tensor

from archc.escaping import visible, xml
from archc.run.encode import data_url, image, in_blocks, png, shown_size
from archc.run.look.album import Album, Grid

_WIDEST = 940
_MARGIN, _GAP, _LINE = 20, 4, 15
_LETTER = 5.6
"""About how wide a letter of a label is."""
_SCALE = 2
"""Pixels of the PNG for one of the SVG."""
_BLACK, _GREY = "#222222", "#666666"


@dataclass(frozen=True, slots=True)
class Text:
    """A line, by the left end of its baseline, or by its middle."""

    x: float
    y: float
    text: str
    size: int
    color: str
    centred: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    """A picture in its frame."""

    x: float
    y: float
    width: int
    height: int
    pixels: Tensor


@dataclass(frozen=True, slots=True)
class Sheet:
    """Where everything stands."""

    width: int
    height: int
    parts: tuple[Text | Picture, ...]


def sheet(album: Album) -> Sheet:
    """One grid below the other."""
    y = _MARGIN + 16.0
    parts: list[Text | Picture] = [
        Text(_MARGIN, y, visible(album.title), 16, _BLACK),
        Text(_MARGIN, y + 18, visible(f"{album.network}, {album.weights}"), 11, _GREY),
    ]
    y += 30
    for grid in album.grids:
        own, y = _placed(grid, y + 14)
        parts += own
    right = max(map(_right, parts))
    return Sheet(round(right + _MARGIN), round(y + _MARGIN), tuple(parts))


def _right(part: Text | Picture) -> float:
    if isinstance(part, Picture):
        return part.x + part.width
    length = ImageFont.load_default(part.size).getlength(part.text)
    return part.x + (length / 2 if part.centred else length)


def _placed(grid: Grid, top: float) -> tuple[list[Text | Picture], float]:
    y = top + 13
    parts: list[Text | Picture] = [Text(_MARGIN, y, visible(grid.title), 13, _BLACK)]
    for line in wrap(visible(grid.note), 150):
        y += _LINE
        parts.append(Text(_MARGIN, y, line, 10, _GREY))
    y += 10
    labelled = any(tile.label for tile in grid.tiles)
    widest = max((shown_size(t.pixels, grid.size)[0] for t in grid.tiles), default=1)
    room = int((_WIDEST - 2 * _MARGIN + _GAP) // (widest + _GAP))
    columns = max(min(grid.columns, room), 1)
    for start in range(0, len(grid.tiles), columns):
        x, row = float(_MARGIN), grid.tiles[start : start + columns]
        tallest = 0
        for tile in row:
            width, height = shown_size(tile.pixels, grid.size)
            parts.append(Picture(x, y, width, height, tile.pixels))
            if tile.label:
                label = _shortened(tile.label, int(widest / _LETTER))
                parts.append(
                    Text(x + width / 2, y + height + 10, label, 9, _GREY, True)
                )
            tallest = max(tallest, height)
            x += widest + _GAP
        y += tallest + _GAP + (10 if labelled and any(t.label for t in row) else 0)
    return parts, y


def _shortened(text: str, letters: int) -> str:
    text = visible(text)
    return text if len(text) <= letters else f"{text[: max(letters - 1, 1)]}…"


def to_svg(album: Album) -> str:
    """The sheet as SVG, each picture in it as PNG."""
    made = sheet(album)
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{made.width}"'
        f' height="{made.height}" viewBox="0 0 {made.width} {made.height}"'
        ' font-family="Helvetica, Arial, sans-serif">',
        f"<title>{xml(album.title)}</title>",
        f'<rect width="{made.width}" height="{made.height}" fill="white"/>',
        *map(_svg, made.parts),
        "</svg>",
    ]
    return "\n".join([*lines, ""])


def _svg(part: Text | Picture) -> str:
    if isinstance(part, Text):
        anchor = ' text-anchor="middle"' if part.centred else ""
        return (
            f'<text x="{part.x:g}" y="{part.y:g}" font-size="{part.size}"'
            f' fill="{part.color}"{anchor}>{xml(part.text)}</text>'
        )
    size = max(part.width, part.height)
    source = data_url(in_blocks(part.pixels, size), size)
    return (
        f'<image x="{part.x:g}" y="{part.y:g}" width="{part.width}"'
        f' height="{part.height}" preserveAspectRatio="none"'
        f' style="image-rendering: pixelated" href="{source}"/>'
    )


def to_png(album: Album) -> bytes:
    """The sheet as PNG, twice as fine as the SVG's units."""
    made = sheet(album)
    whole = Image.new("RGB", (made.width * _SCALE, made.height * _SCALE), "white")
    draw = ImageDraw.Draw(whole)
    for part, x, y in _scaled(made):
        if isinstance(part, Text):
            font = ImageFont.load_default(part.size * _SCALE)
            anchor = "ms" if part.centred else "ls"
            draw.text((x, y), part.text, part.color, font, anchor)
        else:
            size = (part.width * _SCALE, part.height * _SCALE)
            own = image(part.pixels)
            # enlarged pixels are seen as what they are
            larger = size[0] > own.width
            how = Image.Resampling.NEAREST if larger else Image.Resampling.LANCZOS
            whole.paste(own.resize(size, how), (round(x), round(y)))
    return png(whole)


def _scaled(made: Sheet) -> Iterator[tuple[Text | Picture, float, float]]:
    for part in made.parts:
        yield part, part.x * _SCALE, part.y * _SCALE
