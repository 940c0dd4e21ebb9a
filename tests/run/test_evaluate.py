"""`archc evaluate` and `archc predict`: numbers held to ones that are made by hand."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
import torch
from click.testing import Result
from PIL import Image
from torch import Tensor
from torchvision.transforms.v2 import functional

import archc
from archc.draw.metrics import width
from archc.run.evaluate.crops import cuts
from archc.run.evaluate.metrics import metrics
from archc.run.evaluate.picture import draw
from archc.run.train.errors import CannotTrain
from archc.run.train.preprocessing import Preprocessing
from tests.command import invoke
from tests.run.training import PLAIN, train


@pytest.fixture(scope="module")
def trained(tmp_path_factory: Any) -> Path:
    """A network that was trained a little on the digits."""
    folder = tmp_path_factory.mktemp("trained")
    (folder / "plain.toml").write_text(PLAIN)
    spec, out = folder / "plain.toml", folder / "out"
    done = train(spec, "--data", "digits", "--epochs", 3, "--output", out)
    assert done.exit_code == 0, done.output
    return folder


def run(*arguments: object, exit_code: int = 0) -> Result:
    done = invoke(*arguments)
    assert done.exit_code == exit_code, done.output
    return done


def evaluated(folder: Path, *more: object, weights: str = "model.pt") -> Any:
    common = ("--data", "digits", "--format", "json")
    path = folder / "out" / weights
    done = run("evaluate", folder / "plain.toml", "--weights", path, *common, *more)
    return json.loads(done.stdout)


def test_numbers_are_those_of_the_training(trained: Path) -> None:
    result = json.loads((trained / "out/result.json").read_text())
    for weights in ("model.pt", "checkpoint.pt"):
        found = evaluated(trained, weights=weights)
        assert found["top1"] == pytest.approx(result["test_accuracy"], abs=1e-6)
        assert found["loss"] == pytest.approx(result["test_loss"], rel=1e-4)
        assert found["preprocessing"] == result["preprocessing"]
    confusion = torch.tensor(found["confusion"])
    assert int(confusion.sum()) == found["images"] == 359
    assert int(confusion.diagonal().sum()) == round(found["top1"] * 359)
    assert [c["name"] for c in found["classes"]] == result["classes"]


def test_metrics_are_those_of_scikit_learn() -> None:
    from sklearn import metrics as known

    generator = torch.Generator().manual_seed(5)
    chances = torch.randn(400, 7, generator=generator).double().softmax(1)
    labels = torch.randint(7, (400,), generator=generator)
    found = metrics(chances, labels, [*"abcdefg"])
    taken = chances.argmax(1)
    assert found.top1 == pytest.approx(known.accuracy_score(labels, taken))
    assert found.top5 == pytest.approx(known.top_k_accuracy_score(labels, chances, k=5))
    assert found.loss == pytest.approx(known.log_loss(labels, chances), rel=1e-5)
    assert (known.confusion_matrix(labels, taken) == found.confusion).all()
    recalls = known.recall_score(labels, taken, average=None)
    assert [c.recall for c in found.classes] == pytest.approx(list(recalls))
    precisions = known.precision_score(labels, taken, average=None)
    assert [c.precision for c in found.classes] == pytest.approx(list(precisions))


def test_calibration_counts_by_bins() -> None:
    # two bins: 0.6 with accuracy 1, 0.9 with accuracy 0
    chances = torch.tensor([[0.6, 0.4], [0.4, 0.6], [0.9, 0.1], [0.1, 0.9]])
    found = metrics(chances, torch.tensor([0, 1, 1, 0]), ["a", "b"])
    assert found.calibration_error == pytest.approx((0.4 + 0.9) / 2)
    assert [b.images for b in found.calibration] == [2, 2]
    assert found.top5 is None


def by_hand(image: Image.Image) -> list[Tensor]:
    """Ten crops of 8 x 8, as the paper says it, without a function for that."""
    side = round(8 * 8 / 7)
    width, height = image.size
    scale = side / min(width, height)
    # torchvision makes the longer side a whole number by cutting off
    longer = int(side * max(width, height) / min(width, height))
    size = [side, longer] if height < width else [longer, side]
    assert scale < 1
    pixels = functional.resize(functional.pil_to_tensor(image), size)
    top, left = (pixels.shape[1] - side) / 2, (pixels.shape[2] - side) / 2
    pixels = pixels[:, round(top) :, round(left) :][:, :side, :side]
    last, half = side - 8, round((side - 8) / 2)
    corners = [(0, 0), (0, last), (last, 0), (last, last), (half, half)]
    crops = [pixels[:, y : y + 8, x : x + 8] for y, x in corners]
    return crops + [crop.flip(2) for crop in crops]


def test_ten_crops_are_ten_passes(trained: Path, tmp_path: Path) -> None:
    torch.manual_seed(11)
    noise = torch.randint(256, (1, 30, 41), dtype=torch.uint8)
    image = functional.to_pil_image(noise)
    image.save(tmp_path / "noise.png")
    weights = trained / "out/checkpoint.pt"
    model = archc.load(trained / "plain.toml").module(weights=weights).eval()
    passes = [model(crop.unsqueeze(0) / 255).softmax(1)[0] for crop in by_hand(image)]
    wanted = torch.stack(passes).mean(0)
    common = ("--weights", weights, tmp_path / "noise.png", "--format", "json")
    done = run("predict", trained / "plain.toml", *common, "--crops", 10, "--top", 99)
    (found,) = json.loads(done.stdout)
    assert len(found["top"]) == 10
    for guess in found["top"]:
        # one network in one precision, in batches of ten and of one
        close = pytest.approx(wanted[guess["number"]].item(), abs=1e-6)
        assert guess["probability"] == close
    ranks = [guess["probability"] for guess in found["top"]]
    assert ranks == sorted(ranks, reverse=True)


def test_crops_of_an_image_stand_together() -> None:
    steps = Preprocessing(
        mode="L", shorter_side=None, center_crop=None, grey=False, size=(8, 8),
        mean=None, std=None, channels=1,
    )  # fmt: skip
    generator = torch.Generator().manual_seed(2)
    pixels = torch.randint(256, (3, 1, 8, 8), generator=generator).byte()
    one, whole = cuts(steps, 5)
    x = whole(torch.stack([one(image) for image in pixels]))
    assert x.shape == (15, 1, 8, 8)
    for i in range(3):
        alone = whole(one(pixels[i]).unsqueeze(0))
        assert torch.equal(x[5 * i : 5 * i + 5], alone)


def test_evaluation_with_crops_and_reports(trained: Path, tmp_path: Path) -> None:
    one, ten = evaluated(trained), evaluated(trained, "--crops", 10)
    assert ten["crops"] == 10 and ten["loss"] != one["loss"]
    weights = ("--weights", trained / "out/model.pt", "--data", "digits")
    picture = tmp_path / "c.svg"
    common = ("evaluate", trained / "plain.toml", *weights)
    said = run(*common, "--picture", picture).stdout
    assert f"{100 * one['top1']:.2f} %" in said and "taken for" in said
    ElementTree.parse(picture)
    page = run(*common, "--format", "markdown").stdout
    assert f"| top-1 | {100 * one['top1']:.2f} % |" in page
    done = run(*common, "--picture", tmp_path / "c.png", exit_code=2)
    assert "--picture writes SVG" in done.stderr


def test_what_does_not_fit_is_told_in_a_line(trained: Path, tmp_path: Path) -> None:
    spec, weights = trained / "plain.toml", trained / "out/model.pt"
    used = ("evaluate", spec, "--weights", weights, "--data")
    for words, arguments in {
        "data must be a directory": (*used, "folder:data"),
        "does not fit d2l/lenet": ("evaluate", "d2l/lenet", *used[2:], "digits"),
        "cannot read nothing.png": (
            *("predict", spec, "--weights", weights, "nothing.png"),
        ),
        f"cannot read {spec}: it is no image": (
            *("predict", spec, "--weights", weights, spec),
        ),
        "archc predict is for classifiers": (
            *("predict", "unet", "--weights", weights, spec),
        ),
    }.items():
        done = run(*arguments, exit_code=2)
        last = done.stderr.splitlines()[-1]
        assert words in last or "does not fit unet" in last, done.stderr
    assert (
        "needs --weights"
        in run("evaluate", spec, "--data", "digits", exit_code=2).stderr
    )


def test_names_come_from_the_weights(trained: Path, tmp_path: Path) -> None:
    state = torch.load(trained / "out/checkpoint.pt", weights_only=True)
    state["classes"] = [f"the\x1b {i}" for i in range(10)]
    path = tmp_path / "named.pt"
    torch.save(state, path)
    Image.new("RGB", (20, 30), "white").save(tmp_path / "white.jpg")
    common = ("predict", trained / "plain.toml", tmp_path / "white.jpg", "--weights")
    done = run(*common, path)
    assert r"the\x1b " in done.stdout and not done.stderr
    bare = tmp_path / "bare.pt"
    torch.save(state["model"], bare)
    assert "do not say how images are prepared" in run(*common, bare).stderr
    state["preprocessing"]["size"] = [9, 9]
    torch.save(state, path)
    assert "images of 1 x 9 x 9" in run(*common, path, exit_code=2).stderr
    state["preprocessing"] = {"mode": 3}
    torch.save(state, path)
    assert "odd preprocessing" in run(*common, path, exit_code=2).stderr


@pytest.mark.parametrize(
    "odd",
    [
        {"mode": "CMYK"},
        {"mode": "RGB"},
        {"scale": 1.0},
        {"shorter_side": -5},
        {"shorter_side": 10**6},
        {"shorter_side": "8"},
        {"center_crop": [8, 10**6]},
        {"interpolation": "mine"},
        {"mean": [0.0] * 3, "std": [1.0] * 3},
        {"mean": [0.0], "std": [0.0]},
        {"mean": [float("nan")], "std": [1.0]},
    ],
)
def test_preprocessing_that_makes_no_input_is_refused(
    trained: Path, odd: dict[str, Any]
) -> None:
    known = torch.load(trained / "out/best.pt", weights_only=True)["preprocessing"]
    shape = (known["channels"], *known["size"])
    assert Preprocessing.of(known, shape).as_dict() == known
    with pytest.raises(CannotTrain, match="odd preprocessing") as caught:
        Preprocessing.of(known | odd, shape)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("count", [5, 11])
def test_weights_may_know_other_classes_than_the_data(
    trained: Path, tmp_path: Path, count: int
) -> None:
    state = torch.load(trained / "out/best.pt", weights_only=True)
    state["classes"] = [str(i) for i in range(count)]
    path = tmp_path / "named.pt"
    torch.save(state, path)
    common = (trained / "plain.toml", "--weights", path)
    done = run("evaluate", *common, "--data", "digits")
    assert f"the weights know {count} classes, and the data 10" in done.stderr
    assert "top-1" in done.stdout


def test_memory_that_runs_out_is_not_the_modules_fault(
    trained: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*arguments: object) -> Tensor:
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB")

    monkeypatch.setattr(torch.nn.Conv2d, "forward", full)
    picture = trained / "grey.png"
    Image.new("L", (8, 8), 128).save(picture)
    common = (trained / "plain.toml", "--weights", trained / "out/model.pt")
    done = run("evaluate", *common, "--data", "digits", exit_code=1)
    assert "memory ran out: try a smaller --batch" in done.stderr
    # there is no --batch to make smaller
    done = run("predict", *common, picture, exit_code=1)
    assert "memory ran out: try --device cpu" in done.stderr


@pytest.mark.parametrize(
    ("names", "slanted"),
    [(("0", "1", "2"), 0), (("W" * 40, "i"), 2), (("Ankle boot",) * 12, 12)],
)
def test_names_of_classes_have_the_room_that_they_take(
    names: tuple[str, ...], slanted: int
) -> None:
    labels = torch.arange(len(names))
    picture = draw("net", metrics(torch.eye(len(names)), labels, names))
    texts = [
        t for t in ElementTree.fromstring(picture).iter() if t.tag.endswith("text")
    ]
    assert sum("rotate(-60)" in t.get("transform", "") for t in texts) == slanted
    rows = [t for t in texts if (t.text or "")[:10] in names[0][:10] and t.get("x")]
    ends = [(float(t.get("x", 0)), width(t.text or "", 12)) for t in rows]
    left = [x - wide for x, wide in ends if x == min(ends)[0]]
    assert 30 < min(left) < 60, "no name is cut, and no room is left over"
