"""What those who come from other frameworks write, and what they are told.

Each spec of `tests/bad_specs/newcomers` has its whole report beside it, as it was read
and found right; and what the report says to write, written, leaves no error.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from archc.diagnostics.model import Sink
from archc.diagnostics.render import render_text
from archc.ops.absent import known_absent
from archc.ops.registry import OPS, bare, meant_op
from archc.pipeline import analyse
from archc.spec.load import Loader

ROOT = Path(__file__).parent.parent / "bad_specs" / "newcomers"
SPECS = sorted(p for p in ROOT.iterdir() if p.suffix in (".toml", ".json"))

_PIECE = re.compile(r'\[\[?[a-z]+[\w.]*\]\]?|\w+ = (?:"[^"]*"|\[[^\]]*\]|[\w.]+)')
"""What is written in a spec: a header, or a key with its value."""
Edit = tuple[str, str]
RELU = '{ op = "relu" }'

MENDS: dict[str, list[Edit]] = {
    "input_with_batch": [("input = [1, 3, 32, 32]", "input = [3, 32, 32]")],
    "input_with_batch_name": [('input = ["N", 3, 32, 32]', "input = [3, 32, 32]")],
    "input_channels_last": [("input = [32, 32, 3]", "input = [3, 32, 32]")],
    "input_as_text": [('input = "3x32x32"', "input = [3, 32, 32]")],
    "two_inputs": [("input = [[3, 32, 32], [1, 32, 32]]", "input = [4, 32, 32]")],
    "input_in_plural": [("inputs = [3, 32, 32]", "input = [3, 32, 32]")],
    "block_table_in_singular": [("[block.unit]", "[blocks.unit]")],
    "block_outside_of_blocks": [("[unit]", "[blocks.unit]")],
    "params_called_parameters": [("[parameters]", "[params]")],
    "layers_outside_of_network": [("[[layer]]", "[[network.layers]]")],
    "no_network_table": [("input = ", "[network]\ninput = ")],
    "activation_on_a_convolution": [
        (', activation = "relu" }', f" }},\n  {RELU}"),
    ],
    "keras_dense": [
        ('op = "Flatten"', 'op = "flatten"'),
        ('op = "Dense"', 'op = "linear"'),
        ("units = 10", "out_features = 10"),
        (', activation = "softmax" }', ' },\n  { op = "softmax" }'),
    ],
    "out_features_on_a_convolution": [("out_features = 8", "out_channels = 8")],
    "out_channels_on_linear": [("out_channels = 10", "out_features = 10")],
    "kernel_as_text": [('kernel_size = "3x3"', "kernel_size = [3, 3]")],
    "kernel_of_three": [("[3, 3, 3]", "[3, 3]")],
    "repeat_as_text": [('repeat = "2x"', "repeat = 2")],
    "unet_of_30": [
        ("kernel_size = 2, stride = 2 }", "kernel_size = 2, stride = 2, OP }"),
        ("OP", "output_padding = 1"),
    ],
    "unet_of_33_by_50": [("input = [3, 33, 50]", "input = [3, 32, 48]")],
    "autoencoder_with_skip": [("scale_factor = 2", "size = [33, 33]")],
    "mixed_names_left_out": [
        ('{ op = "hardswish" }', '{ op = "hardswish", name = "hardswish" }')
    ],
    "op_batch_norm": [('op = "nn.BatchNorm2d"', 'op = "batch_norm2d"')],
    "op_global_pooling": [
        (
            'op = "GlobalAveragePooling2D"',
            'op = "adaptive_avg_pool2d", output_size = 1',
        ),
    ],
    "reshape_with_shape": [("shape = [256]", "sizes = [256]")],
    "reshape_of_several_axes": [
        ("sizes = [4, 64]", "sizes = [4, 64], channel_dim = 1"),
    ],
    "channels_last_before_a_convolution": [
        (
            "[0, 2, 3, 1] },",
            '[0, 2, 3, 1] },\n  { op = "permute", dims = [0, 3, 1, 2] },',
        ),
    ],
    "sequence_permuted_without_batch": [("dims = [1, 0]", "dims = [0, 2, 1]")],
    "words_in_a_list": [('["conv", "pool"]', """["'conv'", "'pool'"]""")],
    "decoder_of_a_vector": [
        ('op = "unflatten", dim = 1', 'op = "reshape"'),
        (
            "unflattened_size = [16, 4, 4]",
            "sizes = [16, 4, 4], channel_dim = 1",
        ),
    ],
    "number_for_a_list": [("convs = 3", "convs = [3]")],
    "inputs_of_unlike_size": [("right = [3, 30, 30]", "right = [3, 32, 32]")],
    "same_with_a_stride": [('padding = "same"', "padding = 1")],
    "several_syntax_errors": [
        ("title = My net", 'title = "My net"'),
        ("op = relu }", 'op = "relu" }'),
        ('"conv2d" out', '"conv2d", out'),
        ('"relu }', '"relu" }'),
    ],
}
"""By spec, what its report says to write in place of what."""


def _report(path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Sink, str]:
    monkeypatch.chdir(path.parent)
    sink = Sink()
    analyse(Path(path.name), Loader(sink), sink)
    return sink, render_text(sink)


@pytest.mark.parametrize("path", SPECS, ids=lambda p: p.stem)
def test_report(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sink, shown = _report(path, monkeypatch)
    assert shown == path.with_suffix(".txt").read_text("utf-8")
    for diagnostic in sink:
        assert diagnostic.help, diagnostic


@pytest.mark.parametrize("name", MENDS)
def test_what_is_told_to_write_is_right(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = (ROOT / f"{name}.toml").read_text("utf-8")
    told = " ".join((ROOT / f"{name}.txt").read_text("utf-8").split())
    for old, new in MENDS[name]:
        assert old in text
        text = text.replace(old, new)
        for piece in set(_PIECE.findall(new)) - set(_PIECE.findall(old)):
            assert piece in told or piece.partition(" = ")[2] in told
    path = tmp_path / "main.toml"
    path.write_text(text, "utf-8")
    sink, shown = _report(path, monkeypatch)
    assert not list(sink), shown


def test_what_is_absent_is_not_there_under_another_name() -> None:
    for name, entry in known_absent().items():
        assert meant_op(name) is None, name
        assert entry.why and entry.use


@pytest.mark.parametrize(
    ("elsewhere", "here"),
    [
        ("Conv2D", "conv2d"),
        ("torch.nn.Conv2d", "conv2d"),
        ("BatchNorm2d", "batch_norm2d"),
        ("BatchNormalization", "batch_norm2d"),
        ("MaxPooling2D", "max_pool2d"),
        ("maxpool", "max_pool2d"),
        ("Dense", "linear"),
        ("InnerProduct", "linear"),
        ("fc", "linear"),
        ("ReLU", "relu"),
        ("bn", "batch_norm2d"),
        ("GlobalAveragePooling2D", "adaptive_avg_pool2d"),
        ("Concatenate", "concat"),
        ("Add", "add"),
        ("UpSampling2D", "upsample"),
        ("Conv2DTranspose", "conv_transpose2d"),
        ("DepthwiseConv2D", "conv2d"),
        ("swish", "silu"),
        ("LRN", "local_response_norm"),
        ("convolutional", "conv2d"),
        ("ZeroPadding2D", "zero_pad2d"),
    ],
)
def test_names_of_other_frameworks(elsewhere: str, here: str) -> None:
    meant = meant_op(elsewhere)
    assert meant is not None and meant.op.op == here


@pytest.mark.parametrize("name", OPS)
def test_an_op_is_meant_by_its_own_name(name: str) -> None:
    meant = meant_op(name)
    assert meant is not None and meant.op.op == name and bare(name)
