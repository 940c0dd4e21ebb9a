"""Each piece of advice has a network that gets it, and one that nearly does."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from archc.advice.advise import RULES
from tests.command import invoke

Node = dict[str, Any]
ROOT = Path(__file__).parents[2]


def conv(kernel: int = 3, out: int = 8, **more: Any) -> Node:
    return {"op": "conv2d", "out_channels": out, "kernel_size": kernel} | more


def pool(kernel: int, stride: int, **more: Any) -> Node:
    return {"op": "max_pool2d", "kernel_size": kernel, "stride": stride} | more


def up(kernel: int) -> Node:
    return {
        "op": "conv_transpose2d",
        "out_channels": 8,
        "kernel_size": kernel,
        "stride": 2,
    }


RELU, NORM, DROP = {"op": "relu"}, {"op": "batch_norm2d"}, {"op": "dropout", "p": 0.5}
BARE = {"bias": False}
END = [{"op": "flatten"}, {"op": "linear", "out_features": 10}]
ONE = {"op": "adaptive_avg_pool2d", "output_size": 1}
HEAD_LAYERS = [
    {"name": "flat", "op": "flatten"},
    {"name": "fc", "op": "linear", "out_features": 10},
]
HEAD = {"name": "aux", "from": "middle", "loss_weight": 0.3, "layers": HEAD_LAYERS}
DEEP = [conv(3, padding=1, stride=2)] * 3

CASES: dict[str, tuple[list[Node], list[Node]]] = {
    "stride-beyond-kernel": ([conv(2, stride=3)], [conv(3, stride=3)]),
    "padding-beyond-kernel": ([conv(3, padding=3)], [conv(3, padding=2)]),
    # 32 rows: windows of 3 end at 31 with a stride of 2, and at 32 with padding
    "pooling-drops-rows": ([pool(3, 2)], [pool(3, 2, padding=1)]),
    "strided-pointwise": ([conv(1, stride=2)], [conv(3, stride=2, padding=1)]),
    "checkerboard": ([up(3)], [up(4)]),
    # three of them see 15 pixels, and a window of 9 behind these sees 15 + 8 * 8
    "sees-all-already": (
        [*DEEP, conv(9, padding=4), conv()], [*DEEP, conv(9, padding=4), conv(1)]
    ),
    "bias-before-norm": ([conv(), NORM], [conv(), RELU, NORM]),
    "activations-in-a-row": ([conv(), RELU, {"op": "tanh"}], [RELU, conv(), RELU]),
    "softmax-before-loss": ([*END, {"op": "softmax"}], END),
    "activation-on-logits": ([*END, RELU], [{"op": "flatten"}, RELU, END[1]]),
    "dropout-before-norm": (
        [DROP, conv(**BARE), NORM], [conv(**BARE), NORM, DROP]
    ),
    "norm-over-one-value": ([ONE, NORM], [NORM, ONE]),
    "groups-that-starve": ([conv(out=12), conv(out=12, groups=6)],
                           [conv(out=12), conv(out=12, groups=12)]),
    "head-at-the-end": (
        [conv(name="middle"), RELU, {"heads": [HEAD]}],
        [conv(name="middle"), RELU, conv(name="last"), {"heads": [HEAD]}],
    ),
}  # fmt: skip


def advice(layers: list[Node], tmp_path: Path, **more: Any) -> list[str]:
    """The codes of what is said of a network of these layers."""
    extra = [node for node in layers if "heads" in node]
    nodes = [node for node in layers if "heads" not in node]
    spec = {"archc": 1, "name": "net", **more}
    spec["network"] = {"input": [3, 32, 32], "layers": nodes}
    for node in extra:
        spec |= node
    path = tmp_path / "net.json"
    path.write_text(json.dumps(spec))
    arguments = ["check", str(path), "--format", "json"]
    done = invoke(*arguments, "--advice")
    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout)
    plain = json.loads(invoke(*arguments).stdout)
    assert plain == [d for d in found if d["severity"] != "advice"]
    return [d["code"] for d in found if d["severity"] == "advice"]


def test_every_rule_has_its_case() -> None:
    assert CASES.keys() == RULES.keys()


@pytest.mark.parametrize("code", CASES)
def test_a_network_that_gets_it_and_one_that_nearly_does(
    code: str, tmp_path: Path
) -> None:
    gets, nearly = CASES[code]
    assert code in advice(gets, tmp_path)
    assert code not in advice(nearly, tmp_path)
    silence = [{"code": code, "reason": "as published"}]
    assert code not in advice(gets, tmp_path, advice=silence)


def test_a_silence_that_silences_nothing_there_is(tmp_path: Path) -> None:
    silence = [{"code": "bias-before-nrom", "reason": "as published"}]
    assert advice([conv(), RELU], tmp_path, advice=silence) == ["unknown-advice"]


@pytest.mark.parametrize("silence", [["bias-before-norm"], [{"code": "x"}], "x"])
def test_a_silence_needs_its_reason(silence: Any, tmp_path: Path) -> None:
    path = tmp_path / "net.json"
    network = {"input": [3, 32, 32], "layers": [RELU]}
    spec = {"archc": 1, "name": "net", "advice": silence, "network": network}
    path.write_text(json.dumps(spec))
    done = invoke("check", str(path))
    assert done.exit_code == 1 and "advice" in done.stdout


def test_shipped_networks_have_their_reasons() -> None:
    done = invoke("check", str(ROOT / "specs"), "--advice")
    assert done.exit_code == 0
    assert done.stdout.splitlines()[-1].endswith("checked: no errors")


@pytest.mark.parametrize("code", RULES)
def test_each_is_explained_with_its_source(code: str) -> None:
    shown = invoke("explain", f"advice[{code}]").stdout
    assert RULES[code].source in " ".join(shown.split())
    assert RULES[code].summary.endswith(".")


def test_github_shows_a_notice(tmp_path: Path) -> None:
    advice(CASES["bias-before-norm"][0], tmp_path)
    arguments = ["check", str(tmp_path / "net.json"), "--advice", "--format", "github"]
    assert invoke(*arguments).stdout.startswith("::notice file=")


@pytest.mark.parametrize("code", RULES)
def test_the_page_tells_of_each(code: str) -> None:
    rule = RULES[code]
    row = f"| `{code}` | {rule.summary} | {rule.mend} | {rule.source} |"
    assert row in (ROOT / "docs" / "advice.md").read_text("utf-8").splitlines()
