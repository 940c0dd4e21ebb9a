"""Writes docs/gallery.md: every network that comes with archc, stage by stage; and the
picture of the README.

python docs/gallery.py            # write the page and its pictures
python docs/gallery.py --check    # exit 1 if one is not current
"""

from __future__ import annotations

import sys
import tomllib
from pathlib import Path

from archc.diagnostics.model import Sink
from archc.draw.drawing import Options, as_file, scene_of
from archc.draw.fit import MM
from archc.draw.palette import PALETTES
from archc.draw.scene import Scene, Shape, Text, moved
from archc.measure.tables import markdown
from archc.pipeline import analyse
from archc.spec.load import Loader

DOCS = Path(__file__).parent
ROOT = DOCS.parent
PAGE = DOCS / "gallery.md"
PICTURE = DOCS / "images" / "gallery.svg"
README = DOCS / "images" / "googlenet.svg"
"""The picture on the first page."""
WIDTH = 85.0
"""Of a picture in the gallery, in millimetres."""
IN_A_ROW = 10

INTRO = """\
# Gallery

Every network that comes with archc at stage level, as `archc draw NAME --level stage
--width 85mm` draws it, on one sheet: zoom in, or open [the picture](images/gallery.svg)
by itself. [Networks](networks.md) shows the inside of each, and its numbers.

This page and its picture are made by `python docs/gallery.py`.

[![All networks, stage by stage](images/gallery.svg)](images/gallery.svg)
"""


def families() -> dict[str, list[str]]:
    """The keys of all networks, by family."""
    data = tomllib.loads((DOCS / "published.toml").read_text("utf-8"))
    return {family["name"]: family["networks"] for family in data["family"]}


def page() -> str:
    """The page, with a list of what is on the sheet."""
    lines = [INTRO]
    for family, keys in families().items():
        links = (f"[`{key}`](networks.md#{key.replace('/', '')})" for key in keys)
        lines += [f"**{markdown(family)}:** {' · '.join(links)}", ""]
    return "\n".join(lines).rstrip("\n") + "\n"


def sheet() -> Scene:
    """All networks, family by family, each below its key."""
    ink = PALETTES["light"]
    sink = Sink()
    loader = Loader(sink)
    shapes: list[Shape] = []
    step = (WIDTH + 5) * MM
    x, y, high = 0.0, 0.0, 0.0
    for family, keys in families().items():
        if x and x + len(keys) * step > IN_A_ROW * step:
            x, y, high = 0.0, y + high, 0.0  # what fits a row is not cut
        shapes.append(Text(x + 8, y + 22, family, 20, ink.ink, "start", bold=True))
        for key in keys:
            if x >= IN_A_ROW * step:
                x, y, high = 0.0, y + high, 0.0
            analysis = analyse(ROOT / "specs" / f"{key}.toml", loader, sink)
            assert analysis is not None, key
            options = Options("stage", width=WIDTH, legend=False)
            scene = scene_of(analysis.network, analysis.facts, options)
            shapes.append(Text(x + 11, y + 46, key, 8, ink.faint, "start"))
            shapes += (moved(shape, x + 8, y + 52) for shape in scene.shapes)
            x, high = x + step, max(high, scene.height + 70)
    return Scene(IN_A_ROW * step + 8, y + high, ink.background, shapes)


def files() -> dict[Path, bytes]:
    """All that this script writes."""
    picture = as_file(sheet(), "All networks, stage by stage", "svg")
    return {PAGE: page().encode(), PICTURE: picture, README: _of_the_readme()}


def _of_the_readme() -> bytes:
    sink = Sink()
    analysis = analyse(ROOT / "specs" / "googlenet.toml", Loader(sink), sink)
    assert analysis is not None
    options = Options("stage", width=140)
    scene = scene_of(analysis.network, analysis.facts, options)
    return as_file(scene, "GoogLeNet", "svg")


def main() -> int:
    stale = {
        path: content
        for path, content in files().items()
        if not path.exists() or path.read_bytes() != content
    }
    if sys.argv[1:] == ["--check"]:
        for path in stale:
            print(f"{path.relative_to(ROOT)} is not current: python docs/gallery.py")
        return 1 if stale else 0
    for path, content in stale.items():
        path.write_bytes(content)
    return 0


if __name__ == "__main__":
    sys.exit(main())
