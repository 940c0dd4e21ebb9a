r"""A scene as TikZ, in a document that compiles by itself.

The picture stands between `% picture` and `% end of picture`, to be taken into a paper
with `\input` or by hand; its type is then the paper's. By itself it is a page of just
its size.
"""

from __future__ import annotations

from collections.abc import Iterator

from archc.draw.scene import Path, Rect, Scene, Shape, Text
from archc.draw.svg import arrow_head
from archc.escaping import latex, one_line

_SIGNS = {
    "×": r"$\times$", "·": r"$\cdot$", "…": r"\ldots{}", "→": r"$\to$", "−": "$-$",
    "↑": r"$\uparrow$",
}  # fmt: skip


def as_tikz(scene: Scene, title: str) -> str:
    """The text of a .tex file."""
    colors = _colors(scene)
    lines = [
        f"% {ascii(one_line(title))[1:-1]}",
        r"\documentclass{article}",
        r"\usepackage{tikz}",
        r"\newsavebox\picturebox",
        r"\begin{document}",
        r"\savebox\picturebox{%",
        "% picture",
        *_picture(scene, colors),
        "% end of picture",
        "}%",
        r"\pdfpagewidth=\wd\picturebox",
        r"\pdfpageheight=\dimexpr\ht\picturebox+\dp\picturebox\relax",
        r"\pdfhorigin=0pt \pdfvorigin=0pt",
        r"\shipout\box\picturebox",
        r"\end{document}",
    ]
    return "".join(f"{line}\n" for line in lines)


def _colors(scene: Scene) -> dict[str, str]:
    found: dict[str, str] = {}
    for color in (scene.background, *(c for s in scene.shapes for c in _of(s))):
        found.setdefault(color, f"archc{len(found)}")
    return found


def _of(shape: Shape) -> tuple[str, ...]:
    return (shape.fill, shape.stroke) if isinstance(shape, Rect) else (shape.color,)


def _picture(scene: Scene, colors: dict[str, str]) -> Iterator[str]:
    for color, name in colors.items():
        yield rf"\definecolor{{{name}}}{{HTML}}{{{color[1:].upper()}}}%"
    # a paper's font may be wider than what the boxes were made for
    yield r"\providecommand\archcfit[2]{\setbox0=\hbox{#2}%"
    yield r"  \ifdim\wd0>#1\resizebox{#1}{\height}{\box0}\else\box0\fi}%"
    # bp is what other programs call a point
    yield r"\begin{tikzpicture}[x=1bp, y=-1bp, inner sep=0pt, outer sep=0pt]"
    w, h = _n(scene.width), _n(scene.height)
    yield rf"\useasboundingbox (0,0) rectangle ({w},{h});"
    if scene.background != "#ffffff":
        yield rf"\fill[{colors[scene.background]}] (0,0) rectangle ({w},{h});"
    for shape in scene.shapes:
        if isinstance(shape, Rect):
            yield _rect(shape, colors)
        elif isinstance(shape, Path):
            yield from _path(shape, colors)
        else:
            yield _text(shape, colors)
    yield r"\end{tikzpicture}%"


def _rect(rect: Rect, colors: dict[str, str]) -> str:
    dash = ", dashed" if rect.dashed else ""
    x, y = rect.x + rect.width, rect.y + rect.height
    return (
        rf"\filldraw[fill={colors[rect.fill]}, draw={colors[rect.stroke]},"
        f" line width={_n(rect.line)}bp, rounded corners=1.5bp{dash}]"
        f" ({_n(rect.x)},{_n(rect.y)}) rectangle ({_n(x)},{_n(y)});"
    )


def _path(path: Path, colors: dict[str, str]) -> Iterator[str]:
    color = colors[path.color]
    dash = ", dashed" if path.dashed else ""
    points = " -- ".join(f"({_n(x)},{_n(y)})" for x, y in path.points)
    yield rf"\draw[{color}, line width={_n(path.line)}bp{dash}] {points};"
    if path.arrow:
        corners = " -- ".join(f"({_n(x)},{_n(y)})" for x, y in arrow_head(path))
        yield rf"\fill[{color}] {corners} -- cycle;"


def _text(text: Text, colors: dict[str, str]) -> str:
    anchor = {"start": "west", "middle": "center", "end": "east"}[text.anchor]
    size = rf"\fontsize{{{_n(text.size)}bp}}{{{_n(text.size * 1.2)}bp}}\selectfont"
    bold = r"\bfseries" if text.bold else ""
    # a strut, so that lines with and without descenders stand at one height
    return (
        rf"\node[anchor={anchor}, text={colors[text.color]}, font={size}{bold}]"
        rf" at ({_n(text.x)},{_n(text.y)})"
        rf" {{\archcfit{{{_n(text.width)}bp}}{{\strut {typeset(text.text)}}}}};"
    )


def _n(value: float) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".")


def typeset(text: str) -> str:
    """Text that pdfLaTeX sets without further packages; other letters are numbers."""
    written = latex(text)
    for sign, command in _SIGNS.items():
        written = written.replace(sign, command)
    return "".join(c if c < "\u0180" else f"U+{ord(c):04X}" for c in written)
