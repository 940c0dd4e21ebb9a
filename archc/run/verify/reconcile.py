"""Finds in a recording what was computed in another way than the network's layers do.

What has the number of a layer's output is that output. Where a number is not there,
values decide: a value of the module that equals the layer's, worked out from values on
which both sides agree, is the layer's from there on, however it was made. So brackets
of a product, a pooling that is a mean, or several layers in one step agree: between
two values that are the same on both sides nothing else is asked.
"""

from __future__ import annotations

from collections.abc import Iterator

from archc.run.verify.numbers import Numbers
from archc.run.verify.recorder import Entry
from archc.run.verify.reference import Reference
from archc.run.verify.values import DEEPEST, Budget, Unknown, Values

PATIENCE = 24
"""Layers in a row that are not found before the search ends."""
BELOW = 4
"""How often it is gone back to what values are made from, in a second try: what both
sides have may be a part of what differs, as the sigmoid is of a SiLU."""
SECOND = 8
"""Values of the module that are looked at then."""


class Recording:
    """What a module computed: values in the order in which they were made."""

    def __init__(
        self,
        entries: list[Entry],
        outputs: list[int | None],
        changed: dict[str, int],
        numbers: Numbers,
    ) -> None:
        self.entries = entries
        self.outputs = outputs
        self.changed = changed
        """Parameters and buffers that are overwritten, and what they are then."""
        self._numbers = numbers
        self.known = {entry.number for entry in entries}

    def replace(self, number: int, by: int) -> None:
        """Takes one value for another one, and numbers what is made of it anew."""
        new = {number: by} | self._besides(number, by)
        for i, entry in enumerate(self.entries):
            if entry.number not in new:
                reads = tuple(new.get(n, n) for n in entry.reads)
                if reads == entry.reads:
                    continue
                new[entry.number] = self._numbers.of(entry.form, reads, entry.slot)
            reads = tuple(new.get(n, n) for n in entry.reads)
            self.entries[i] = Entry(new[entry.number], entry.form, reads, entry.slot)
        self.outputs = [n if n is None else new.get(n, n) for n in self.outputs]
        self.changed = {k: new.get(n, n) for k, n in self.changed.items()}
        self.known = {entry.number for entry in self.entries}

    def _besides(self, number: int, by: int) -> dict[int, int]:
        """What the same call overwrites, where both are made by the same function."""
        made = self._numbers.made
        wanted, there = made[by], made[number]
        if wanted.form is None or there.form is None:
            return {}
        if wanted.form.identity != there.form.identity:
            return {}
        return {
            entry.number: self._numbers.of(wanted.form, wanted.reads, entry.slot)
            for entry in self.entries
            if entry.form is there.form and entry.reads == there.reads
            if entry.slot[0] == "write"
        }


def reconcile(recording: Recording, reference: Reference, *, gradients: bool) -> None:
    """Looks for the layers of the reference that are not in a recording by number.

    With `gradients`, what a value passes back has to be the same too.
    """
    search = _Search(recording, reference, gradients=gradients)
    missed = 0
    for wanted in reference.layers.values():
        if wanted.number in recording.known or wanted.sample.last is None:
            continue
        if missed == PATIENCE:
            break
        found = search.find(wanted.number)
        if found is None:
            missed += 1
            continue
        recording.replace(found, wanted.number)
        search.restart()
        missed = 0
    # what is overwritten is read by nobody, so that nothing else leads to it
    for name, number in reference.buffers.items():
        found = recording.changed.get(name, number)
        if found != number and search.same(number, found):
            recording.replace(found, number)
            search.restart()


class _Search:
    def __init__(
        self, recording: Recording, reference: Reference, *, gradients: bool
    ) -> None:
        self._recording = recording
        self._numbers = reference.numbers
        self._theirs = reference.known
        self._gradients = gradients
        self._budget = Budget()
        self.restart()

    def restart(self) -> None:
        """After something was found: there are more values to start from."""
        self._ours = self._recording.known
        self._values = self._new(frozenset())
        self._distances: dict[int, int] = {}

    def _new(self, worked_out: frozenset[int]) -> Values:
        ours, theirs = self._ours, self._theirs
        return Values(
            self._numbers,
            lambda n: n in theirs and n in ours and n not in worked_out,
            self._budget,
            gradients=self._gradients,
        )

    def same(self, a: int, b: int) -> bool:
        """Whether two values are the same, as far as that can be told."""
        return _same(self._values, a, b)

    def find(self, number: int) -> int | None:
        """The module's value that equals one of the reference; None if none does."""
        nearest = sorted(
            (distance, i, n)
            for i, n in enumerate(self._candidates(number))
            if (distance := self._distance(n)) <= DEEPEST
        )
        mine = self._starts(number, set())
        others: list[int] = []
        for _, _, candidate in nearest:
            if self._starts(candidate, set()) != mine:
                others.append(candidate)
            elif _same(self._values, number, candidate):
                return candidate
        for candidate in others[:SECOND]:
            below = self._below(number, candidate)
            if below and _same(self._new(below), number, candidate):
                return candidate
        return None

    def _candidates(self, number: int) -> Iterator[int]:
        """Values that only the module has, of the same shape and type."""
        made = self._numbers.made
        kind = made[number].kind
        seen: set[int] = set()
        for entry in self._recording.entries:
            n = entry.number
            if n not in self._theirs and n not in seen and made[n].kind == kind:
                seen.add(n)
                yield n

    def _distance(self, number: int) -> int:
        """How many calls of the module alone lead to a value, at most."""
        if not self._distances:
            for entry in self._recording.entries:
                own = entry.number not in self._theirs
                before = [self._distances.get(n, 0) for n in entry.reads]
                self._distances[entry.number] = own * (1 + max(before, default=0))
        return self._distances[number]

    def _below(self, a: int, b: int) -> frozenset[int]:
        """Values that only one of the two is made from, though both sides have them.

        With these worked out too, both are made from the same ones.
        """
        made = self._numbers.made
        found: set[int] = set()
        for _ in range(BELOW):
            apart = self._starts(a, found) ^ self._starts(b, found)
            apart = {n for n in apart if made[n].form is not None}
            if not apart:
                break
            found |= apart
        return frozenset(found)

    def _starts(self, number: int, worked_out: set[int]) -> set[int]:
        """The values that both sides have and from which one is made, and the
        parameters; a buffer may be read for the sake of its update alone."""
        found: set[int] = set()
        seen = {number}
        todo = [number]
        while todo:
            n = todo.pop()
            common = n in self._theirs and n in self._ours and n not in worked_out
            if n != number and (common or self._numbers.made[n].form is None):
                if n not in self._numbers.buffers:
                    found.add(n)
                continue
            before = [r for r in self._numbers.made[n].reads if r not in seen]
            seen.update(before)
            todo += before
        return found


def _same(values: Values, a: int, b: int) -> bool:
    try:
        return values.same(a, b)
    except Unknown:
        return False
