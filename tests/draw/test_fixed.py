"""What Graphviz is given to draw: type keeps its place in whichever font there is."""

from __future__ import annotations

import re

import pytest

from archc.draw.drawing import Options, as_file, scene_of
from archc.draw.fixed import SAMPLE, as_fixed_dot, as_sample, fitting
from archc.draw.render import render
from archc.draw.scene import Scene, Text
from tests.draw.looks import analysed


def scene() -> Scene:
    texts = [
        Text(50, 20, "conv 7×7, 64 /2", 6, "#000000", bold=True),
        Text(50, 40, "64×112×112", 6, "#000000"),
    ]
    return Scene(100, 60, "#ffffff", [*texts])


def widths(of: Scene, factor: float) -> str:
    """What Graphviz says of a font that is wider than Helvetica by a factor."""
    texts = [x for x in of.shapes if isinstance(x, Text)]
    lines = (
        f"node t{n} 0 0 {x.width / x.size * SAMPLE * factor / 72:.5f} 0.5 x\n"
        for n, x in enumerate(texts)
    )
    return f"graph 1 10 10\n{''.join(lines)}stop\n"


@pytest.mark.parametrize("factor", [0.9, 1.0, 1.01, 1.25])
def test_a_wider_font_is_set_smaller(factor: float) -> None:
    scale = fitting(scene(), widths(scene(), factor))
    wanted = 1 / factor if factor > 1.02 else 1
    assert scale == pytest.approx({True: wanted, False: wanted}, abs=1e-4)
    dot = as_fixed_dot(scene(), scale)
    sizes = [float(x) / 3 for x in re.findall(r'fontsize="([\d.]+)"', dot)]
    assert sizes == pytest.approx([6 * wanted] * 2, abs=0.01)


def test_type_fits_in_the_font_of_this_machine() -> None:
    analysis = analysed("resnet50")
    drawn = scene_of(analysis.network, analysis.facts, Options("stage", width=85))
    plain = render(as_sample(drawn), "plain", placed=True).decode()
    scale = fitting(drawn, plain)
    found = re.findall(r"^node t\d+ \S+ \S+ (\S+)", plain, re.MULTILINE)
    texts = {(x.text, x.bold): x for x in drawn.shapes if isinstance(x, Text)}
    for wide, ((_, bold), text) in zip(found, texts.items(), strict=True):
        natural = float(wide) * 72 / SAMPLE * text.size
        assert natural * scale[bold] <= text.width * 1.03


def test_smaller_type_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[str] = []

    def narrow(scene: Scene, plain: str) -> dict[bool, float]:
        return {True: 0.8, False: 0.9}

    monkeypatch.setattr("archc.draw.fixed.fitting", narrow)
    as_file(scene(), "net", "png", warn=told.append)
    assert "20% smaller" in told[0] and "Liberation Sans" in told[0]
