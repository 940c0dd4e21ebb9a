"""What the modules with tensors are called."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field

from archc.importing.onnx.scopes import Chain
from archc.spec.identifiers import of_layer

_KEY = re.compile(r"([A-Za-z_]\w*(?:\.\w+)*)\.weight", re.ASCII)


@dataclass(slots=True)
class Naming:
    """Gives each module with tensors a path of its own."""

    taken: dict[str, tuple[str, ...]] = field(
        default_factory=dict[str, tuple[str, ...]]
    )
    """The paths that are given, with the names of the tensors there."""
    _counts: Counter[str] = field(default_factory=Counter[str])

    def path(self, tensors: tuple[str, ...], chain: Chain, stem: str) -> str:
        """The path of a module that has these initialisers, the weight first.

        `stem` is what it is called where nothing tells more.
        """
        weight = tensors[0] if tensors else ""
        own = chain[-1].path if chain else ""
        key = _KEY.fullmatch(weight)
        for wanted in (key[1] if key else "", own):
            if wanted and self._is_free(wanted, tensors, own):
                return self._give(wanted, tensors)
        self._counts[stem] += 1
        around = chain[-2].path if len(chain) > 1 else ""
        prefix = f"{around}." if around and around not in self.taken else ""
        return self._give(self._allowed(f"{prefix}{stem}{self._counts[stem]}"), tensors)

    def _is_free(self, path: str, tensors: tuple[str, ...], own: str) -> bool:
        if any(of_layer(part) is not None for part in path.split(".")):
            return False
        if path in self.taken:
            # the same module once more, if its tensors are the same
            return self.taken[path] == tensors and bool(tensors) and own in ("", path)
        return not self._is_around(path) and not self._is_inside(path)

    def _is_around(self, path: str) -> bool:
        return any(other.startswith(f"{path}.") for other in self.taken)

    def _is_inside(self, path: str) -> bool:
        parts = path.split(".")
        return any(".".join(parts[:n]) in self.taken for n in range(1, len(parts)))

    def _give(self, path: str, tensors: tuple[str, ...]) -> str:
        self.taken[path] = tensors
        return path

    def _allowed(self, path: str) -> str:
        """The path, or one near it that is free."""
        parts = path.split(".")
        for n, part in enumerate(parts):
            while of_layer(part) is not None:
                part += "_"
            parts[n] = part
        base = found = ".".join(parts)
        number = 1
        while found in self.taken or self._is_around(found) or self._is_inside(found):
            number += 1
            found = f"{base}_{number}"
        return found
