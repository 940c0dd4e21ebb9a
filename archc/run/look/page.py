"""An album as a page to walk through, layer by layer."""

from __future__ import annotations

from base64 import b64encode
from functools import cache
from hashlib import sha256
from importlib.resources import files
from typing import Any

from archc.escaping import visible
from archc.run.encode import data_url, shown_size
from archc.run.look.album import About, Album, Grid

_WHOLE = "whole network"


def to_html(album: Album) -> str:
    """One HTML file that works offline; nothing in it runs but its own script."""
    import jinja2

    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined)
    from markupsafe import Markup

    script, style = _read("page.js"), _read("page.css")
    template = environment.from_string(_read("page.html"))
    return template.render(
        title=visible(album.title),
        network=visible(album.network),
        weights=visible(album.weights),
        notes=[visible(note) for note in album.notes],
        chapters=_chapters(album),
        script=Markup(script),
        style=Markup(style),
        policy=(
            f"default-src 'none'; img-src data:; script-src {_digest(script)};"
            f" style-src {_digest(style)}; base-uri 'none'; form-action 'none'"
        ),
    )


def _chapters(album: Album) -> list[dict[str, Any]]:
    """The whole network, and then each layer of which there is something to see."""
    found: list[dict[str, Any]] = []
    by_layer: dict[str, list[Grid]] = {}
    for grid in album.grids:
        by_layer.setdefault(visible(grid.layer), []).append(grid)
    whole = by_layer.pop("", None)
    if whole:
        about = About(_WHOLE, "", "", sum(each.parameters for each in album.layers))
        found.append(_chapter(about, whole))
    found += [
        _chapter(each, by_layer[each.path])
        for each in album.layers
        if each.path in by_layer
    ]
    return found


def _chapter(about: About, grids: list[Grid]) -> dict[str, Any]:
    return {
        "path": about.path,
        "op": about.op,
        "shape": about.shape,
        "parameters": f"{about.parameters:,}" if about.parameters else "",
        "grids": list(map(_grid, grids)),
    }


def _grid(grid: Grid) -> dict[str, Any]:
    tiles: list[dict[str, Any]] = []
    for tile in grid.tiles:
        width, height = shown_size(tile.pixels, grid.size)
        tiles.append(
            {
                "source": data_url(tile.pixels, grid.size),
                "label": visible(tile.label),
                "width": width,
                "height": height,
            }
        )
    columns = max(grid.columns, 1)
    rows = [tiles[i : i + columns] for i in range(0, len(tiles), columns)]
    return {
        "title": visible(grid.title),
        "note": visible(grid.note),
        "rows": rows,
    }


@cache
def _read(name: str) -> str:
    return files("archc.run.look").joinpath("static", name).read_text("utf-8")


def _digest(text: str) -> str:
    return f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'"
