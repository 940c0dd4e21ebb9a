"""Writing files whole or not at all."""

from __future__ import annotations

import os
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Output:
    """What a file shall hold."""

    path: Path
    content: bytes

    def state(self) -> str | None:
        """How the file on disk differs: "is missing" or "differs"; None if it does not.

        Raises:
            OSError: if it is there and cannot be read.
        """
        try:
            return None if self.path.read_bytes() == self.content else "differs"
        except FileNotFoundError:
            return "is missing"


def write(outputs: Sequence[Output]) -> None:
    """Write all files; each is replaced in one step, none before all are on disk.

    Raises:
        OSError: if one cannot be written. Nothing has been replaced then, unless it was
            the replacing itself that failed.
    """
    ready: list[tuple[Path, Path]] = []
    try:
        for output in outputs:
            # through a link, the file behind it is replaced
            target = Path(os.path.realpath(output.path))
            target.parent.mkdir(parents=True, exist_ok=True)
            if target.is_dir():
                raise IsADirectoryError(21, "it is a directory", str(output.path))
            ready.append((_beside(target), target))
            _fill(ready[-1][0], output.content, target)
        for temporary, target in ready:
            os.replace(temporary, target)
    finally:
        for temporary, _ in ready:
            temporary.unlink(missing_ok=True)


def create(output: Output) -> None:
    """Write a file that is not there yet.

    Raises:
        FileExistsError: if it is there.
        OSError: if it cannot be written; nothing is left of it then.
    """
    output.path.parent.mkdir(parents=True, exist_ok=True)
    with output.path.open("xb") as file:
        try:
            file.write(output.content)
            file.flush()
        except OSError:
            output.path.unlink(missing_ok=True)
            raise


def _beside(target: Path) -> Path:
    """A name in the same directory, for replacing to be one step."""
    return target.parent / f".{secrets.token_hex(8)}.tmp"


def _fill(temporary: Path, content: bytes, target: Path) -> None:
    """Write a new file, with the target's permissions or those of any new file."""
    # opened by hand: `tempfile` makes files that only their owner may read
    handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
    with os.fdopen(handle, "wb") as file:
        file.write(content)
        if target.exists():
            os.chmod(temporary, target.stat().st_mode & 0o777)
