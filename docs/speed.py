"""Writes the table of errors in docs/speed.md, from what was measured.

python tests/benchmarks/speed.py > docs/results/speed.txt
python docs/speed.py
"""

from __future__ import annotations

import re
from pathlib import Path

DOCS = Path(__file__).parent
PAGE = DOCS / "speed.md"
RESULTS = DOCS / "results" / "speed.txt"
_SUMMARY = re.compile(
    r"# (\w+): (\d+) networks; error median ([\d.]+)%, quartiles ([\d.]+)% and"
    r" ([\d.]+)%, largest ([\d.]+)%; rank correlation ([\d.]+)"
)
_ROWS = re.compile(r"(?m)^\| (?:forward pass|training step) \| [\d.]+ % .*\n")
_WHAT = {"forward": "forward pass", "step": "training step"}


def rows() -> str:
    """The lines of the table."""
    found = _SUMMARY.findall(RESULTS.read_text("utf-8"))
    return "".join(
        f"| {_WHAT[what]} | {middle} % | {first} % and {third} % | {largest} % |"
        f" {ranks} |\n"
        for what, _, middle, first, third, largest, ranks in found
    )


def page() -> str:
    """The page with the table as it was measured last."""
    text = PAGE.read_text("utf-8")
    first, *_ = _ROWS.finditer(text)
    return text[: first.start()] + rows() + _ROWS.sub("", text[first.start() :])


if __name__ == "__main__":
    PAGE.write_text(page(), "utf-8")
