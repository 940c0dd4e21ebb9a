"""Pyright's strict mode, as far as torch's own annotations reach."""

from __future__ import annotations

import json
from typing import Any

from torch import nn

_UNKNOWN = (
    "reportUnknownArgumentType",
    "reportUnknownMemberType",
    "reportUnknownVariableType",
)


def settings(**more: Any) -> str:
    """The text of a pyrightconfig.json."""
    strict = {"typeCheckingMode": "strict", "pythonVersion": "3.11"}
    # an older torch has functions without types, and nn.Module's constructor is one
    typed = "args" in nn.Module.__init__.__annotations__
    unknown = {} if typed else dict.fromkeys(_UNKNOWN, False)
    return json.dumps(strict | unknown | more)
