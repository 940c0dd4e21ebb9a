"""The data sets of `archc train`: found, read, made to fit, or asked for."""

from __future__ import annotations

import gzip
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from PIL import Image
from torch import Tensor
from torchvision import datasets

from archc.run.train import data as data_module
from archc.run.train.batches import View, change, preparation
from archc.run.train.data import Data, Stored, Wanted, load
from archc.run.train.errors import CannotTrain
from tests.run.training import PLAIN, refusal, result, train


def wanted(name: str, directory: Path | None = None) -> Data:
    return load(Wanted(name, directory, download=False), (1, 28, 28), 10)


def idx(values: Tensor) -> bytes:
    dims = b"".join(size.to_bytes(4, "big") for size in values.shape)
    return bytes([0, 0, 8, values.ndim]) + dims + bytes(values.flatten().tolist())


def write_idx(directory: Path, *, packed: bool) -> Tensor:
    """Twenty images to learn, ten to test; returns the former."""
    directory.mkdir(parents=True)
    generator = torch.Generator().manual_seed(0)
    first = torch.empty(0)
    for part, count in (("train", 20), ("t10k", 10)):
        pixels = torch.randint(0, 256, (count, 28, 28), generator=generator)
        first = pixels if part == "train" else first
        for name, values in (
            (f"{part}-images-idx3-ubyte", pixels),
            (f"{part}-labels-idx1-ubyte", torch.arange(count) % 10),
        ):
            content = idx(values)
            path = directory / (f"{name}.gz" if packed else name)
            path.write_bytes(gzip.compress(content) if packed else content)
    return first


@pytest.mark.parametrize(
    ("name", "layout", "packed"),
    [
        ("fashion-mnist", ".", True),
        ("fashion-mnist", "FashionMNIST/raw", False),
        ("mnist", "MNIST/raw", True),
    ],
)
def test_idx_files(tmp_path: Path, name: str, layout: str, packed: bool) -> None:
    pixels = write_idx(tmp_path / "x" / layout, packed=packed)
    found = wanted(name, tmp_path / "x")
    assert (len(found.train), len(found.test), found.classes) == (20, 10, 10)
    assert found.train.stored is not None
    assert torch.equal(found.train.stored, pixels.unsqueeze(1).byte())
    assert found.train.labels.tolist() == [*range(10), *range(10)]


def test_torchvision_reads_the_same(tmp_path: Path) -> None:
    write_idx(tmp_path / "FashionMNIST/raw", packed=False)
    theirs = datasets.FashionMNIST(tmp_path, train=False)
    ours = wanted("fashion-mnist", tmp_path).test
    assert ours.stored is not None
    assert torch.equal(ours.stored[:, 0], theirs.data)
    assert torch.equal(ours.labels, theirs.targets)


def test_the_package_of_debian_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(data_module, "_DEBIAN", tmp_path / "share")
    with pytest.raises(CannotTrain, match="apt-get install dataset-fashion-mnist"):
        wanted("fashion-mnist")
    write_idx(tmp_path / "share", packed=True)
    assert len(wanted("fashion-mnist").train) == 20
    # who names a directory means that one
    with pytest.raises(CannotTrain):
        wanted("fashion-mnist", tmp_path)


@pytest.mark.parametrize("name", ["mnist", "cifar10", "fashion-mnist"])
def test_what_is_missing_is_not_downloaded(tmp_path: Path, name: str) -> None:
    directory = tmp_path / "data"
    with pytest.raises(CannotTrain, match=r"--download.*--data-dir") as caught:
        wanted(name, directory)
    assert "\n" not in str(caught.value)
    assert not directory.exists()


@pytest.mark.parametrize("damage", [b"", b"\0\0\x08\x03", b"what is this?"])
def test_damaged_files(tmp_path: Path, damage: bytes) -> None:
    write_idx(tmp_path / "x", packed=False)
    (tmp_path / "x/train-images-idx3-ubyte").write_bytes(damage)
    with pytest.raises(CannotTrain, match="damaged"):
        wanted("mnist", tmp_path / "x")
    write_idx(tmp_path / "y", packed=True)
    (tmp_path / "y/train-images-idx3-ubyte.gz").write_bytes(damage)
    with pytest.raises(CannotTrain, match="train-images"):
        wanted("mnist", tmp_path / "y")


def test_cifar10(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """torchvision checks the files' digests, so there can be no small ones."""
    pixels = torch.arange(2 * 32 * 32 * 3).reshape(2, 32, 32, 3).byte()

    def made(root: Path, train: bool) -> SimpleNamespace:
        return SimpleNamespace(data=pixels.numpy(), targets=[3, int(train)])

    monkeypatch.setattr(datasets, "CIFAR10", made)
    found = wanted("cifar10", tmp_path)
    assert found.train.stored is not None
    assert torch.equal(found.train.stored[0, 2], pixels[0, :, :, 2])
    assert found.train.labels.tolist() == [3, 1]
    ready = preparation(found, (1, 16, 20))(found.train.stored)
    assert ready.shape == (2, 1, 16, 20)


def test_digits_are_split_always_alike() -> None:
    found, again = wanted("digits"), wanted("digits")
    assert (len(found.train), len(found.test)) == (1438, 359)
    assert torch.equal(found.test.labels, again.test.labels)
    assert found.train.stored is not None
    assert found.train.stored.shape[1:] == (1, 8, 8)
    assert found.train.stored.max() == 255


def test_images_become_the_network_s_input() -> None:
    pixels = torch.randint(0, 256, (4, 1, 28, 28)).byte()
    grey = Data(*(Stored(pixels, torch.arange(4)),) * 2, classes=4, channels=1)
    same = preparation(grey, (1, 28, 28))(pixels)
    torch.testing.assert_close(same, pixels / 255)
    colored = preparation(grey, (3, 96, 96))(pixels)
    assert colored.shape == (4, 3, 96, 96)
    assert torch.equal(colored[:, 0], colored[:, 2])
    assert colored.min() >= 0 and colored.max() <= 1


def test_augmentation_depends_on_epoch_and_image_alone() -> None:
    pixels = torch.randint(0, 256, (8, 3, 32, 32)).byte()
    images = Stored(pixels, torch.arange(8))
    both = change(images, (3, 32, 32), ("crop", "flip"))
    state = torch.get_rng_state()
    whole, _ = View(images, both, 5).__getitems__([*range(8)])
    part, labels = View(images, both, 5).__getitems__([6, 2])
    other, _ = View(images, both, 6).__getitems__([6, 2])
    assert torch.equal(torch.get_rng_state(), state)
    assert torch.equal(part, whole[[6, 2]]) and labels.tolist() == [6, 2]
    assert not torch.equal(part, other)
    assert whole.shape == pixels.shape


def _folder(root: Path, counts: dict[str, int]) -> None:
    for name, count in counts.items():
        (root / name).mkdir(parents=True)
        for i in range(count):
            level = 40 if name == "dark" else 220
            Image.new("RGB", (30 + i, 24), (level, level, 60)).save(
                root / name / f"{i}.png"
            )


def test_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("plain.toml").write_text(
        PLAIN.replace("out_features = 10", "out_features = 2")
    )
    _folder(Path("all"), {"bright": 15, "dark": 15})
    common = ("plain.toml", "--epochs", 3, "--batch", 8, "--lr", 0.01)
    done = train(*common, "--data", "folder:all", "--augment", "crop,flip")
    assert done.exit_code == 0, done.output
    found = result(Path("runs/plain-all"))
    assert found["test_accuracy"] == 1
    assert found["settings"]["train_images"] == 24
    _folder(Path("two/train"), {"bright": 8, "dark": 8})
    _folder(Path("two/val"), {"bright": 2, "dark": 2})
    assert train(*common, "--data", "folder:two", "--workers", 1).exit_code == 0
    _folder(Path("two/val"), {"odd": 2})
    common = (*common, "--output", "x")
    assert "different classes: odd" in refusal(*common, "--data", "folder:two")
    assert "a directory of images" in refusal(*common, "--data", "folder:none")
    Path("all/dark/3.png").write_bytes(b"no")
    for workers in (0, 1):
        line = refusal(*common, "--data", "folder:all", "--workers", workers)
        assert line.startswith("Error: cannot read all/dark/3.png: ")
    _folder(Path("few"), {"bright": 2, "dark": 2})
    assert "none to test on" in refusal(*common, "--data", "folder:few")
