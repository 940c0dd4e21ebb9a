"""Where in somebody's code something happens."""

from __future__ import annotations

import os
import sys
from types import TracebackType

import torch

from archc.importing.trace import Place

_HERE = tuple(
    os.path.dirname(file) + os.sep
    for file in (torch.__file__, os.path.dirname(os.path.dirname(__file__)))
)
"""Torch and this package: their lines are nobody's."""
_TRACER = os.path.join(os.path.dirname(__file__), "tracer.py")


def place() -> Place | None:
    """The line that is running, outside of torch and of this package."""
    frame = sys._getframe(1)  # pyright: ignore[reportPrivateUsage]
    while frame is not None:
        file = frame.f_code.co_filename
        if frame.f_code.co_name == "trace" and file == _TRACER:
            return None  # what is further out calls this package
        if not file.startswith(_HERE) and "contextlib" not in file:
            return Place(file, frame.f_lineno)
        frame = frame.f_back
    return None


def raised(traceback: TracebackType | None) -> Place | None:
    """The last line of somebody's code on the way to where an error was raised."""
    found = None
    while traceback is not None:
        file = traceback.tb_frame.f_code.co_filename
        if not file.startswith(_HERE):
            found = Place(file, traceback.tb_lineno)
        traceback = traceback.tb_next
    return found
