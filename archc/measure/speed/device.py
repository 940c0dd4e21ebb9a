"""Machines as a few numbers: data sheets, and what a calibration has measured."""

from __future__ import annotations

import json
import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal

Precision = Literal["fp32", "bf16", "fp16"]
FORMAT = 1
"""Of the file that a calibration is kept in."""


class NoDevice(ValueError):
    """A device that is not known, or cannot compute in a precision."""


@dataclass(frozen=True, slots=True)
class Device:
    """A machine."""

    name: str
    source: str
    memory: int
    """In bytes; 0 where it is not known."""
    bandwidth: float
    """Bytes a second."""
    peak: Mapping[str, float]
    """Operations a second, by precision."""
    rates: Mapping[str, float] = field(default_factory=dict[str, float])
    """What was measured, by kind of work: operations a second of layers with weights,
    bytes a second of others."""
    backward: Mapping[str, float] = field(default_factory=dict[str, float])
    """The same of the way back."""
    call: float = 0.0
    """Seconds that a call takes however little it does,"""
    call_back: float = 0.0
    """and its way back."""


def known() -> dict[str, Device]:
    """The devices of which data sheets are at hand."""
    text = files("archc.measure.speed").joinpath("devices.toml").read_text("utf-8")
    return {
        name: Device(
            name,
            row["source"],
            int(row["memory"] * 1e9),
            row["bandwidth"] * 1e9,
            {key: value * 1e12 for key, value in row["peak"].items()},
        )
        for name, row in tomllib.loads(text).items()
    }


def kept_at() -> Path:
    """Where the calibration of this machine is kept."""
    root = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(root).expanduser() / "archc" / "device.toml"


def kept() -> Device | None:
    """This machine, if it was calibrated."""
    try:
        row: dict[str, Any] = tomllib.loads(kept_at().read_text("utf-8"))
        if row["format"] != FORMAT:
            return None
        return Device(
            row["name"],
            row["source"],
            0,
            float(row["bandwidth"]),
            {str(k): float(v) for k, v in row["peak"].items()},
            {str(k): float(v) for k, v in row["rates"].items()},
            {str(k): float(v) for k, v in row["backward"].items()},
            float(row["call"]),
            float(row["call_back"]),
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def as_toml(device: Device) -> str:
    """As it is kept."""
    lines = [
        "# Measured by archc speed --device this; delete it to measure anew.",
        f"format = {FORMAT}",
        f"name = {_text(device.name)}",
        f"source = {_text(device.source)}",
        f"bandwidth = {device.bandwidth!r}",
        f"call = {device.call!r}",
        f"call_back = {device.call_back!r}",
    ]
    for name in ("peak", "rates", "backward"):
        table: Mapping[str, float] = getattr(device, name)
        lines += ["", f"[{name}]"]
        lines += [f"{_text(key)} = {value!r}" for key, value in table.items()]
    return "\n".join(lines) + "\n"


def _text(text: str) -> str:
    """A string of TOML's, which JSON's are as well."""
    return json.dumps(text, ensure_ascii=False)
