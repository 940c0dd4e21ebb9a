"""The names of what is checked of a generated module; they are known without torch."""

from __future__ import annotations

VERIFY = {
    "module": "the generated code runs and its class can be built",
    "tensors": "parameters and buffers have the network's names, shapes and types",
    "layers": "every layer computes what it should, from what it should, in training"
    " and in evaluation",
    "shapes": "every layer's output has the inferred shape",
    "macs": "torch counts as many multiply-adds for each layer",
    "outputs": "training returns the output and those of the heads, with their"
    " weights; evaluation the output alone",
    "initialization": "every parameter starts as [init], or else PyTorch, says",
    "arguments": "the constructor's arguments do what the spec's parameters do",
}
"""What `archc verify` holds, in this order; where one fails, the later ones are not
reached."""

SMOKE = (
    "runs",
    "finite",
    "gradients",
    "heads",
    "loss falls",
    "modes",
    "same seed",
    "save and load",
)
"""What `archc smoke` looks at, in this order."""
