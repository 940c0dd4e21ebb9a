"""Modules that are known as a whole: what they call is not looked at.

Some show nothing of what they are in evaluation, as what drops whole branches, others
compute on their weights before they use them. Each class is here with the op that does
the same, and what its attributes are called there.
"""

from __future__ import annotations

WHOLE: dict[str, tuple[str, dict[str, str]]] = {
    "torchvision.ops.stochastic_depth.StochasticDepth": (
        "stochastic_depth", {"p": "p", "mode": "mode"},
    ),
    "timm.layers.drop.DropPath": ("stochastic_depth", {"drop_prob": "p"}),
    "timm.layers.grn.GlobalResponseNorm": ("global_response_norm", {"eps": "eps"}),
}  # fmt: skip
