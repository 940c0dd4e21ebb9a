"""Lists of modules whose members are called one by one."""

from __future__ import annotations

from archc.importing.gathering import gather
from archc.importing.items import SEQUENTIAL, Item, OpItem, Scope


def _conv(path: str, reads: int) -> OpItem:
    return OpItem(path, [reads], [reads + 1], "conv2d", {}, True)


def _sequence(path: str, reads: int) -> Scope:
    inner: list[Item] = [_conv(f"{path}.0", reads)]
    return Scope(path, [reads], [reads + 1], SEQUENTIAL, inner)


def test_a_list_is_put_together_if_all_of_it_stands_there() -> None:
    """Also where a member of it is a list itself, as HRNet's are."""
    containers = {"fuse": SEQUENTIAL, "fuse.0": SEQUENTIAL}
    for other, paths in (
        ("head", ["head", "fuse"]),
        ("fuse.0.1", ["fuse.0", "fuse.2"]),
    ):
        items: list[Item] = [_sequence(other, 0), _sequence("fuse.2", 1)]
        root = Scope("", [0], [2], "Net", items)
        gather(root, containers, [2])
        assert [item.path for item in root.items] == paths
