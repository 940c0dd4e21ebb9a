"""The spec of a module that somebody has."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import nn


class ImportRefused(Exception):
    """A module that no spec says, or whose spec would compute something else."""


def import_module(
    module: nn.Module,
    input_shape: Sequence[int] | Mapping[str, Sequence[int]],
    *,
    name: str | None = None,
    opaque: bool = False,
) -> str:
    """The text of a spec that is `module`.

    `input_shape` is that of one sample, without the batch (channels, height, width), or
    those of several inputs by the names of `forward`'s arguments. The spec is compiled,
    takes the module's `state_dict` strictly and gives the same outputs on the CPU in
    evaluation; the module is as it was afterwards. `name` is the network's, by default
    that of its class. Where it may be `opaque`, modules that no spec can say stay what
    they are: ops of the spec's own, which import their class.

    Raises:
        ImportRefused: with every reason, if there is no such spec.
        ImportError: without PyTorch.
    """
    try:
        from archc.run.importing.session import import_network
        from archc.run.importing.tracer import input_names
    except ImportError as error:
        raise ImportError(
            "importing a module needs PyTorch: pip install 'archc-compiler[torch]'"
        ) from error
    if not isinstance(input_shape, Mapping):
        names = input_names(module)
        input_shape = {names[0] if names else "input": input_shape}
    result = import_network(
        module, name or type(module).__name__, input_shape, opaque=opaque
    )
    if not result.passed:
        proof = result.proof
        reasons = result.reasons or [
            proof.why or f"its outputs differ, first at {proof.first}"
        ]
        raise ImportRefused("\n".join(reasons))
    return result.text
