"""What `forward` looks like, where that is more than a call for each layer."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.emit import live
from tests.emit.holding import hold

HEADS = """
  { name = "stem", op = "conv2d", out_channels = 4, kernel_size = 1 },
  { name = "body", op = "conv2d", out_channels = 4, kernel_size = 1 },
  { op = "relu" },
  { op = "adaptive_avg_pool2d", output_size = 1 },
  { op = "flatten" },
  { name = "fc", op = "linear", out_features = 5 },
]

[[heads]]
name = "aux"
from = "stem"
block = "classifier"

[blocks.classifier]
layers = [
  { op = "adaptive_avg_pool2d", output_size = 1 },
  { op = "flatten" },
  { op = "dropout", p = 0.5 },
  { name = "fc", op = "linear", out_features = 5 },
]
"""


Forward = Callable[..., list[str]]


@pytest.fixture
def forward(tmp_path: Path) -> Forward:
    """The lines of a class's `forward`, once the module is held to torch."""

    def lines(rest: str, of: str = "Net") -> list[str]:
        path = tmp_path / "net.toml"
        path.write_text(
            'archc = 1\nname = "net"\n[network]\ninput = [4, 8, 8]\nlayers = [\n' + rest
        )
        analysis, source = live.compiled(path)
        hold(analysis, source)
        _, _, own = source.partition(f"class {of}(")
        _, _, method = own.partition("def forward(")
        body = method.partition("\n\n")[0].splitlines()[1:]
        return [line.partition("  # ")[0].strip() for line in body]

    return lines


def test_a_head_is_called_where_its_value_is_made(forward: Forward) -> None:
    assert forward(HEADS) == [
        "x = self.stem(x)",
        "aux = self.aux(x) if self.training else None",
        "x = self.body(x)",
        "x = F.relu(x, inplace=True)",
        "x = F.adaptive_avg_pool2d(x, 1)",
        "x = torch.flatten(x, 1)",
        "x = self.fc(x)",
        "if aux is not None:",
        "return NetOutputs(x, aux)",
        "return x",
    ]


def test_a_value_that_nobody_reads_is_unpacked_as_such(forward: Forward) -> None:
    found = forward("""
  { name = "stem", op = "conv2d", out_channels = 4, kernel_size = 1 },
]

[[heads]]
name = "aux"
from = "stem"
block = "two"

[blocks.two]
layers = [
  { name = "a", op = "conv2d", out_channels = 3, kernel_size = 1 },
  { name = "b", op = "conv2d", out_channels = 2, kernel_size = 1 },
]
outputs = ["b", "a"]
""")
    assert "b, _ = self.aux(x)" in found


def test_a_head_that_drops_what_the_body_drops_is_called_behind_it(
    forward: Forward,
) -> None:
    alike = HEADS.replace(
        '"stem", op = "conv2d", out_channels = 4, kernel_size = 1 },',
        '"stem", op = "conv2d", out_channels = 4, kernel_size = 1 },'
        '\n  { op = "dropout", p = 0.5 },',
    )
    lines = forward(alike)
    assert lines[:2] == [
        "stem = self.stem(x)",
        "x = F.dropout(stem, p=0.5, training=self.training)",
    ]
    assert lines[-3:] == [
        "if self.training:",
        "return NetOutputs(x, self.aux(stem))",
        "return x",
    ]


def test_what_a_head_reads_keeps_its_name_where_it_is_read_again(
    forward: Forward,
) -> None:
    again = HEADS.replace(
        '{ op = "relu" }', '{ op = "relu" },\n  { op = "add", from = ["prev", "stem"] }'
    )
    assert forward(again)[:5] == [
        "stem = self.stem(x)",
        "aux = self.aux(stem) if self.training else None",
        "x = self.body(stem)",
        "x = F.relu(x, inplace=True)",
        "x = x + stem",
    ]


BRANCHES = """
  { name = "whole", block = "branched" },
]

[blocks.branched]
layers = [
  { merge = "concat", branches = [
    { name = "near", op = "conv2d", out_channels = 3, kernel_size = 1 },
    { name = "far", op = "conv2d", out_channels = 2, kernel_size = 3, padding = 1 },
    MORE
  ] },
]
"""


def test_branches_of_one_call_stand_in_their_merge(forward: Forward) -> None:
    assert forward(BRANCHES.replace("MORE", ""), "Branched") == [
        "return torch.cat([self.near(x), self.far(x)], dim=1)"
    ]
    sliced = '[{ op = "channel_slice", stop = 2 }, { name = "part", op = "sigmoid" }],'
    assert forward(BRANCHES.replace("MORE", sliced), "Branched") == [
        "return torch.cat([self.near(x), self.far(x), self.part(x[:, :2])], dim=1)"
    ]


def test_all_branches_have_names_where_one_is_longer(forward: Forward) -> None:
    longer = (
        '[{ name = "b3_1", op = "conv2d", out_channels = 3, kernel_size = 1 },'
        ' { op = "relu" }],'
    )
    assert forward(BRANCHES.replace("MORE", longer), "Branched") == [
        "near = self.near(x)",
        "far = self.far(x)",
        "b3 = self.b3_1(x)",
        "b3 = F.relu(b3, inplace=True)",
        "return torch.cat([near, far, b3], dim=1)",
    ]


def test_a_value_that_is_read_twice_keeps_its_name(forward: Forward) -> None:
    twice = """
  { name = "whole", block = "twice" },
]

[blocks.twice]
layers = [
  { name = "first", op = "conv2d", out_channels = 4, kernel_size = 1 },
  { name = "gate", op = "conv2d", out_channels = 4, kernel_size = 1 },
  { op = "mul", from = ["gate", "first"] },
  { name = "last", op = "conv2d", out_channels = 4, kernel_size = 1 },
  { op = "concat", from = ["first", "last", "gate"] },
]
"""
    assert forward(twice, of="Twice") == [
        "first = self.first(x)",
        "gate = self.gate(first)",
        "x = gate * first",
        "return torch.cat([first, self.last(x), gate], dim=1)",
    ]


UNIT = """
  { name = "whole", block = "unit" },
]

[blocks.unit]
defaults = { residual = true }
layers = [
  { skip = "add", skip_when = "residual", layers = [
    { name = "body", op = "conv2d", out_channels = 4, kernel_size = 1 },
    { name = "drop", op = "stochastic_depth", when = "WHEN", p = 0.5 },
  ] },
]
"""


def test_a_module_stands_under_the_test_of_its_neighbour(forward: Forward) -> None:
    assert forward(UNIT.replace("WHEN", "residual"), "Unit") == [
        "identity = x",
        "x = self.body(x)",
        "if self.residual:",
        "x = self.drop(x)",
        "x = x + identity",
        "return x",
    ]


def test_a_module_under_another_test_has_a_placeholder(forward: Forward) -> None:
    other = UNIT.replace("WHEN", "wide").replace("true }", "true, wide = false }")
    assert forward(other, "Unit")[1:4] == [
        "x = self.body(x)",
        "x = self.drop(x)",
        "if self.residual:",
    ]


def loop(name: str) -> str:
    return f"""
  {{ repeat = 3, layers = [
    {{ name = "{name}", op = "conv2d", out_channels = 4, kernel_size = 1 }},
  ] }},
]
"""


@pytest.mark.parametrize(
    ("name", "over"),
    [
        ("conv{i}", "range(3)"),
        ("conv{i + 1}", "range(1, 4)"),
        ("conv{2 - i}", "reversed(range(3))"),
    ],
)
def test_a_loop_counts_as_its_names_do(forward: Forward, name: str, over: str) -> None:
    assert forward(loop(name)) == [
        f"for i in {over}:",
        'x = getattr(self, f"conv{i}")(x)',
        "return x",
    ]


def test_half_of_the_channels_has_a_name(forward: Forward) -> None:
    halves = """
  { name = "first", block = "cut" },
  { name = "second", block = "cut" },
]

[blocks.cut]
layers = [
  { merge = "concat", branches = [
    { op = "channel_slice", stop = "in_channels // 2" },
    [
      { op = "channel_slice", start = "in_channels // 2", stop = "in_channels" },
      { name = "near", op = "conv2d", out_channels = 4, kernel_size = 1 },
    ],
  ] },
]
"""
    assert forward(halves, "Cut") == [
        "half = x.shape[1] // 2",
        "return torch.cat([x[:, :half], self.near(x[:, half:])], dim=1)",
    ]


def test_a_loop_that_reads_by_name_is_handed_nothing(forward: Forward) -> None:
    lines = forward("""
  { name = "stem", op = "conv2d", out_channels = 4, kernel_size = 1 },
  { repeat = 2, layers = [
    { name = "u{i}", from = "stem", op = "conv2d", out_channels = 4, kernel_size = 1 },
    { name = "act{i}", op = "relu" },
  ] },
]
outputs = { stem = "stem", first = "act0", second = "act1" }
""")
    assert lines == [
        "features: dict[str, Tensor] = {}",
        "stem = self.stem(x)",
        "for i in range(2):",
        'x = getattr(self, f"u{i}")(stem)',
        'x = getattr(self, f"act{i}")(x)',
        'features[f"act{i}"] = x',
        'return NetOutputs(stem, features["act0"], features["act1"])',
    ]


def test_a_loop_that_may_not_run_is_handed_what_is_read_behind_it(
    forward: Forward,
) -> None:
    lines = forward("""
  { name = "stem", op = "conv2d", out_channels = 4, kernel_size = 1 },
  { repeat = 2, layers = [
    { name = "u{i}", from = "stem", op = "conv2d", out_channels = 4, kernel_size = 1 },
  ] },
]
""")
    assert lines == [
        "stem = self.stem(x)",
        "x = stem",
        "for i in range(2):",
        'x = getattr(self, f"u{i}")(stem)',
        "return x",
    ]


RETURNED = """
  { name = "stem", op = "conv2d", out_channels = 4, kernel_size = 1 },
  { name = "neck", layers = [
    { name = "maps.0", op = "conv2d", out_channels = 2, kernel_size = 1 },
    { name = "maps.1", op = "conv2d", out_channels = 3, kernel_size = 1 },
    { op = "relu" },
  ] },
]
outputs = { p2 = "stem", P3 = "neck.maps.0", p4 = "neck.maps.1", maps = "prev" }
"""


def test_what_is_returned_by_another_name_is_called_so(forward: Forward) -> None:
    assert forward(RETURNED) == [
        "p2 = self.stem(x)",
        "x, p3, p4 = self.neck(p2)",
        "return NetOutputs(p2, p3, p4, x)",
    ]


def test_what_is_returned_by_its_own_name_keeps_it(forward: Forward) -> None:
    own = RETURNED.replace('p2 = "stem"', 'first = "stem", stem = "stem"')
    assert forward(own)[0] == "stem = self.stem(x)"
