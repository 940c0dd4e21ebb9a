"""The ops `replication_pad1d`, `replication_pad2d` and `replication_pad3d`."""

from __future__ import annotations

from archc.ops.padding.family import EdgePad


class _ReplicationPad(EdgePad):
    """The pixels of its edges around a map."""

    mode = "replicate"


class ReplicationPad2d(_ReplicationPad):
    """The pixels of its edges around C x H x W: left, right, top, bottom
    (torch.nn.ReplicationPad2d)."""

    op = "replication_pad2d"
    other_names = ("replication_pad", "replicate_pad", "edge_pad")
    module_class = "nn.ReplicationPad2d"


class ReplicationPad1d(_ReplicationPad):
    """The numbers at its ends around C x L: before and behind
    (torch.nn.ReplicationPad1d)."""

    op = "replication_pad1d"
    axes = 1
    module_class = "nn.ReplicationPad1d"


class ReplicationPad3d(_ReplicationPad):
    """The pixels of its sides around C x D x H x W: left, right, top, bottom, front,
    back (torch.nn.ReplicationPad3d)."""

    op = "replication_pad3d"
    axes = 3
    module_class = "nn.ReplicationPad3d"
