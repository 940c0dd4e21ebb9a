"""What a training leaves behind to read: a table, a result, TensorBoard's events."""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from io import StringIO
from pathlib import Path
from typing import Any, Protocol

from archc.run.train.errors import CannotTrain


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """An epoch."""

    epoch: int
    lr: float
    """In its last step."""
    train_loss: float
    """The mean over its steps, with smoothing and heads."""
    train_accuracy: float
    test_loss: float
    test_accuracy: float
    test_top5: float
    """How often the class is among the five most probable."""
    images_per_second: float
    """While training."""
    seconds: float
    """With testing; since it was resumed, if it was."""


def best(rows: Sequence[Row]) -> Row:
    """The first epoch with the highest test accuracy, of equals with the lower loss."""
    return max(rows, key=lambda row: (row.test_accuracy, -row.test_loss))


def as_csv(rows: Sequence[Row]) -> str:
    text = StringIO()
    names = [field.name for field in fields(Row)]
    writer = csv.DictWriter(text, names, lineterminator="\n")
    writer.writeheader()
    for row in rows:
        writer.writerow({k: _shortened(v) for k, v in asdict(row).items()})
    return text.getvalue()


def as_json(about: dict[str, Any], rows: Sequence[Row]) -> str:
    """The result: `about`, the last epoch's numbers, the best epoch, and all epochs."""
    last, top = rows[-1], best(rows)
    result = about | {
        "best": {"epoch": top.epoch, "test_accuracy": top.test_accuracy},
        "test_accuracy": last.test_accuracy,
        "test_loss": last.test_loss,
        "test_top5": last.test_top5,
        "train_accuracy": last.train_accuracy,
        "train_loss": last.train_loss,
        "seconds": round(sum(row.seconds for row in rows), 3),
        "epochs": [asdict(row) for row in rows],
    }
    return json.dumps(result, indent=2, ensure_ascii=False) + "\n"


def _shortened(value: float) -> str:
    return f"{value:.6g}" if isinstance(value, float) else str(value)


class Board(Protocol):
    """As much of TensorBoard's writer as is needed."""

    def add_scalar(self, tag: str, scalar_value: float, global_step: int) -> None: ...

    def close(self) -> None: ...


def board(directory: Path, epoch: int) -> Board:
    """TensorBoard's events; what is there of later epochs is not shown any more.

    Raises:
        CannotTrain: if TensorBoard is not installed.
    """
    try:
        from torch.utils.tensorboard import SummaryWriter  # pyright: ignore
    except ImportError as error:
        raise CannotTrain(
            "--log tensorboard needs TensorBoard: pip install 'archc-compiler[train]'"
        ) from error
    return SummaryWriter(str(directory), purge_step=epoch + 1)  # pyright: ignore


def add(events: Board, row: Row) -> None:
    tags = {
        "loss/train": row.train_loss,
        "loss/test": row.test_loss,
        "accuracy/train": row.train_accuracy,
        "accuracy/test": row.test_accuracy,
        "accuracy/test top-5": row.test_top5,
        "lr": row.lr,
        "images_per_second": row.images_per_second,
    }
    for tag, value in tags.items():
        events.add_scalar(tag, value, row.epoch)
