"""A mistake in what archc makes, with a name that is the same for like mistakes."""

from __future__ import annotations

import re
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class Mismatch(AssertionError):
    """A module that is not its network; `kind` is the same for like mistakes."""

    def __init__(self, kind: str, detail: str = "") -> None:
        super().__init__(f"{kind}\n{detail}" if detail else kind)
        self.kind = kind
        self.detail = detail


def check(condition: bool, kind: str, detail: str = "") -> None:
    """Raises Mismatch unless the condition holds."""
    if not condition:
        raise Mismatch(kind, detail)


@contextmanager
def step(what: str) -> Iterator[None]:
    """Turns any exception into a mismatch of its own kind."""
    try:
        yield
    except Mismatch:
        raise
    except Exception as error:
        raise Mismatch(*raised(what, error)) from error


def raised(what: str, error: BaseException) -> tuple[str, str]:
    """Kind and detail of an exception: its type, archc's last frame, its words."""
    frames = traceback.extract_tb(error.__traceback__)
    ours = [f for f in frames if "/archc/" in f.filename]
    place = ""
    if ours:
        place = f" in {Path(ours[-1].filename).name}:{ours[-1].name}"
    words = fingerprint(str(error).strip().partition("\n")[0])
    kind = f"{what} raises {type(error).__name__}{place}: {words[:60].rstrip()}"
    return kind, "".join(traceback.format_exception(error))


def fingerprint(text: str) -> str:
    """Text without what tells two like mistakes apart."""
    text = re.sub(r"'[^']*'|`[^`]*`|\"[^\"]*\"", "Q", text)
    text = re.sub(r"\(.*|\{.*|\[.*", "..", text)
    text = re.sub(r"\d+", "N", text)
    return re.sub(r"N(, N| x N)*", "N", text)
