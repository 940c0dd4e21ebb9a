"""Getting the text of a file, with a diagnostic for everything that can go wrong."""

from __future__ import annotations

import codecs
import errno
import os
import stat
from pathlib import Path

from archc.diagnostics.model import Place, Sink, Span
from archc.diagnostics.suggest import all_nearest, offered
from archc.source.positions import FilePlace

MAX_BYTES = 4 * 1024 * 1024
"""How large a file may be."""

SUFFIXES = (".toml", ".json")

# The longer marks first: UTF-32's little-endian mark begins with UTF-16's.
_MARKS = (
    (codecs.BOM_UTF32_LE, "UTF-32"),
    (codecs.BOM_UTF32_BE, "UTF-32"),
    (codecs.BOM_UTF16_LE, "UTF-16"),
    (codecs.BOM_UTF16_BE, "UTF-16"),
)
_AS_UTF8 = "save the file as UTF-8"


def contents(path: Path, limit: int = MAX_BYTES) -> bytes:
    """The bytes of a regular file, which is not larger than `limit`.

    Raises:
        OSError: if it cannot be read, or is something else: a device may have no end.
    """
    state = os.stat(path)
    if not stat.S_ISREG(state.st_mode):
        raise OSError(errno.EINVAL, "it is not a regular file", str(path))
    with path.open("rb") as file:
        data = file.read(limit + 1)
    if len(data) > limit:
        raise OSError(errno.EFBIG, f"it is larger than {limit} bytes", str(path))
    return data


def load(path: Path, name: str, sink: Sink, at: Place | None = None) -> str | None:
    """The text of a file; `at` is the place in another file that named it."""
    place = at or FilePlace(name, "")
    try:
        state = os.stat(path)
    except (FileNotFoundError, NotADirectoryError):
        message = f"there is no file `{name}`"
        sink.error("file-not-found", message, place, help=_look_alike(path))
        return None
    except (OSError, ValueError) as error:
        return _unreadable(name, _reason(error), place, sink)
    if stat.S_ISDIR(state.st_mode):
        return _unreadable(name, "it is a directory", place, sink)
    if not stat.S_ISREG(state.st_mode):
        return _unreadable(name, "it is not a regular file", place, sink)
    if path.suffix.lower() not in SUFFIXES:
        sink.error(
            "unknown-format",
            f"`{name}` is neither a .toml nor a .json file",
            place,
            help="a spec's file name ends in .toml or .json",
        )
        return None
    if state.st_size > MAX_BYTES:
        return _too_large(name, place, sink)
    try:
        data = contents(path)
    except OSError as error:
        return _unreadable(name, _reason(error), place, sink)
    return _decode(data, name, sink)


def _decode(data: bytes, name: str, sink: Sink) -> str | None:
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            message = f"`{name}` is encoded in {encoding}, not in UTF-8"
            sink.error("bad-encoding", message, FilePlace(name, ""), help=_AS_UTF8)
            return None
    data = data.removeprefix(codecs.BOM_UTF8)
    zero = data.find(0)
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        bad = error.start
        if zero < 0 or bad < zero:
            return _bad_byte(data, bad, name, sink)
    else:
        if zero < 0:
            return text
    return _bad_byte(data, zero, name, sink)


def _bad_byte(data: bytes, at: int, name: str, sink: Sink) -> None:
    before = data[:at].decode("utf-8")
    line = before.count("\n") + 1
    column = at_column = len(before) - (before.rfind("\n") + 1) + 1
    span = Span(line, column, line, at_column + 1)
    byte = data[at]
    if byte == 0:
        message = "a zero byte: this is no text, or text in UTF-16"
    else:
        message = f"byte 0x{byte:02X} at line {line}, column {column} is not UTF-8"
    guess = f" (0x{byte:02X} is `{chr(byte)}` in Latin-1)" if byte >= 0xA0 else ""
    place = FilePlace(name, data.decode("utf-8", "replace"), span)
    sink.error("bad-encoding", message, place, help=_AS_UTF8 + guess)


def _unreadable(name: str, reason: str, place: Place, sink: Sink) -> None:
    message = f"`{name}` cannot be read: {reason}"
    mend = "give the path of a .toml or .json file that you may read"
    sink.error("file-unreadable", message, place, help=mend)


def _too_large(name: str, place: Place, sink: Sink) -> None:
    limit = MAX_BYTES // (1024 * 1024)
    sink.error(
        "file-too-large",
        f"`{name}` is larger than {limit} MiB",
        place,
        help="use `repeat` and blocks instead of writing every layer out",
    )


def _reason(error: OSError | ValueError) -> str:
    if isinstance(error, PermissionError):
        return "permission is denied"
    text = error.strerror if isinstance(error, OSError) else str(error)
    return (text or str(error)).lower()


def slashed(name: str) -> str:
    """A path as it is written here: with `/`, which every system takes.

    What TOML and JSON make of a backslash before a letter is undone.
    """
    return name.translate(_BACKSLASHES)


_BACKSLASHES = str.maketrans(
    {"\\": "/", "\b": "/b", "\t": "/t", "\n": "/n", "\f": "/f", "\r": "/r"}
)


def _look_alike(path: Path) -> str:
    """A help line for a missing file: what it may have been meant to be."""
    if slashed(str(path)) != str(path):
        return f"a path is written with `/`: {slashed(str(path))}"
    try:
        siblings = {
            entry.name.rpartition(".")[0]: entry.name
            for entry in os.scandir(path.parent)
            if entry.name.endswith(SUFFIXES) and entry.name != path.name
        }
    except OSError:
        return f"there is no directory `{path.parent.name or path.parent}` either"
    near = [siblings[name] for name in all_nearest(path.stem, siblings)]
    return (
        offered(near, path.name, how="file")
        or "check the path; it is taken from the directory you are in"
    )
