from __future__ import annotations

import csv
import io
import re
from pathlib import Path

import pytest
from rich.console import Console

from archc.diagnostics.model import Sink
from archc.measure import tables
from archc.measure.summary import Summary, describe, summarize
from archc.ops.registry import OPS
from archc.ops.sizes import Shape
from archc.pipeline import analyse
from archc.spec.load import Loader

SPECS = Path(__file__).parents[2] / "specs"


def summary(path: Path) -> Summary:
    sink = Sink()
    analysis = analyse(path, Loader(sink), sink)
    assert analysis is not None, list(sink)
    return summarize(analysis.network, analysis.facts)


@pytest.fixture(scope="module")
def googlenet() -> Summary:
    return summary(SPECS / "torchvision" / "googlenet.toml")


@pytest.fixture
def odd(tmp_path: Path) -> Summary:
    """A network whose title holds what every format has to escape."""
    path = tmp_path / "odd.toml"
    path.write_text(
        "archc = 1\n"
        'name = "odd"\n'
        r"""title = 'a_b & 50% | $x$ {y} \z ~ ^ <b> * #, "q"'"""
        "\n"
        "[network]\n"
        "input = [1200, 40, 40]\n"
        'layers = [{ op = "conv2d", out_channels = 1200, kernel_size = [3, 5] }]\n'
    )
    return summary(path)


@pytest.mark.parametrize(
    ("op", "attributes", "expected"),
    [
        ("conv2d", {"out_channels": 64, "kernel_size": 7, "stride": 2}, "7x7 /2, 64"),
        ("conv2d", {"out_channels": 8, "kernel_size": [1, 7]}, "1x7, 8"),
        (
            "conv2d",
            {"out_channels": 8, "kernel_size": 3, "stride": [2, 1], "groups": 4},
            "3x3 /2x1, 8, groups 4",
        ),
        (
            "conv2d",
            {"out_channels": 8, "kernel_size": 3, "dilation": 2, "padding": 1},
            "3x3, 8, dilation 2",
        ),
        ("max_pool2d", {"kernel_size": 3, "stride": 2}, "3x3 /2"),
        ("max_pool2d", {"kernel_size": 2, "stride": [2, 2]}, "2x2 /2"),
        ("adaptive_avg_pool2d", {"output_size": 1}, "1x1"),
        ("conv1d", {"out_channels": 64, "kernel_size": 80, "stride": 4}, "80 /4, 64"),
        ("conv3d", {"out_channels": 8, "kernel_size": [3, 1, 1]}, "3x1x1, 8"),
        ("max_pool3d", {"kernel_size": 2, "stride": [1, 2, 2]}, "2x2x2 /1x2x2"),
        ("upsample", {"size": 14}, "14x14"),
        ("linear", {"out_features": 1000}, "1000"),
        ("dropout", {"p": 0.2}, "p 0.2"),
        ("dropout", {}, ""),
        ("batch_norm2d", {"eps": 0.001}, ""),
        ("relu", {"inplace": True}, ""),
    ],
)
def test_describe(op: str, attributes: dict[str, object], expected: str) -> None:
    made = OPS[op].model_validate(attributes)
    x = Shape((8, *(16 for _ in range(made.axes or 2))))
    assert describe(made, x) == expected


def test_totals_are_those_of_the_rows(googlenet: Summary) -> None:
    assert sum(row.params for row in googlenet.layers) == googlenet.params == 6_624_904
    assert sum(row.macs for row in googlenet.layers) == googlenet.macs == 1_498_376_192
    heads = sum(head.params for head in googlenet.heads)
    assert googlenet.params + heads == googlenet.params_with_heads


def test_text_columns_line_up(googlenet: Summary) -> None:
    lines = tables.as_text(googlenet).splitlines()
    header = next(line for line in lines if line.startswith("path"))
    ends = {header.index(name) + len(name) for name in ("output", "params", "MACs")}
    assert len(ends) == 3
    rows = [line for line in lines if "conv2d" in line]
    assert len(rows) == 57 + 2
    for row in rows:
        cells = {m.end() for m in re.finditer(r"\S+", row)}
        assert ends <= cells


def test_csv_reads_back(googlenet: Summary) -> None:
    text = tables.as_csv(googlenet)
    assert text.count("\r\n") == text.count("\n")
    rows = list(csv.DictReader(io.StringIO(text, newline="")))
    own = [row for row in rows if row["head"] == ""]
    assert sum(int(row["params"]) for row in own) == googlenet.params
    assert sum(int(row["params"]) for row in rows) == googlenet.params_with_heads
    assert own[0]["input"] == "3x224x224"
    assert own[-1]["receptive_field"] == ""


def test_markdown_rows_have_the_same_cells(odd: Summary, googlenet: Summary) -> None:
    for each in (odd, googlenet):
        lines = tables.as_markdown(each).splitlines()
        rows = [line for line in lines if line.startswith("|")]
        layers = len(each.layers) + sum(len(head.layers) for head in each.heads)
        assert sum(len(re.findall(r"(?<!\\)\|", r)) == 7 for r in rows) == (
            layers + 2 * (1 + len(each.heads))
        )
    title = tables.as_markdown(odd).splitlines()[0]
    assert r"a\_b" in title
    assert r"50% \|" in title


def test_latex_escapes_and_balances(odd: Summary) -> None:
    text = tables.as_latex(odd)
    caption = next(line for line in text.splitlines() if "caption" in line)
    for escaped in (r"a\_b \& 50\%", r"\$x\$", r"\{y\}", r"\textbackslash{}z", r"\#"):
        assert escaped in caption
    assert r"1,200" not in caption
    assert r"1200$\times$38$\times$36" in text
    body = [line for line in text.splitlines() if line.startswith("0 &")]
    assert [line.count("&") for line in body] == [5]
    assert all(line.endswith(r"\\") for line in body)
    plain = re.sub(r"\\[{}]", "", text)
    assert plain.count("{") == plain.count("}")


@pytest.mark.parametrize("width", [80, 100, 140])
def test_rich_table_fits_the_terminal(googlenet: Summary, width: int) -> None:
    out = io.StringIO()
    Console(file=out, width=width).print(tables.as_rich(googlenet, width))
    lines = out.getvalue().splitlines()
    assert max(map(len, lines)) <= width
    assert "346,816,512" in out.getvalue()
    assert any(line.strip().startswith("head aux1") for line in lines)
    paths = [line.split()[0] for line in lines if "conv2d" in line]
    assert len(paths) == 57 + 2
    # where there is room, a path is whole
    assert ("inception5b.branch4.1.conv" in paths) is (width > 80)


@pytest.mark.parametrize("width", [1, 40, 60])
def test_numbers_are_whole_on_a_terminal_that_is_too_narrow(
    googlenet: Summary, width: int
) -> None:
    out = io.StringIO()
    set_to = tables.set_width(googlenet, width)
    Console(file=out, width=set_to).print(tables.as_rich(googlenet, set_to))
    text = out.getvalue()
    for row in googlenet.to_dict()["layers"]:
        assert f" {'x'.join(map(str, row['output']))} " in text
        assert not row["macs"] or f" {row['macs']:,} " in text


def test_markup_is_not_interpreted(odd: Summary) -> None:
    out = io.StringIO()
    Console(file=out, width=120).print(tables.as_rich(odd, 120))
    assert "<b>" in out.getvalue()
    assert "&lt;b&gt;" in tables.as_html(odd)


TWICE = """\
archc = 1
name = "twice"
[network]
input = [8, 9, 9]
layers = [
  { name = "conv", op = "conv2d", out_channels = 8, kernel_size = 3, padding = 1 },
  { op = "relu" },
  { share = "conv" },
%s]
"""


def test_csv_marks_what_is_applied_again(tmp_path: Path, googlenet: Summary) -> None:
    path = tmp_path / "twice.toml"
    path.write_text(TWICE % "")
    rows = list(csv.DictReader(io.StringIO(tables.as_csv(summary(path)), newline="")))
    assert [(r["path"], r["again"]) for r in rows] == [
        ("conv", ""), ("relu", ""), ("conv", "again"),
    ]  # fmt: skip
    assert "again" not in tables.as_csv(googlenet).splitlines()[0]


POOLED = '  { op = "adaptive_avg_pool2d", output_size = 1 },\n'


@pytest.mark.parametrize("form", ["text", "rich", "markdown", "latex", "html"])
@pytest.mark.parametrize("last", ["", POOLED], ids=["a map", "pooled"])
def test_whose_receptive_field_the_total_is(
    form: str, last: str, tmp_path: Path
) -> None:
    path = tmp_path / "twice.toml"
    path.write_text(TWICE % last)
    if form == "rich":
        console = Console(width=100)
        with console.capture() as caught:
            console.print(tables.as_rich(summary(path), 100))
        shown = caught.get()
    else:
        shown = getattr(tables, f"as_{form}")(summary(path))
    said = (
        "The receptive field is the widest of the last maps before a global operation."
    )
    assert (said in shown) == bool(last)
