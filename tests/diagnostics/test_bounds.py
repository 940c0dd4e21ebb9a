"""Specs that try to exhaust the machine end in a diagnostic, soon and small."""

from __future__ import annotations

import resource
import subprocess
import sys
import time
from pathlib import Path

import pytest

from archc.diagnostics.model import Sink
from archc.pipeline import analyse
from archc.spec.load import Loader

SECONDS = 15
"""How long one may take here; on an idle machine it is one or two."""
_HEAD = 'archc = 1\nname = "net"\n[network]\ninput = [8, 32, 32]\n'


def _nested_blocks(levels: int, uses: int, node: str = "") -> str:
    """Block after block, each using the next one several times."""
    use = ", ".join(f'{{ block = "b{{0}}"{node} }}' for _ in range(uses))
    blocks = [
        f"[blocks.b{n}]\nlayers = [{use.replace('{0}', str(n + 1))}]"
        for n in range(levels)
    ]
    last = f'[blocks.b{levels}]\nlayers = [{{ op = "relu" }}]'
    return f'{_HEAD}layers = [{{ block = "b0" }}]\n' + "\n".join([*blocks, last])


def _nested_repeats(count: str, levels: int, inner: str) -> str:
    body = inner
    for _ in range(levels):
        body = f"{{ repeat = {count}, layers = [{body}] }}"
    return f"{_HEAD}layers = [{body}]\n[params]\nn = 1000"


SPECS = {
    "blocks ten times, twelve deep": _nested_blocks(12, 10),
    "blocks twice, forty deep": _nested_blocks(40, 2),
    "blocks repeated by an expression": _nested_blocks(6, 1, ', repeat = "10 * 10"'),
    "repeats": _nested_repeats("1000", 3, '{ op = "relu" }'),
    "repeats by expressions": _nested_repeats('"n"', 3, '{ op = "relu" }'),
    "repeats that are left out": _nested_repeats(
        '"n"', 2, "{ repeat = 1000, when = false, layers = [] }"
    ),
    "repeats of nothing": _nested_repeats('"n"', 3, ""),
    "a named repeat": _HEAD
    + 'layers = [{ name = "r", op = "relu", repeat = "9 ** 9" }]',
    "windows that do not fit, many times": _nested_repeats(
        "100", 2, '{ op = "conv2d", out_channels = 8, kernel_size = 3 }'
    ),
    "many claims that fail": _nested_repeats(
        "300", 1, ", ".join(['{ op = "relu", shape = [1] }'] * 100)
    ),
    "concatenation without end": _nested_repeats(
        '"n"', 1, '{ op = "concat", from = ["prev", "prev"] }'
    ),
    "unused blocks": _nested_blocks(12, 10).replace(
        '{ block = "b0" }', '{ op = "softmax", dim = 9 }', 1
    ),
}  # fmt: skip


@pytest.mark.parametrize("spec", SPECS.values(), ids=SPECS)
def test_ends_soon(spec: str, tmp_path: Path) -> None:
    path = tmp_path / "main.toml"
    path.write_text(spec)
    sink = Sink()
    started = time.process_time()
    analysis = analyse(path, Loader(sink), sink)
    assert time.process_time() - started < SECONDS
    assert analysis is None
    assert 1 <= sum(d.severity == "error" for d in sink) <= 3


def test_a_file_on_many_ways_is_read_once(tmp_path: Path) -> None:
    for n in range(25):
        (tmp_path / f"f{n}.toml").write_text(
            f'archc = 1\nextends = "f{n + 1}.toml"\nuse = ["f{n + 1}.toml"]'
        )
    (tmp_path / "f25.toml").write_text("archc = 1")
    sink = Sink()
    started = time.process_time()
    analyse(tmp_path / "f0.toml", Loader(sink), sink)
    assert time.process_time() - started < SECONDS
    assert {d.code for d in sink} == {"missing-key"}


@pytest.mark.skipif(sys.platform != "linux", reason="limits memory as Linux does")
def test_memory_is_bounded(tmp_path: Path) -> None:
    """A million layers, asked for by an expression, in 1.5 GB of address space."""
    path = tmp_path / "main.toml"
    path.write_text(
        _nested_repeats(
            '"n"', 2, '{ op = "conv2d", out_channels = 8, kernel_size = 1 }'
        )
    )
    program = (
        "import sys; from pathlib import Path; from archc.pipeline import analyse;"
        "from archc.spec.load import Loader; from archc.diagnostics.model import Sink;"
        "sink = Sink(); analyse(Path(sys.argv[1]), Loader(sink), sink);"
        "print([d.code for d in sink])"
    )

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_AS, (1_500_000_000, 1_500_000_000))

    result = subprocess.run(
        [sys.executable, "-c", program, str(path)],
        preexec_fn=limit,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert result.stdout.strip() == "['network-too-large']", result.stderr
