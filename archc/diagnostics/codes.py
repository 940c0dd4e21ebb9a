"""What each code of a diagnostic means: the register behind `archc explain`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from archc.diagnostics.model import Severity


@dataclass(frozen=True, slots=True)
class Code:
    """One code: what it means, a spec that triggers it, and the mend."""

    slug: str
    severity: Severity
    summary: str
    explanation: str
    example: str
    mend: str
    files: Mapping[str, str] = field(default_factory=dict[str, str])
    """Further files that the example needs, by their name beside it."""


class _Codes(Mapping[str, Code]):
    """The codes of `codes.toml`, in its order, read when one is asked for."""

    def __init__(self) -> None:
        self._known: dict[str, Code] = {}

    def _read(self) -> dict[str, Code]:
        if not self._known:
            # imported here: nobody pays for the register who does not read it
            import tomllib
            from importlib.resources import files

            text = files("archc.diagnostics").joinpath("codes.toml").read_text("utf-8")
            tables = tomllib.loads(text)
            self._known = {slug: Code(slug, **table) for slug, table in tables.items()}
        return self._known

    def __getitem__(self, slug: str) -> Code:
        return self._read()[slug]

    def __iter__(self) -> Iterator[str]:
        return iter(self._read())

    def __len__(self) -> int:
        return len(self._read())


CODES: Mapping[str, Code] = _Codes()
"""Every code that a diagnostic may have, by its slug."""
