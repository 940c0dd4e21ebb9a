"""The boxes of a pyramid in rows and columns, and how lines can run between them."""

from __future__ import annotations

from dataclasses import dataclass, field

from archc.draw.chart import Link
from archc.draw.scales import Pyramid

Place = tuple[int, int]
"""A row and a column."""


@dataclass(slots=True)
class Grid:
    """Which boxes stand at one place, and which of them is level with other columns."""

    found: Pyramid
    links: list[Link]
    column: dict[int, int] = field(init=False)
    stacks: dict[Place, list[int]] = field(init=False)
    """From the upper one to the lower,"""
    level: dict[Place, int] = field(init=False)
    """and the one in each that others are level with."""

    def __post_init__(self) -> None:
        columns, row = self.found.columns, self.found.row
        self.column = {i: n for n, column in enumerate(columns) for i in column}
        across = {
            i
            for x in self.links
            if x.kind != "size" and row[x.source] == row[x.target]
            if self.column[x.source] != self.column[x.target]
            for i in (x.source, x.target)
        }
        self.stacks, self.level = {}, {}
        for number, column in enumerate(columns):
            for i in column:
                self.stacks.setdefault((row[i], number), []).append(i)
        chains: dict[int, tuple[int, ...]] = {}
        for link in self.links:
            if self.place(link.source) == self.place(link.target):
                chains[link.target] = (
                    *chains.get(link.source, (link.source,)),
                    link.target,
                )
        for place, stack in self.stacks.items():
            stack.sort(key=lambda i: chains.get(i, (i,)))
            rising = place[1] in self.found.rising
            # a way down gives what it ends with, all else is given to first
            ordered = stack[::-1] if place[1] == 0 else stack
            self.level[place] = next((i for i in ordered if i in across), ordered[0])
            if rising:
                stack.reverse()

    def place(self, i: int) -> Place:
        """Its row and its column."""
        return self.found.row[i], self.column[i]

    def is_level(self, i: int) -> bool:
        return self.level[self.place(i)] == i

    def free(self, row: int, columns: range) -> bool:
        """Whether a line can run through columns at the height of a row."""
        return all((row, column) not in self.stacks for column in columns)

    def sequence(self, column: int) -> list[int]:
        """The boxes of a column from the upper one to the lowest."""
        rows = sorted(row for row, at in self.stacks if at == column)
        return [i for row in rows for i in self.stacks[row, column]]

    def hooks(self, link: Link) -> bool:
        """Whether it can run level, and then straight up or down into its target."""
        (row, at), (to, column) = self.place(link.source), self.place(link.target)
        if row == to or at == column or not self.is_level(link.source):
            return False
        if not self.free(row, range(at + 1, column + 1)):
            return False
        stack = self.stacks[to, column]
        passed = range(to + 1, row) if to < row else range(row + 1, to)
        ends = stack[-1] if to < row else stack[0]
        empty = all((r, column) not in self.stacks for r in passed)
        return ends == link.target and empty

    def passes(self, link: Link) -> bool:
        """Whether it has to pass boxes between two columns below these."""
        (row, at), (to, column) = self.place(link.source), self.place(link.target)
        if column <= at + 1 or self.hooks(link):
            return False
        between = range(at + 1, column)
        level = self.is_level(link.source) and self.free(row, between)
        return not level and not (self.is_level(link.target) and self.free(to, between))

    def below(self, link: Link) -> int:
        """The row below whose boxes it passes."""
        row, to = self.found.row[link.source], self.found.row[link.target]
        return to - 1 if row < to else to
