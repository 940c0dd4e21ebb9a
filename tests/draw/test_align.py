"""What only continues something stands below it, where there is room."""

from __future__ import annotations

import random
from itertools import pairwise

import pytest

from archc.draw.align import Bands, Joint, aligned
from archc.draw.drawing import Options
from tests.draw.looks import drawn, hold

WIDE = 5.0


def bands(rows: list[list[int]]) -> Bands:
    """Places that are all ten broad."""
    steps = {pair: 2 * WIDE for row in rows for pair in pairwise(row)}
    return Bands(rows, steps, {i: (WIDE, WIDE) for row in rows for i in row})


def test_a_line_is_straightened() -> None:
    given = {0: 0.0, 1: 12.0, 2: 0.0, 3: 15.0}
    found = aligned(bands([[0, 1], [2, 3]]), given, [Joint(1, 3, 0.0)], 0.1)
    assert found[1] == found[3]
    assert found[0] == found[2] == 0.0


def test_nothing_gets_broader_than_it_may() -> None:
    rows = [[0, 1], [2, 3], [4, 5]]
    joints = [Joint(1, 2, 0.0), Joint(3, 4, 0.0)]
    given = {0: 0.0, 1: 10.0, 2: 0.0, 3: 10.0, 4: 0.0, 5: 10.0}
    assert aligned(bands(rows), given, joints, 0.1) == given
    found = aligned(bands(rows), given, joints, 1.0)
    assert found[1] == found[2] and found[3] == found[4]


def test_rows_keep_their_order() -> None:
    """Lines that cross can't both be straight."""
    given = {0: 0.0, 1: 20.0, 2: 0.0, 3: 20.0}
    joints = [Joint(0, 3, 0.0), Joint(1, 2, 0.0)]
    found = aligned(bands([[0, 1], [2, 3]]), given, joints, 9.0)
    assert found[1] - found[0] >= 2 * WIDE and found[3] - found[2] >= 2 * WIDE
    assert (found[0] == found[3]) != (found[1] == found[2])


@pytest.mark.parametrize("seed", range(30))
def test_what_is_straight_stays_so_and_nothing_overlaps(seed: int) -> None:
    draw = random.Random(seed)
    rows: list[list[int]] = []
    for _ in range(6):
        begin = sum(map(len, rows))
        rows.append(list(range(begin, begin + draw.randint(1, 4))))
    given: dict[int, float] = {}
    for row in rows:
        at = draw.uniform(-30, 0)
        for i in row:
            given[i] = at = at + 2 * WIDE + draw.choice([0, draw.uniform(0, 20)])
    joints: list[Joint] = []
    for above, below in pairwise(rows):
        pairs = zip(draw.sample(above, len(above)), below, strict=False)
        joints += (Joint(a, b, draw.choice([0.0, 3.0])) for a, b in pairs)

    def straight(at: dict[int, float]) -> set[Joint]:
        return {j for j in joints if abs(at[j.second] - at[j.first] - j.off) < 0.01}

    def breadth(at: dict[int, float]) -> float:
        return max(at.values()) - min(at.values()) + 2 * WIDE

    found = aligned(bands(rows), given, joints, 0.2)
    assert straight(given) <= straight(found)
    for row in rows:
        assert all(found[b] - found[a] >= 2 * WIDE - 1e-6 for a, b in pairwise(row))
    # what it grows by may come to both sides
    assert breadth(found) <= breadth(given) * 1.4 + 1e-6


def bends(way: list[tuple[float, ...]]) -> int:
    """How often a line turns."""
    pieces = [(abs(b[0] - a[0]), abs(b[1] - a[1])) for a, b in pairwise(way)]
    across = [x > y for x, y in pieces if x + y > 0.02]
    return sum(a != b for a, b in pairwise(across))


@pytest.mark.parametrize(("name", "options"), [
    ("timm/dpn68", Options("layer")), ("timm/hrnet_w18_small", Options("layer")),
    ("timm/dpn68", Options("block", width=170)), ("timm/dpn68", Options("block")),
    ("timm/inception_resnet_v2", Options("block")),
    ("torchvision/deeplabv3_resnet50", Options("block", width=170)),
], ids=str)  # fmt: skip
def test_lines_turn_where_they_part_and_where_they_meet_alone(
    name: str, options: Options
) -> None:
    svg = drawn(name, options)
    hold(svg)
    assert max(map(bends, svg.edges)) <= 4
