"""`archc speed`: one layer by hand, and what holds of every network."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from archc.diagnostics.model import Sink
from archc.measure.speed.device import (
    Device,
    NoDevice,
    as_toml,
    kept,
    kept_at,
    known,
)
from archc.measure.speed.roofline import predict
from archc.measure.speed.table import duration
from archc.network.graph import Network
from archc.pipeline import analyse
from archc.spec.load import Loader
from tests.command import invoke

SPECS = Path(__file__).parents[2] / "specs"
NET = """\
archc = 1
name = "one"
[network]
input = [16, 32, 32]
layers = [
  { name = "conv", op = "conv2d", out_channels = 64, kernel_size = 3, padding = 1, bias = false },
  { op = "relu" },
  { name = "conv2", op = "conv2d", out_channels = 8, kernel_size = 1, bias = false },
]
"""  # noqa: E501


def _network(path: Path) -> Network:
    sink = Sink()
    found = analyse(path, Loader(sink), sink)
    assert found is not None
    return found.network


@pytest.fixture
def one(tmp_path: Path) -> Path:
    path = tmp_path / "one.toml"
    path.write_text(NET, "utf-8")
    return path


def test_a_roofline_by_hand(one: Path) -> None:
    peak, bandwidth = 1e12, 1e11
    device = Device("d", "s", 0, bandwidth, {"fp32": peak})
    speed = predict(_network(one), device, batch=2, precision="fp32")
    conv, relu, conv2 = speed.layers
    places = 32 * 32
    operations = 2 * 2 * places * 64 * 16 * 9
    read = 4 * (2 * 16 * places + 64 * 16 * 9)
    written = 4 * 2 * 64 * places
    assert (conv.operations, conv.read, conv.written) == (operations, read, written)
    assert conv.intensity == operations / (read + written)
    assert conv.forward == max(operations / peak, (read + written) / bandwidth)
    # nothing before it is trained: it hands no gradient back
    assert conv.backward == max(operations / peak, (written + 2 * read) / bandwidth)
    assert conv.bound == "arithmetic" and relu.bound == "memory"
    assert relu.forward == 2 * written / bandwidth
    less = 2 * 2 * places * 8 * 64
    read2, written2 = written + 4 * 8 * 64, 4 * 2 * 8 * places
    back = (written2 + 2 * read2) / bandwidth
    assert conv2.backward == max(2 * less / peak, back)
    assert speed.forward == conv.forward + relu.forward + conv2.forward
    # one call computes both of the first two
    assert speed.forward_fused == conv.forward + conv2.forward
    weights = 64 * 16 * 9 + 8 * 64
    layers = sum(x.forward + x.backward for x in speed.layers)
    assert speed.step == pytest.approx(layers + 3 * 4 * weights / bandwidth)
    assert speed.epoch(5) == 3 * speed.step


def test_what_was_measured_comes_before_the_peak(one: Path) -> None:
    rates = {"dense": 2e10, "activation": 1e9}
    device = Device("d", "s", 0, 1e11, {"fp32": 1e12}, rates, rates, 1e-6, 2e-6)
    conv, relu, conv2 = predict(_network(one), device, batch=1, precision="fp32").layers
    assert conv.forward == pytest.approx(conv.operations / 2e10 + 1e-6)
    assert relu.forward == pytest.approx((relu.read + relu.written) / 1e9 + 1e-6)
    assert relu.backward == pytest.approx((relu.written + 2 * relu.read) / 1e9 + 2e-6)
    assert conv2.forward < conv.forward  # of a kind that was not measured


@pytest.mark.parametrize(
    "name",
    ["resnet50", "googlenet", "densenet121", "torchvision/convnext_tiny", "unet",
     "timm/mixer_b16_224", "wavenet", "c3d", "siamese_net", "lenet5"],
)  # fmt: skip
def test_what_holds_of_every_network(name: str) -> None:
    network = _network(SPECS / f"{name}.toml")
    for device in (known()["a100"], known()["t4"]):
        slow = predict(network, device, batch=8, precision="fp32")
        half = predict(network, device, batch=8, precision="fp16")
        large = predict(network, device, batch=16, precision="fp32")
        assert 0 < slow.forward_fused <= slow.forward < slow.step
        assert half.step < slow.step < large.step < 2 * slow.step
        assert sum(x.forward for x in slow.layers) >= slow.forward * 0.999


def test_devices_have_sources() -> None:
    assert len(known()) >= 6
    for device in known().values():
        assert "NVIDIA" in device.source and device.memory > 1e9
        assert 1e11 < device.bandwidth < 1e13
        assert all(1e12 < peak < 1e16 for peak in device.peak.values())


def test_the_command(one: Path) -> None:
    def run(*args: str) -> Any:
        return invoke("speed", str(one), *args)

    text = run("--device", "a100", "--images", "1000").stdout
    assert "epoch of 1,000 images" in text and "the most that data sheets allow" in text
    data = json.loads(run("--device", "A100", "--format", "json").stdout)
    assert data["device"] == "a100" and len(data["layers"]) == 3
    assert data["layers"][0]["bound"] in ("arithmetic", "memory")
    assert data["epoch"] is None and data["images_per_second"] > 0
    wrong = run("--device", "a10")
    assert wrong.exit_code == 2 and "did you mean" in wrong.stderr
    wrong = run("--device", "t4", "--precision", "bf16")
    assert wrong.exit_code == 2 and "no peak in bf16" in wrong.stderr


def test_a_calibration_is_kept(
    one: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    assert kept() is None
    rates = {"few channels": 1.5e10, "linear": 3e9}
    device = Device("this", 'a "chip"\x1b', 0, 1e10, {"fp32": 5e10}, rates, rates, 1e-6)
    kept_at().parent.mkdir(parents=True)
    kept_at().write_text(as_toml(device), "utf-8")
    assert kept() == device
    result = invoke("speed", str(one), "--device", "this")
    assert result.exit_code == 0 and "\x1b" not in result.stdout
    assert "measured" in result.stdout
    with pytest.raises(NoDevice, match="no peak in bf16"):
        predict(_network(one), device, batch=1, precision="bf16")
    kept_at().write_text("format = 1\nname = 3", "utf-8")
    assert kept() is None


def test_calibrating_measures_every_kind(monkeypatch: pytest.MonkeyPatch) -> None:
    calibration = pytest.importorskip("archc.run.calibration")
    monkeypatch.setattr(calibration, "_ROUNDS", 1)
    monkeypatch.setattr(calibration, "_LEAST", 0.0)
    told: list[tuple[int, int]] = []

    def tell(done: int, of: int) -> None:
        told.append((done, of))

    device = calibration.calibrate(tell)
    assert told[-1] == (len(told), len(told))
    numbers = [*device.rates.values(), *device.backward.values(), device.bandwidth]
    assert all(1e6 < number < 1e15 for number in numbers)
    assert 0 < device.call < 0.1 and 0 < device.call_back < 0.1
    network = _network(SPECS / "resnet18.toml")
    kinds = {
        "dense", "few channels", "pointwise", "grouped", "depthwise", "linear",
        "normalization", "activation", "pooling", "dropout", "merge", "reshape",
    }  # fmt: skip
    assert device.rates.keys() == device.backward.keys() == kinds
    assert predict(network, device, batch=1, precision="fp32").step > 0


def test_durations() -> None:
    shown = [duration(x) for x in (0, 2e-9, 3.456e-5, 0.02, 1.5, 75, 3 * 3600 + 300)]
    assert shown == [
        "0 ns", "2 ns", "34.6 µs", "20 ms", "1.5 s", "1 min 15 s", "3 h 05 min",
    ]  # fmt: skip


def test_nothing_of_this_imports_torch(one: Path) -> None:
    """Sweep, solve, counting and speed, one after the other in one process."""
    spec = str(SPECS / "lenet5.toml")
    vary = ["--vary", "num_classes=[10, 11]"]
    code = f"""
import sys
from click.testing import CliRunner
from archc.cli import main
for args in (
    ["sweep", {spec!r}, *{vary!r}],
    ["solve", {spec!r}, *{vary!r}, "--maximize", "memory(8)"],
    ["summary", {spec!r}, "--as", "thop"],
    ["speed", {spec!r}, "--device", "l4"],
):
    result = CliRunner().invoke(main, args)
    assert result.exit_code == 0, result.output
assert "torch" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", code], check=True, timeout=120)
