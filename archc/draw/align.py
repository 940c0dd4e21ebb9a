"""Boxes in rows, moved so that what only continues another one stands below it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

from archc.draw.order import in_order

_STRAIGHT = 0.01
_Steps = dict[int, dict[int, float]]


class Joint(NamedTuple):
    """Two places that should be so far apart, the second from the first."""

    first: int
    second: int
    off: float


@dataclass(slots=True)
class Bands:
    """Places in rows, each from left to right, and how near they may come."""

    rows: Sequence[Sequence[int]]
    steps: Mapping[tuple[int, int], float]
    reach: Mapping[int, tuple[float, float]]
    """How far each extends to the left and to the right."""


def aligned(
    bands: Bands, center: Mapping[int, float], joints: Sequence[Joint], broader: float
) -> dict[int, float]:
    """The centers, moved so that as many joints as can be are kept.

    The order of each row stays, and what is alone in its row moves least. All gets no
    broader than by a share of `broader`.
    """
    groups = _Groups(bands, {i: (i, 0.0) for i in center})
    bent: list[tuple[float, Joint]] = []
    for joint in joints:
        jog = abs(center[joint.second] - center[joint.first] - joint.off)
        if jog < _STRAIGHT:
            groups.join(joint)
        else:
            bent.append((jog, joint))
    if not bent:
        return dict(center)
    left = min(center[i] - bands.reach[i][0] for i in center)
    right = max(center[i] + bands.reach[i][1] for i in center)
    # lines between places of lines are straightened first
    order = sorted(bent, key=lambda x: (max(x[1][:2]) >= 0, x))
    most = (right - left) * (1 + broader)
    groups = _kept(groups, [joint for _, joint in order], most)
    more = max(0.0, (groups.breadth() or 0.0) - (right - left))
    return groups.placed(center, left - more, right + more)


def _kept(groups: _Groups, joints: Sequence[Joint], most: float) -> _Groups:
    """Groups with each of the joints that is possible with those before it.

    Several are tried at once where that goes well: a joint makes nothing possible that
    was not.
    """
    at, count = 0, len(joints)
    while at < len(joints):
        tried = _Groups(groups.bands, groups.home)
        for joint in joints[at : at + count]:
            tried.join(joint)
        breadth = tried.breadth()
        fits = breadth is not None and breadth <= most
        groups = tried if fits else groups
        at += count if fits or count == 1 else 0
        count = count * 2 if fits else 1
    return groups


class _Groups:
    """Places that keep their distances from each other."""

    def __init__(self, bands: Bands, home: Mapping[int, tuple[int, float]]) -> None:
        self.bands = bands
        self.home = dict(home)
        """For each place its group, and how far it is from that one's middle."""

    def join(self, joint: Joint) -> None:
        """Makes one of two groups."""
        (one, a), (other, b) = self.home[joint.first], self.home[joint.second]
        if one == other:
            return
        shift = a + joint.off - b
        for i, (group, off) in self.home.items():
            if group == other:
                self.home[i] = one, off + shift

    def breadth(self) -> float | None:
        """How broad all is at least; None if the rows would lose their order."""
        steps = self._steps()
        if steps is None:
            return None
        low = self._ends(steps, 0, 0.0)
        return max(
            low[group] + off + self.bands.reach[i][1]
            for i, (group, off) in self.home.items()
        )

    def placed(
        self, center: Mapping[int, float], left: float, right: float
    ) -> dict[int, float]:
        """The places, each group as near as it can be to where its boxes were."""
        steps = self._steps()
        assert steps is not None
        low, high = self._ends(steps, 0, left), self._ends(steps, 1, right)
        members: dict[int, list[int]] = {}
        for i, (group, _) in self.home.items():
            members.setdefault(group, []).append(i)
        alone = {row[0] for row in self.bands.rows if len(row) == 1}

        def weight(group: int) -> tuple[bool, int]:
            return alone.isdisjoint(members[group]), -len(members[group])

        for group in sorted(members, key=weight):
            boxes = [i for i in members[group] if i in alone]
            boxes = boxes or [i for i in members[group] if i >= 0] or members[group]
            wish = sum(center[i] - self.home[i][1] for i in boxes) / len(boxes)
            at = min(max(wish, low[group]), high[group])
            low[group] = high[group] = at
            _push(low, steps[0], group, max)
            _push(high, steps[1], group, min)
        return {i: low[group] + off for i, (group, off) in self.home.items()}

    def _steps(self) -> tuple[_Steps, _Steps] | None:
        """How far groups beside each other have to be apart, from the left and from the
        right; None if one would have to stand at both sides of another."""
        after: _Steps = {group: {} for group, _ in self.home.values()}
        before: _Steps = {group: {} for group in after}
        for row in self.bands.rows:
            for a, b in pairwise(row):
                (one, off), (other, further) = self.home[a], self.home[b]
                step = off + self.bands.steps[a, b] - further
                if one == other and step > _STRAIGHT:
                    return None
                if one == other:
                    continue
                step = max(step, after[one].get(other, step))
                after[one][other] = step
                before[other][one] = -step
        groups = list(after)
        number = {group: n for n, group in enumerate(groups)}
        pairs = [(number[a], number[b]) for a in after for b in after[a]]
        order = in_order(len(groups), pairs)
        if len(order) < len(groups):
            return None
        return (
            {groups[n]: after[groups[n]] for n in order},
            {groups[n]: before[groups[n]] for n in reversed(order)},
        )

    def _ends(
        self, steps: tuple[_Steps, _Steps], side: int, edge: float
    ) -> dict[int, float]:
        """How far to the left, or to the right, each group can stand."""
        found: dict[int, float] = {}
        for i, (group, off) in self.home.items():
            reach = self.bands.reach[i]
            at = edge - off + (-reach[1] if side else reach[0])
            known = found.get(group, at)
            found[group] = min(known, at) if side else max(known, at)
        for group, further in steps[side].items():
            for other, step in further.items():
                at = found[group] + step
                found[other] = min(found[other], at) if side else max(found[other], at)
        return found


def _push(
    ends: dict[int, float],
    steps: _Steps,
    group: int,
    further: Callable[[float, float], float],
) -> None:
    """Moves what has to give way to a group as far as it must."""
    waiting = [group]
    while waiting:
        one = waiting.pop()
        for other, step in steps[one].items():
            at = further(ends[other], ends[one] + step)
            if at != ends[other]:
                ends[other] = at
                waiting.append(other)
