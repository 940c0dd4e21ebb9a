"""What follows what and what lies beside it, told in a line or in a table."""

from __future__ import annotations

from pathlib import Path

import pytest

from archc.draw.table import as_latex
from tests.draw.looks import analysed, chart, read_spec


def rows(name: str) -> dict[str, str]:
    """What the layers of each row are, without what LaTeX needs."""
    analysis = analysed(name)
    return told(as_latex(analysis.network, analysis.facts))


def told(latex: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for line in latex.splitlines():
        if line.count(" & ") == 4:
            called, _, layers, *_ = line.split(" & ")
            for tex, plain in (
                (r"$\times$", "x"), (r"$\to$", "->"), (r"\ldots{}", ".."),
                (r"\begin{tabular}{@{}c@{}}", ""), (r"\end{tabular}", ""),
                (r"\left", ""), (r"\right", ""), (r"\{", "{"), (r"\}", "}"),
                ("$", ""), (r" \\ ", "; "),
            ):  # fmt: skip
                layers = layers.replace(tex, plain)
            found[called.replace(r"\ldots{}", "..").replace(r"\_", "_")] = layers
    return found


def test_branches_of_a_table_cannot_be_taken_for_what_follows() -> None:
    """SqueezeNet's fire (Iandola et al. 2016, Fig. 1), whose branches both read the
    squeeze, and Inception's modules with branches in branches (Szegedy et al. 2016,
    Fig. 7)."""
    assert rows("torchvision/squeezenet1_1")["features.3..4"] == (
        "[1x1, 16; {1x1, 64; 3x3, 64}] x 2"
    )
    inception = rows("torchvision/inception_v3")
    assert inception["Mixed_7b..7c"] == (
        "{1x1, 320; 1x1, 384 -> {1x3, 384; 3x1, 384};"
        " 1x1, 448 -> 3x3, 384 -> {1x3, 384; 3x1, 384}; avg pool 3x3 -> 1x1, 192} x 2"
    )
    assert inception["Mixed_6a"] == (
        "{3x3, 384 /2; 1x1, 64 -> 3x3, 96 -> 3x3, 96 /2; max pool 3x3 /2}"
    )


def test_a_caption_says_what_braces_are() -> None:
    for name, braces in (("resnet50", False), ("googlenet", True)):
        analysis = analysed(name)
        text = as_latex(analysis.network, analysis.facts)
        assert ("Lines in braces are branches." in text) == braces


def test_what_is_no_series_of_branches_stands_by_its_name(tmp_path: Path) -> None:
    """a -> b, and c reads both, with d beside it, which reads b alone: no formula."""
    conv = 'op = "conv2d", out_channels = 8, kernel_size = 3, padding = 1'
    block = f"""
    [blocks.knot]
    layers = [
      {{ name = "in", {conv} }},
      {{ name = "a", {conv} }},
      {{ name = "b", {conv}, from = "in" }},
      {{ name = "c", {conv}, from = "a" }},
      {{ name = "both", op = "add", from = ["a", "b"] }},
      {{ name = "d", {conv} }},
      {{ name = "end", op = "add", from = ["c", "d"] }},
    ]
    """
    pool = '{ op = "max_pool2d", kernel_size = 2 }'
    stem, tied = f'{{ name = "stem", {conv} }}', '{ name = "tied", block = "knot" }'
    layers = ", ".join((stem, pool, tied, pool))
    analysis = read_spec(tmp_path, layers, block)
    assert told(as_latex(analysis.network, analysis.facts))["tied"] == "knot"


@pytest.mark.parametrize(("name", "said"), [
    ("torchvision/squeezenet1_1", "fire: 1×1, (1×1 | 3×3)"),
    ("resnet50", "bottleneck: 1×1, 3×3, 1×1"),
    ("googlenet", "inception: (1×1 | 1×1, 3×3 | 1×1, 5×5 | 1×1)"),
    ("densenet121", "dense_layer ×24: 1×1, 3×3"),
    ("densenet121", "transition: 1×1, avg pool 2×2 /2"),
    ("resnext50_32x4d", "resnext_block: 1×1, 3×3 groups 32, 1×1"),
    # not the two of a gate, nor the one that looks at channels
    ("torchvision/mobilenet_v3_large", "bneck: 1×1, dw 5×5, 1×1"),
    ("timm/ecaresnet50d", "bottleneck: 1×1, 3×3, 1×1"),
    # the first unit of a stage, whose stride is another, and those after it
    ("torchvision/efficientnet_b0", "MBConv ×2: 1×1, dw 5×5, 1×1"),
    ("torchvision/regnet_y_400mf", "res_bottleneck ×6: 1×1, 3×3 groups 26, 1×1"),
    # what is not repeated beside it, with its strides
    ("torchvision/shufflenet_v2_x1_0",
     "downsampling_unit: (dw 3×3 /2, 1×1 | 1×1, dw 3×3 /2, 1×1)"),
    ("d2l/vgg11", "vgg_block: 3×3, 3×3, max pool 2×2 /2"),
    ("d2l/nin", "nin_block: 11×11 /4, 1×1, 1×1"),
])  # fmt: skip
def test_stages_say_their_convolutions(name: str, said: str) -> None:
    assert said in [d for c in chart(name, "stage").cells for d in c.details]


def test_stages_with_other_windows_are_other_stages() -> None:
    """MNASNet's layers 10 and 11 have windows of 5×5 and of 3×3 (Tan et al. 2019,
    Fig. 7)."""
    cells = {c.title: c.details for c in chart("torchvision/mnasnet1_0", "stage").cells}
    assert cells["layers.10"][1] == "inverted_residual ×3: 1×1, dw 5×5, 1×1"
    assert cells["layers.11"][1] == "inverted_residual ×2: 1×1, dw 3×3, 1×1"


def test_loops_are_blue_where_lines_would_be() -> None:
    """Each of WaveNet's layers but the last adds what it is given to what it makes of
    it; that it multiplies two paths is no skip."""
    cells = [c for c in chart("wavenet", "stage").cells if c.loops]
    skips = [[x.merge for x in c.loops if x.skips] for c in cells]
    assert skips == [["add"]] * 9 + [[]]
    assert all(any(x.merge == "mul" and not x.skips for x in c.loops) for c in cells)


def test_what_comes_from_elsewhere_is_joined_in_a_box_of_its_own() -> None:
    """HRNet adds to each coarser map what is made of the finer one."""
    network = chart("timm/hrnet_w18_small", "stage")
    adds = [n for n, c in enumerate(network.cells) if c.title == "add"]
    assert len(adds) == 3
    for n in adds:
        assert len([x for x in network.links if x.target == n]) == 2


def test_what_is_taken_from_what_is_said() -> None:
    cells = chart("siamese_net", "stage").cells
    said = [c.details[-1] for c in cells if c.title == "sub"]
    assert said == ["tower − other", "other − tower"]
