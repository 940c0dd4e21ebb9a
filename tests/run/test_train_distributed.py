"""Two processes on the CPU learn what one learns from their batches together."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.multiprocessing as mp
from torch import Tensor, nn

from archc.run.train.batches import Batches, steps_per_epoch
from archc.run.train.data import Wanted, load
from archc.run.train.trainer import Trainer
from archc.run.train.world import World, joined
from tests.run.test_train_parts import settings
from tests.run.training import PLAIN, ROOT, learnt, refusal, result, train, weights

# float32 sums in another order
TOLERANCE = {"rtol": 1e-5, "atol": 1e-7}


def network() -> nn.Module:
    torch.manual_seed(3)
    return nn.Sequential(
        nn.Conv2d(1, 8, 3), nn.ReLU(), nn.Flatten(), nn.Linear(288, 10)
    )


def gradients(world: World) -> list[Tensor]:
    """Those of the first step, with a batch of 64 over all processes."""
    chosen = settings(batch=64, processes=world.size)
    data = load(Wanted("digits", None, download=False), (1, 8, 8), 10)
    trainer = Trainer(network(), data, (1, 8, 8), chosen, world)
    batches = Batches(data, (1, 8, 8), chosen, world, 0).training(0, 0)
    trainer.gradients(*next(iter(batches)))
    return [p.grad for p in trainer.model.parameters() if p.grad is not None]


def _process(rank: int, port: int, path: str) -> None:
    torch.set_num_threads(1)
    os.environ |= {"RANK": str(rank), "WORLD_SIZE": "2", "LOCAL_RANK": str(rank)}
    os.environ |= {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}
    with joined("cpu") as world:
        torch.save(gradients(world), f"{path}{rank}")


def test_gradients_are_those_of_one_process(tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    mp.start_processes(_process, (port, f"{tmp_path}/"), nprocs=2, start_method="spawn")
    expected = gradients(World(torch.device("cpu")))
    assert len(expected) == 4
    for rank in range(2):
        found = torch.load(tmp_path / str(rank))
        torch.testing.assert_close(found, expected, **TOLERANCE)


def test_batches_together_are_the_batch_of_one() -> None:
    data = load(Wanted("digits", None, download=False), (1, 8, 8), 10)
    one = settings(batch=64)
    two = replace(one, processes=2)
    alone = World(torch.device("cpu"))
    whole = list(Batches(data, (1, 8, 8), one, alone, 0).training(1, 5))
    parts = [
        list(
            Batches(data, (1, 8, 8), two, replace(alone, rank=r, size=2), 0).training(
                1, 5
            )
        )
        for r in range(2)
    ]
    assert len(whole) == len(parts[0]) == len(parts[1]) == 23 - 5
    for (pixels, _), (first, _), (second, _) in zip(whole, *parts, strict=True):
        assert torch.equal(pixels[0::2], first) and torch.equal(pixels[1::2], second)


def test_a_share_that_leaves_one_image() -> None:
    """Each of two processes has 719 of the 1438 digits, and 359 batches of two."""
    data = load(Wanted("digits", None, download=False), (1, 8, 8), 10)
    two = settings(batch=4, processes=2, smallest_batch=2, smallest_test_batch=2)
    worlds = [World(torch.device("cpu"), rank, 2) for rank in range(2)]
    for world in worlds:
        batches = Batches(data, (1, 8, 8), two, world, 0)
        sizes = [len(labels) for _, labels in batches.training(0, 0)]
        assert sizes == [2] * 358 + [3]
        assert steps_per_epoch(two) == len(sizes)
        # 359 to test on: 180 and 179
        sizes = [len(labels) for _, labels in batches.testing()]
        assert sizes == ([2] * 90 if world.leads else [2] * 88 + [3])
    one = replace(two, smallest_batch=1)
    last = [*Batches(data, (1, 8, 8), one, worlds[0], 0).training(0, 0)][-1]
    assert len(last[1]) == 1


def test_torchrun(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("plain.toml").write_text(PLAIN)
    common = ["plain.toml", *["--data", "digits", "--epochs", "1", "--batch", "64"]]
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2"]
    done = subprocess.run(
        [
            *torchrun,
            "--standalone",
            "-m",
            "archc.run.train",
            *common,
            "--output",
            "two",
        ],
        env=os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert train(*common, "--output", "one").exit_code == 0
    # the first process talks, and it alone
    assert done.stdout.count("epoch 1/1") == 1 and "2 processes" in done.stdout
    assert result(Path("two"))["settings"]["processes"] == 2
    for name, value in weights(Path("one")).items():
        torch.testing.assert_close(
            weights(Path("two"))[name], value, rtol=1e-3, atol=1e-5, msg=name
        )
    torch.testing.assert_close(
        learnt(Path("two")), learnt(Path("one")), rtol=1e-3, atol=0
    )
    line = refusal(*common, "--output", "two", "--resume")
    assert "processes was 2 and is 1" in line


def test_processes_wait_while_the_first_reads_the_data(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Longer than the ten minutes of NCCL."""
    given: dict[str, Any] = {}
    monkeypatch.setattr(
        "torch.distributed.init_process_group", lambda *a, **k: given.update(k)
    )
    monkeypatch.setattr("torch.distributed.destroy_process_group", lambda: None)
    monkeypatch.setenv("RANK", "0")
    monkeypatch.setenv("WORLD_SIZE", "2")
    with joined("cpu"):
        pass
    assert given["timeout"] > timedelta(hours=1)
