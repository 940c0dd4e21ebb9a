"""The op `replication_pad2d`."""

from __future__ import annotations

from archc.ops.padding.family import EdgePad


class ReplicationPad2d(EdgePad):
    """The pixels of its edges around C x H x W: left, right, top, bottom
    (torch.nn.ReplicationPad2d)."""

    op = "replication_pad2d"
    other_names = ("replication_pad", "replicate_pad", "edge_pad")
    module_class = "nn.ReplicationPad2d"
    mode = "replicate"
