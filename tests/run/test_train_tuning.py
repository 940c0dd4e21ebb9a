"""Fine-tuning, longer trainings, changes of images, averages, early ends."""

from __future__ import annotations

import csv
import re
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image
from torch import Tensor, nn

import archc
from archc.run.loss import cross_entropy
from archc.run.train import augment
from archc.run.train.curve import Panel, ceiling, draw
from archc.run.train.errors import CannotTrain
from archc.run.train.optimizer import freeze, optimizer
from archc.run.train.record import Row, best
from tests.run.test_train_parts import settings
from tests.run.training import PLAIN, STATEFUL, learnt, refusal, result, train, weights

COMMON = ("--data", "digits", "--batch", 256, "--lr", 0.1)


@pytest.fixture
def spec(tmp_path: Path) -> Path:
    path = tmp_path / "stateful.toml"
    path.write_text(STATEFUL)
    return path


def test_fine_tuning(spec: Path, tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    assert train(spec, *COMMON, "--epochs", 2, "--output", first).exit_code == 0
    made = torch.load(first / "best.pt", weights_only=True)
    assert made["epoch"] == result(first)["best"]["epoch"]
    assert made["classes"] == [*"0123456789"]
    three = tmp_path / "three"
    for split in ("train", "val"):
        for number in range(3):
            (three / split / f"{number}").mkdir(parents=True)
            for i in range(4):
                save(three / split / f"{number}" / f"{i}.png", 60 * number + i)
    done = train(
        spec, "--data", f"folder:{three}", "--set", "num_classes=3", "--epochs", 1,
        "--weights", first / "best.pt", "--freeze", "conv", "--freeze", "bn",
        "--output", second, "--batch", 4,
    )  # fmt: skip
    assert done.exit_code == 0, done.output
    assert f"starting with the weights of {first / 'best.pt'}" in done.stdout
    assert "fc starts anew: the weights are of another number of classes" in done.stdout
    assert re.search(r"^aux\.\S+ starts anew", done.stdout, re.MULTILINE)
    assert "4 of 8 tensors are frozen" in done.stdout
    was, now = made["model"], weights(second)
    for name, tensor in was.items():
        # statistics too: a frozen normalisation goes on with those that it has
        assert torch.equal(now[name], tensor) == name.startswith(("conv", "bn")), name
    assert now["fc.weight"].shape[0] == 3


def save(path: Path, grey: int) -> None:
    Image.new("L", (14, 14), grey).save(path)


def test_without_a_number_of_classes_weights_are_those_given(
    spec: Path, tmp_path: Path
) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    assert train(spec, *COMMON, "--epochs", 1, "--output", first).exit_code == 0
    common = (*COMMON[:-1], 1e-30, "--epochs", 1, "--weights", first / "model.pt")
    done = train(spec, *common, "--output", second)
    assert done.exit_code == 0 and "anew" not in done.stdout
    for name, tensor in weights(first).items():
        if name.startswith(("conv", "fc", "aux")):
            assert torch.equal(weights(second)[name], tensor), name


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (
            ("--freeze", "convv"),
            "--freeze convv fits no parameter; the nearest is conv",
        ),
        (("--freeze", "*"), "--freeze leaves nothing to train"),
        (("--weights", "nothing.pt"), "cannot read nothing.pt"),
        (("--augment", "equalize"), "the images of digits are 8 x 8"),
        (("--augment", "mixup", "--batch", 1), "mixup mixes the images of a batch"),
    ],
)
def test_what_does_not_fit_is_told_in_a_line(
    spec: Path, tmp_path: Path, arguments: Any, words: str
) -> None:
    line = refusal(spec, *COMMON, "--output", tmp_path / "out", *arguments)
    assert words in line
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--nesterov",), "--nesterov needs a --momentum"),
        (("--nesterov", "--optimizer", "adam"), "--nesterov is for --optimizer sgd"),
        (("--no-bias-decay",), "--no-bias-decay needs a --weight-decay"),
        (("--optimizer", "adamw", "--momentum", 0.9), "--momentum is for"),
        (("--augment", "rotate=190"), "rotate is a number above 0, up to 180"),
        (("--augment", "flip=1"), "flip takes no number"),
        (("--augment", "rotate=much"), "'much' is no number, as in rotate=15"),
        (("--augment", "erase=nan"), "erase is a number above 0"),
    ],
)
def test_wrong_use(spec: Path, arguments: Any, words: str) -> None:
    done = train(spec, *COMMON, *arguments)
    assert done.exit_code == 2 and words in done.stderr


def test_sets_and_numbers() -> None:
    assert augment.parsed("alexnet") == ("crop", "flip", "color=0.1")
    assert augment.parsed("cifar, rotate=10,color") == (
        "crop", "flip", "rotate=10", "color=0.2",
    )  # fmt: skip
    assert augment.parsed("none") == augment.parsed("") == ()
    assert augment.parsed("mixup=0.4,flip") == ("flip", "mixup=0.4")


@pytest.mark.parametrize(
    "name", [n for n in augment.KINDS if n not in ("crop", "mixup")]
)
@pytest.mark.parametrize("channels", [1, 3])
def test_each_change_changes_and_keeps_size(name: str, channels: int) -> None:
    torch.manual_seed(1)
    image = torch.randint(100, (channels, 24, 24), dtype=torch.uint8)
    (step,) = augment.transforms(augment.parsed(name))
    made = [step(image) for _ in range(20)]
    assert all(m.shape == image.shape and m.dtype == torch.uint8 for m in made)
    assert any(not torch.equal(m, image) for m in made)


def test_mixup_is_the_loss_of_both_parts() -> None:
    torch.manual_seed(2)
    mix = augment.mixing(("mixup=1",), 3)
    assert mix is not None
    x, labels = torch.randn(4, 1, 2, 2), torch.tensor([0, 1, 2, 0])
    mixed, both = mix(x, labels)
    share = ((mixed - x.roll(1, 0)) / (x - x.roll(1, 0))).mean()
    torch.testing.assert_close(mixed, share * x + (1 - share) * x.roll(1, 0))
    logits = torch.randn(4, 3)
    wanted = share * cross_entropy(logits, labels)
    wanted += (1 - share) * cross_entropy(logits, labels.roll(1))
    torch.testing.assert_close(cross_entropy(logits, both), wanted)


def test_more_epochs(spec: Path, tmp_path: Path) -> None:
    short, whole = tmp_path / "short", tmp_path / "whole"
    assert train(spec, *COMMON, "--epochs", 1, "--output", short).exit_code == 0
    assert train(spec, *COMMON, "--epochs", 2, "--output", whole).exit_code == 0
    done = train(spec, *COMMON, "--epochs", 2, "--output", short, "--resume")
    assert "for 2 epochs instead of 1" in done.stdout, done.output
    assert learnt(short) == learnt(whole)
    for name, tensor in weights(whole).items():
        assert torch.equal(weights(short)[name], tensor), name
    line = refusal(spec, *COMMON, "--epochs", 1, "--output", short, "--resume")
    assert "epochs was 2 and is 1" in line


def test_an_average_resumes(spec: Path, tmp_path: Path) -> None:
    common = (*COMMON, "--ema", 0.9, "--optimizer", "adamw", "--weight-decay", 0.01,
              "--no-bias-decay", "--augment", "mixup=0.3,rotate=10")  # fmt: skip
    common = (*common[:4], "--lr", 0.003, *common[6:])
    short, whole = tmp_path / "short", tmp_path / "whole"
    assert train(spec, *common, "--epochs", 1, "--output", short).exit_code == 0
    assert train(spec, *common, "--epochs", 2, "--output", whole).exit_code == 0
    done = train(spec, *common, "--epochs", 2, "--output", short, "--resume")
    assert done.exit_code == 0, done.output
    assert learnt(short) == learnt(whole)
    for name, tensor in weights(whole).items():
        assert torch.equal(weights(short)[name], tensor), name
    # what is kept is the average, and not the weights that the optimizer moves
    state = torch.load(whole / "checkpoint.pt", weights_only=True)
    assert not torch.equal(state["model"]["fc.weight"], weights(whole)["fc.weight"])
    assert torch.equal(state["average"]["fc.weight"], weights(whole)["fc.weight"])
    read = archc.load(spec).module(weights=whole / "checkpoint.pt").state_dict()
    assert torch.equal(read["fc.weight"], weights(whole)["fc.weight"])


def test_an_average_is_that_of_the_steps(spec: Path) -> None:
    from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

    torch.manual_seed(0)
    model = nn.Linear(3, 2)
    mean: Any = get_ema_multi_avg_fn(0.8)
    averaged = AveragedModel(model, multi_avg_fn=mean, use_buffers=True)
    wanted: Tensor | None = None
    for _ in range(4):
        with torch.no_grad():
            model.weight.add_(torch.randn(2, 3))
        averaged.update_parameters(model)
        own = model.weight.detach().clone()
        wanted = own if wanted is None else 0.8 * wanted + 0.2 * own
    assert wanted is not None
    torch.testing.assert_close(averaged.module.weight.detach(), wanted)


def test_early_end(tmp_path: Path) -> None:
    spec, out = tmp_path / "plain.toml", tmp_path / "out"
    spec.write_text(PLAIN)
    common = ("--data", "digits", "--lr", 1e-12, "--epochs", 9, "--patience", 2)
    done = train(spec, *common, "--output", out)
    assert "no better test accuracy in 2 epochs: the best" in done.stdout
    # no step changes anything: the first epoch stays the best, or one within rounding
    epochs, first = len(result(out)["epochs"]), result(out)["best"]["epoch"]
    assert epochs == first + 2 < 9
    again = train(spec, *common, "--output", out, "--resume")
    assert again.exit_code == 0 and len(result(out)["epochs"]) == epochs
    done = train(spec, *common, "--patience", 1, "--output", tmp_path / "one")
    assert "no better test accuracy in an epoch: the best" in done.stdout


@pytest.mark.parametrize("name", ["best.pt", "model.pt", "result.json"])
def test_what_a_training_left_is_left_alone(
    spec: Path, tmp_path: Path, name: str
) -> None:
    kept = tmp_path / name
    kept.write_bytes(b"weeks of work")
    line = refusal(spec, *COMMON, "--epochs", 1, "--output", tmp_path)
    assert "holds a training" in line
    assert kept.read_bytes() == b"weeks of work"


def test_top5_is_counted(tmp_path: Path) -> None:
    spec, out = tmp_path / "plain.toml", tmp_path / "out"
    spec.write_text(PLAIN)
    assert train(spec, *COMMON, "--epochs", 1, "--output", out).exit_code == 0
    with (out / "log.csv").open() as file:
        (row,) = csv.DictReader(file)
    assert float(row["test_accuracy"]) < float(row["test_top5"]) <= 1


def test_groups_of_the_optimizer() -> None:
    model = nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.Linear(4, 2))
    chosen = settings(optimizer="adamw", weight_decay=0.1, no_bias_decay=True)
    made = optimizer(model.parameters(), chosen)
    decays = {
        tuple(p.shape): group["weight_decay"]
        for group in made.param_groups
        for p in group["params"]
    }
    assert decays == {(4, 1, 3, 3): 0.1, (2, 4): 0.1, (4,): 0.0, (2,): 0.0}
    nesterov = optimizer(model.parameters(), settings(momentum=0.9, nesterov=True))
    assert nesterov.param_groups[0]["nesterov"]


def test_freezing_by_name() -> None:
    model = nn.ModuleDict({"a": nn.Linear(2, 2), "b": nn.Sequential(nn.Linear(2, 2))})
    still = freeze(model, ["b.0", "*.bias"])
    named = dict(model.named_parameters())
    moved = [name for name, p in named.items() if p.requires_grad]
    assert moved == ["a.weight"] and model["b"] in still and model["a"] not in still
    with pytest.raises(CannotTrain, match="nothing to train"):
        freeze(model, ["a"])


def row(epoch: int, loss: float, accuracy: float) -> Row:
    return Row(
        epoch=epoch, lr=0.1, train_loss=loss, train_accuracy=accuracy, test_loss=loss,
        test_accuracy=accuracy, test_top5=1.0, images_per_second=1, seconds=1,
    )  # fmt: skip


def test_the_best_epoch() -> None:
    rows = [row(1, 2, 0.5), row(2, 1, 0.7), row(3, 0.9, 0.7), row(4, 0.9, 0.7)]
    assert best(rows) is rows[2]


def test_one_high_loss_leaves_the_curve_readable() -> None:
    assert ceiling([2.0, 1.0, 0.9, 1e5]) == 2.0
    assert ceiling([2.3, 1.0, 0.5, 0.2]) == 2.3 or ceiling([2.3, 1.0, 0.5, 0.2]) == 1.0
    assert ceiling([0.0, 0.0]) == 0.0 and ceiling([3.0]) == 3.0
    rows = [row(1, 2e4, 0.1), row(2, 1.4, 0.5), row(3, 1.1, 0.6), row(4, 0.9, 0.7)]
    drawn = draw("net", rows)
    assert "loss, up to 2e+04" in drawn
    lines = re.findall(r'points="([^"]+)"', drawn)
    heights = [float(point.split(",")[1]) for point in lines[0].split()]
    assert heights[0] == 48 and heights[-1] - heights[1] > 40
    assert Panel("x", {}).lines == {}


def test_a_large_loss_has_diverged(tmp_path: Path) -> None:
    spec = tmp_path / "plain.toml"
    spec.write_text(PLAIN)
    done = train(spec, *COMMON[:-1], 1e9, "--output", tmp_path / "out")
    assert done.exit_code == 1 and "in step" in done.stderr
    assert re.search(r"the loss is \S+e\+\d+ in step", done.stderr), done.stderr


def test_unreadable_images_are_found_first(tmp_path: Path) -> None:
    spec, photos = tmp_path / "stateful.toml", tmp_path / "photos"
    spec.write_text(STATEFUL)
    for name in ("a", "b"):
        (photos / name).mkdir(parents=True)
        for i in range(5):
            save(photos / name / f"{i}.jpg", 20 * i)
    noise = torch.randint(256, (64, 64), dtype=torch.uint8).numpy()
    for broken in (photos / "b" / "3.jpg", photos / "a" / "4.jpg"):
        Image.fromarray(noise).save(broken)
        whole = broken.read_bytes()
        broken.write_bytes(whole[: len(whole) // 2])
    arguments = ("--data", f"folder:{photos}", "--set", "num_classes=2")
    line = refusal(spec, *arguments, "--output", tmp_path / "out")
    assert "4.jpg" in line and "truncated" in line and "1 more cannot" in line
