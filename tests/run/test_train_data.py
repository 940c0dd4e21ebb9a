"""The data sets of `archc train`: found, read, made to fit, or asked for."""

from __future__ import annotations

import gzip
import os
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor
from torchvision import datasets

from archc.run.pictures import opened
from archc.run.train import data as data_module
from archc.run.train.batches import View, change, preparation
from archc.run.train.data import Data, Stored, Wanted, load
from archc.run.train.errors import CannotTrain
from archc.run.train.folder import classes
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


def _header(*dims: int, kind: int = 8) -> bytes:
    sizes = b"".join(size.to_bytes(4, "big") for size in dims)
    return bytes([0, 0, kind, len(dims)]) + sizes


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("images-idx3", _header(0, 28, 28), "is empty: it says that it holds 0 x 28"),
        ("images-idx3", _header(20, 0, 28), "is empty: it says that it holds 20 x 0"),
        ("labels-idx1", _header(0), "is empty: it says that it holds 0"),
        ("images-idx3", _header(20, 28), "does not begin as an idx file of 3 axes"),
        ("images-idx3", _header(1, 1, 1, kind=9) + b"1", "does not begin as an idx"),
        ("images-idx3", _header(20, 28, 28), "it is 16 bytes long and says 15,696"),
        ("images-idx3", _header(2**31, 2**31, 28), "it is 16 bytes long and says"),
        ("images-idx3", _header(1, 28, 28) + bytes(784), "1 images and .* 20 labels"),
        ("labels-idx1", _header(20) + bytes(19) + b"\x0a", "label 10, and .* 0 to 9"),
        ("labels-idx1", _header(20) + bytes(21), "it is 29 bytes long and says 28"),
    ],
)
@pytest.mark.parametrize("packed", [True, False], ids=["packed", "not packed"])
def test_wrong_idx_files(
    tmp_path: Path, name: str, content: bytes, said: str, packed: bool
) -> None:
    write_idx(tmp_path / "x", packed=packed)
    path = tmp_path / f"x/train-{name}-ubyte{'.gz' if packed else ''}"
    assert path.is_file()
    path.write_bytes(gzip.compress(content) if packed else content)
    with pytest.raises(CannotTrain, match=said) as caught:
        wanted("mnist", tmp_path / "x")
    assert "\n" not in str(caught.value) and str(path) in str(caught.value)


@pytest.mark.parametrize("cut", [0, 5, 30, -1])
def test_broken_archives(tmp_path: Path, cut: int) -> None:
    write_idx(tmp_path / "x", packed=True)
    path = tmp_path / "x/t10k-images-idx3-ubyte.gz"
    path.write_bytes(path.read_bytes()[:cut])
    with pytest.raises(CannotTrain, match="t10k-images"):
        wanted("mnist", tmp_path / "x")


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
    # what is no image is found before the first step
    assert not Path("x/checkpoint.pt").exists()
    _folder(Path("few"), {"bright": 2, "dark": 2})
    assert "none to test on" in refusal(*common, "--data", "folder:few")


def test_folders_that_hold_something_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("plain.toml").write_text(PLAIN)

    def said(name: str) -> str:
        return refusal("plain.toml", "--data", f"folder:{name}", "--output", "x")

    Path("empty").mkdir()
    assert "two or more: there is no directory" in said("empty")
    _folder(Path("one"), {"bright": 3})
    assert "two or more: there is only bright/" in said("one")
    _folder(Path("bare"), {"bright": 3, "dark": 0, "grey": 0})
    Path("bare/dark/notes.txt").write_text("nothing")
    assert "bare: dark/ has no images, nor has 1 more; images end in" in said("bare")
    _folder(Path("zero"), {"bright": 3, "dark": 3})
    Path("zero/dark/9.png").touch()
    assert "cannot read zero/dark/9.png" in said("zero")
    _folder(Path("link"), {"bright": 3, "dark": 3})
    Path("link/dark/9.png").symlink_to("nowhere")
    assert "cannot read link/dark/9.png: No such file or directory" in said("link")
    _folder(Path("pipe"), {"bright": 3, "dark": 3})
    os.mkfifo("pipe/dark/9.png")
    assert "cannot read pipe/dark/9.png: it is not a regular file" in said("pipe")
    Path("file").write_text("")
    assert "(Not a directory)" in said("file")
    _folder(Path("half/train"), {"bright": 3, "dark": 3})
    assert "half/val must be a directory" in said("half")


@pytest.mark.parametrize(
    ("name", "numbers"),
    [
        ("x_ray.png", np.full((20, 20), 40_000, np.uint16)),
        ("x_ray.tiff", np.full((20, 20), 40_000, np.int32)),
        ("map.tiff", np.full((20, 20), 0.5, np.float32)),
    ],
)
def test_numbers_that_are_no_bytes_are_not_cut_off(
    tmp_path: Path, name: str, numbers: NDArray[Any]
) -> None:
    """Pillow makes the first two white and the last one black."""
    _folder(tmp_path, {"bright": 3, "dark": 3})
    path = tmp_path / "dark" / name
    Image.fromarray(numbers).save(path)
    for reading in (lambda: classes(tmp_path), lambda: opened(path, "L")):
        with pytest.raises(CannotTrain, match="more than 8 bits") as caught:
            reading()
        assert f"cannot read {path}" in str(caught.value)
    # what has a byte for each number, in whatever kind of picture, is read
    kinds = (("1", "png"), ("L", "png"), ("LA", "png"), ("P", "png"), ("RGBA", "png"),
             ("CMYK", "jpg"))  # fmt: skip
    for mode, ending in kinds:
        Image.new(mode, (20, 20)).save(path.with_name(f"of_{mode}.{ending}"))
    path.unlink()
    assert len(classes(tmp_path)["dark"]) == 3 + len(kinds)


def test_folders_are_read_as_torchvision_reads_them(tmp_path: Path) -> None:
    _folder(tmp_path, {"dark": 3, "bright": 2, "bright/nested/deep": 2})
    (tmp_path / "dark/README.md").write_text("")
    (tmp_path / "dark/X.PNG").write_bytes((tmp_path / "dark/0.png").read_bytes())
    theirs = datasets.ImageFolder(tmp_path)
    ours = classes(tmp_path)
    assert [*ours] == theirs.classes
    paths = [path for images in ours.values() for path in images]
    assert paths == [path for path, _ in theirs.samples]
    # what torchvision does otherwise: hidden directories, and links in a circle
    (tmp_path / ".cache").mkdir()
    (tmp_path / "dark/again").symlink_to(tmp_path / "dark")
    (tmp_path / "dark/up").symlink_to(tmp_path)
    (tmp_path / "bright/linked").symlink_to(tmp_path / "dark")
    found = classes(tmp_path)
    assert [*found] == ["bright", "dark"]
    assert len(found["dark"]) == len(set(found["dark"])) < 20


def test_resuming_with_other_classes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("plain.toml").write_text(
        PLAIN.replace("out_features = 10", "out_features = 2")
    )
    _folder(Path("all"), {"bright": 10, "dark": 10})
    common = ("plain.toml", "--data", "folder:all", "--epochs", 1, "--batch", 8)
    assert train(*common).exit_code == 0
    found = result(Path("runs/plain-all"))
    assert found["classes"] == ["bright", "dark"]
    about = found["preprocessing"]
    assert about["mode"] == "RGB" and about["grey"] and about["channels"] == 1
    assert (about["shorter_side"], about["center_crop"]) == (9, [8, 8])
    assert about["mean"] == [pytest.approx((0.485 + 0.456 + 0.406) / 3)]
    Path("all/dark").rename("all/bleak")
    line = refusal(*common, "--resume")
    assert "the 2 classes were others: now they are 2, without dark" in line
    assert "with bleak" in line
