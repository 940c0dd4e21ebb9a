"""From images to what a network reads: augmentation, order, batches, numbers."""

from __future__ import annotations

import signal
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, DistributedSampler
from torchvision.transforms import v2  # pyright: ignore[reportMissingTypeStubs]

from archc.run.train.augment import transforms
from archc.run.train.data import Data, Images
from archc.run.train.preprocessing import middle, preprocessing
from archc.run.train.settings import Settings
from archc.run.train.world import World

Batch = tuple[Tensor, Tensor]
"""Images, N x C x H x W bytes, and their classes."""


class View(Dataset[Batch]):
    """Batches of a data set, augmented.

    What is random about an image depends on the seed, the epoch and the image, and not
    on the worker that reads it or on what was read before.
    """

    def __init__(
        self, images: Images, change: Callable[[Any], Tensor] | None, seed: int
    ) -> None:
        self._images = images
        self._change = change
        self._seed = seed

    def __getitems__(self, indices: list[int]) -> Batch:
        labels = self._images.labels[indices]
        if self._change is None:
            assert self._images.stored is not None
            return self._images.stored[indices], labels
        changed: list[Tensor] = []
        with _own_randomness() as generator:
            for index in indices:
                generator.manual_seed(self._seed + index)
                changed.append(self._change(self._images.image(index)))
        return torch.stack(changed), labels


@contextmanager
def _own_randomness() -> Generator[torch.Generator, None, None]:
    """The generator that transforms draw from; it is afterwards as it was."""
    generator = torch.default_generator
    state = generator.get_state()
    try:
        yield generator
    finally:
        generator.set_state(state)


def per_process(settings: Settings) -> int:
    """Images of one process in a step."""
    return settings.batch // settings.processes


def steps_per_epoch(settings: Settings) -> int:
    share = -(-settings.train_images // settings.processes)
    return len(chunked(range(share), per_process(settings), settings.smallest_batch))


def chunked(indices: Sequence[int], count: int, smallest: int) -> list[list[int]]:
    """Batches of `count`; one that is left over and too small joins the one before."""
    found = [list(indices[i : i + count]) for i in range(0, len(indices), count)]
    if len(found) > 1 and len(found[-1]) < smallest:
        last = found.pop()
        found[-1] += last
    return found


def joins(settings: Settings) -> bool:
    """Whether images that are left over join the batch before, for being too few."""
    share = -(-settings.train_images // settings.processes)
    left = share % per_process(settings)
    return 0 < left < settings.smallest_batch


class Batches:
    """Where a process gets its batches from."""

    def __init__(
        self,
        data: Data,
        shape: tuple[int, ...],
        settings: Settings,
        world: World,
        workers: int,
    ) -> None:
        self._data = data
        self._settings = settings
        self._world = world
        self._workers = workers
        self._fitted = change(data.test, shape, ())
        self._augmented = change(data.train, shape, settings.augment)

    def training(self, epoch: int, start: int) -> DataLoader[Batch]:
        """An epoch from a step on; both are counted from zero."""
        seed, size = self._settings.seed, len(self._data.train)
        whole: Any = range(size)
        order: DistributedSampler[int] = DistributedSampler(
            whole, self._world.size, self._world.rank, seed=seed
        )
        order.set_epoch(epoch)
        view = View(self._data.train, self._augmented, _mixed(seed, epoch))
        chunks = self._chunks(list(order), self._settings.smallest_batch)
        return self._loader(view, chunks[start:])

    def testing(self) -> DataLoader[Batch]:
        """This process's share of the test images, each of which has one process."""
        share = range(self._world.rank, len(self._data.test), self._world.size)
        chunks = self._chunks(share, self._settings.smallest_test_batch)
        return self._loader(View(self._data.test, self._fitted, 0), chunks)

    def _chunks(self, indices: Sequence[int], smallest: int) -> list[list[int]]:
        return chunked(indices, per_process(self._settings), smallest)

    def _loader(self, view: View, chunks: list[list[int]]) -> DataLoader[Batch]:
        return DataLoader(
            view,
            batch_sampler=chunks,
            num_workers=self._workers,
            collate_fn=_as_it_is,
            worker_init_fn=_leave_interrupts,
            pin_memory=self._world.device.type == "cuda",
            # else each iterator would draw from the generator that dropout draws from
            generator=torch.Generator(),
        )


def _mixed(seed: int, epoch: int) -> int:
    """The seed of an epoch: one of a row of random numbers."""
    generator = torch.Generator().manual_seed(seed)
    return int(torch.randint(2**31, (epoch + 1,), generator=generator)[epoch])


def _as_it_is(batch: Any) -> Any:
    return batch


def _leave_interrupts(worker: int) -> None:
    """Ctrl-C reaches the workers too; it is for the process that trains to act on."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def change(
    images: Images, shape: tuple[int, ...], augment: tuple[str, ...]
) -> Callable[[Any], Tensor] | None:
    """What happens to single images before they make a batch; None if nothing.

    Images in memory keep their size: crop shifts them by an eighth at most, with zeros
    at the border. Those in files are cut to the network's size: from anywhere with
    crop, else from their middle, with a small margin.
    """
    height, width = shape[1:]
    steps: list[Any] = []
    if images.stored is None:
        crop = [v2.RandomResizedCrop((height, width))]
        cut = crop if "crop" in augment else middle(height, width)
        steps += [*cut, v2.PILToTensor()]
    elif "crop" in augment:
        own = list(images.stored.shape[2:])
        steps.append(v2.RandomCrop(own, padding=[own[1] // 8, own[0] // 8]))
    steps += transforms(augment)
    return v2.Compose(steps) if steps else None


def preparation(data: Data, shape: tuple[int, ...]) -> Callable[[Tensor], Tensor]:
    """From a batch of images as bytes to the network's input, on any device.

    Colours become grey, sizes the network's, bytes numbers from 0 to 1, normalised if
    the data set says so; grey is repeated where the network reads colours.
    """
    return preprocessing(data, shape).on_batches()
