"""Writing files whole or not at all."""

from __future__ import annotations

import errno
import os
import secrets
import signal
import stat
import threading
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType


@dataclass(frozen=True, slots=True)
class Output:
    """What a file shall hold."""

    path: Path
    content: bytes
    within: Path | None = None
    """The directory out of which no link inside it is followed."""

    def state(self) -> str | None:
        """How the file on disk differs: "is missing" or "differs"; None if it does not.

        Raises:
            OSError: if it is there and cannot be read.
        """
        try:
            found = self.path.stat()
        except FileNotFoundError:
            return "is missing"
        # a device or a file of another size is not read
        alike = stat.S_ISREG(found.st_mode) and found.st_size == len(self.content)
        alike = alike and self.path.read_bytes() == self.content
        return None if alike else "differs"


def write(outputs: Sequence[Output]) -> list[Path]:
    """Write all files; each is replaced in one step, none before all are on disk.

    A file that holds its content already is left alone. Where a path is a link, the
    file behind it is replaced. When the process is told to end (SIGTERM, SIGHUP) it
    first removes what is half written. Returns the directories that had to be made.

    Raises:
        OSError: if one cannot be written. Nothing has been replaced then, unless it was
            the replacing itself that failed.
    """
    ready: list[tuple[Path, Path]] = []
    made: list[Path] = []
    with _ended_tidily() as watch:
        try:
            for output in outputs:
                target = behind(output)
                if _holds(target, output):
                    continue
                made += _directory(output.path, target)
                ready.append((_beside(target), target))
                try:
                    _fill(ready[-1][0], output.content, target)
                except OSError as error:
                    error.filename = str(output.path)  # not the one beside it
                    raise
            for temporary, target in ready:
                os.replace(temporary, target)
        finally:
            watch.working = False
            for temporary, _ in ready:
                temporary.unlink(missing_ok=True)
    return made


def create(output: Output) -> list[Path]:
    """Write a file that is not there yet. Returns the directory that had to be made.

    Raises:
        FileExistsError: if it is there.
        OSError: if it cannot be written; nothing is left of it then.
    """
    made = _directory(output.path, output.path)
    with _ended_tidily() as watch, output.path.open("xb") as file:
        try:
            file.write(output.content)
            file.flush()
        except BaseException:
            watch.working = False
            output.path.unlink(missing_ok=True)
            raise
    return made


def _directory(path: Path, target: Path) -> list[Path]:
    """Makes the directory of a file that `path` leads to, where there is none."""
    if target.parent.is_dir():
        return []
    target.parent.mkdir(parents=True, exist_ok=True)
    return [path.parent]


def behind(output: Output) -> Path:
    """The file that is behind a path.

    Raises:
        OSError: if it must not be written: it is out of the directory, or no file.
    """
    path, within = output.path, output.within
    target = Path(os.path.realpath(path))
    if within is not None and not target.is_relative_to(os.path.realpath(within)):
        reason = f"a link on its way leads out of {within}"
        raise OSError(errno.EPERM, reason, str(path))
    if target.is_dir():
        raise IsADirectoryError(errno.EISDIR, "it is a directory", str(path))
    if target.exists() and not target.is_file():
        raise OSError(errno.EINVAL, "it is not a regular file", str(path))
    return target


def _holds(target: Path, output: Output) -> bool:
    try:
        return Output(target, output.content).state() is None
    except OSError:
        return False  # it may be replaced all the same


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


class _Ended(BaseException):
    """The process was told to end."""


@dataclass(slots=True)
class _Watch:
    working: bool = True
    """Whether work is to be left off; what cleans up is not."""


@contextmanager
def _ended_tidily() -> Generator[_Watch]:
    """Within it, a signal that would end the process at once lets it clean up first."""
    watch = _Watch()
    if threading.current_thread() is not threading.main_thread():
        yield watch  # only the main thread is told of signals
        return
    told: list[int] = []

    def end(number: int, frame: FrameType | None) -> None:
        told.append(number)
        if watch.working:
            watch.working = False
            raise _Ended

    numbers = (signal.SIGTERM, *([signal.SIGHUP] if os.name == "posix" else []))
    ours = [n for n in numbers if signal.getsignal(n) is signal.SIG_DFL]
    for number in ours:
        signal.signal(number, end)
    try:
        yield watch
    except _Ended:
        pass
    finally:
        for number in ours:
            signal.signal(number, signal.SIG_DFL)
        if told:
            os.kill(os.getpid(), told[0])
