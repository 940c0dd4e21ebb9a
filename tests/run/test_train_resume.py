"""A training that was killed and resumed ends like one that never was."""

from __future__ import annotations

import random
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from archc.run.train.trainer import Trainer
from tests.run.training import STATEFUL, learnt, started, train, weights

# in an epoch of 1438 images, 8 at a time
STEPS = 180


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with the spec, and a training that nothing disturbed."""
    directory = tmp_path_factory.mktemp("resume")
    (directory / "stateful.toml").write_text(STATEFUL)
    ended = train(*command(directory, "whole", workers=0))
    assert ended.exit_code == 0, ended.output
    return directory


def command(work: Path, output: str, *, workers: int) -> list[object]:
    """Augmentation, dropout, momentum, a schedule: whatever has a state or depends on
    the step.
    """
    options = (
        "--data digits --epochs 2 --batch 8 --lr 0.05 --momentum 0.9 --schedule cosine"
        " --augment crop,flip --save-every 7"
    )
    where = ["--output", work / output, "--workers", workers]
    return [work / "stateful.toml", *options.split(), *where]


def disturb(work: Path, output: str, signal_number: int, *, workers: int) -> str:
    """Starts a training, sends it a signal at a random step; what it said."""
    log = work / f"{output}.log"
    process = started(log, *command(work, output, workers=workers))
    checkpoint = work / output / "checkpoint.pt"
    target = random.randrange(STEPS * 2 - 60)
    until(lambda: done(checkpoint) >= target or process.poll() is not None)
    time.sleep(random.uniform(0, 0.02))
    process.send_signal(signal_number)
    process.wait(60)
    said = log.read_text()
    expected = 130 if signal_number == signal.SIGINT else -signal_number
    assert process.returncode == expected, said
    return said


def done(checkpoint: Path) -> int:
    """Steps that a checkpoint has behind it; -1 if there is none."""
    if not checkpoint.exists():
        return -1
    state = torch.load(checkpoint, weights_only=True)
    return state["epoch"] * STEPS + state["step"]


def until(ready: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not ready():
        assert time.monotonic() < deadline
        time.sleep(0.005)


@pytest.mark.parametrize(
    ("number", "workers"),
    [(signal.SIGKILL, 0), (signal.SIGKILL, 2), (signal.SIGINT, 2)],
)
def test_the_weights_are_the_same(
    work: Path, number: signal.Signals, workers: int
) -> None:
    output = f"{number.name}-{workers}"
    said = disturb(work, output, number, workers=workers)
    if number == signal.SIGINT:
        assert "the same command with --resume goes on" in said
        assert "Traceback" not in said
    state = torch.load(work / output / "checkpoint.pt", weights_only=True)
    place = f"epoch {state['epoch']}, step {state['step']}"
    ended = train(*command(work, output, workers=workers), "--resume")
    assert ended.exit_code == 0, ended.output
    assert place in ended.stdout
    expected, found = weights(work / "whole"), weights(work / output)
    assert found.keys() == expected.keys()
    for name, value in expected.items():
        assert torch.equal(value, found[name]), f"{name}, resumed after {place}"
    assert learnt(work / output) == learnt(work / "whole")


def test_killed_before_the_first_checkpoint(work: Path) -> None:
    ended = train(*command(work, "new", workers=0), "--resume")
    assert ended.exit_code == 0
    assert "from the beginning" in ended.stdout
    assert learnt(work / "new") == learnt(work / "whole")


def test_killed_while_it_tests(work: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The checkpoint is at the end of an epoch that is not over."""
    common = (*command(work, "late", workers=0), "--save-every", STEPS)

    def killed(*arguments: object) -> None:
        raise SystemExit(9)

    with monkeypatch.context() as patch:
        patch.setattr(Trainer, "evaluate", killed)
        assert train(*common).exit_code == 9
    assert done(work / "late/checkpoint.pt") == STEPS
    assert train(*common, "--resume").exit_code == 0
    assert learnt(work / "late") == learnt(work / "whole")
