"""Rules about layers that follow each other, and about what ends a network."""

from __future__ import annotations

from collections.abc import Iterator
from math import prod

from archc.advice.view import Finding, Rule, View, is_normed_by_batch
from archc.network.graph import Layer, Value
from archc.ops.sizes import sizes_of

_WEIGHTED = ("convolution", "linear")


def _bias_before_norm(view: View) -> Iterator[Finding]:
    for layer in view.layers:
        has_bias = layer.op.category in _WEIGHTED and getattr(layer.op, "bias", False)
        if has_bias and is_normed_by_batch(view.only_reader(layer)):
            yield Finding(layer, "the batch normalisation behind it removes its bias")


def _activations_in_a_row(view: View) -> Iterator[Finding]:
    for layer in view.layers:
        before = layer.inputs[0].layer
        if before is None or layer.op.category != "activation":
            continue
        if before.op.category == "activation":
            yield Finding(layer, f"it follows another activation, `{before.path}`")


def _dropout_before_norm(view: View) -> Iterator[Finding]:
    for layer in view.layers:
        if layer.op.category != "dropout":
            continue
        behind: Layer | None = view.only_reader(layer)
        while behind is not None and behind.op.category in (*_WEIGHTED, "activation"):
            behind = view.only_reader(behind)
        if is_normed_by_batch(behind):
            yield Finding(
                layer,
                "the batch normalisation behind it learns a variance that is another"
                " one in evaluation",
            )


def _ends(view: View) -> Iterator[Layer]:
    """What gives vectors of classes, whatever reshapes or pools come behind it."""
    for value in view.network.results():
        layer = value.layer
        if layer is None or value.shape is None or len(value.shape.dims) != 1:
            continue
        while layer.op.category == "reshape" and layer.inputs[0].layer is not None:
            layer = layer.inputs[0].layer
        if layer.op.category == "activation":
            yield layer


def _is_of_weights(value: Value) -> bool:
    return value.layer is not None and value.layer.op.category in _WEIGHTED


def _softmax_before_loss(view: View) -> Iterator[Finding]:
    for layer in _ends(view):
        if layer.op.output_range == (0, 1):
            yield Finding(
                layer, "the cross entropy of PyTorch has a softmax of its own"
            )


def _activation_on_logits(view: View) -> Iterator[Finding]:
    for layer in _ends(view):
        if layer.op.output_range != (0, 1) and _is_of_weights(layer.inputs[0]):
            yield Finding(layer, "it bounds the logits, which the loss takes as is")


def _norm_over_one_value(view: View) -> Iterator[Finding]:
    for layer in view.layers:
        sizes = layer.input_shape().sizes
        if is_normed_by_batch(layer) and len(sizes) > 1 and prod(sizes[1:]) == 1:
            yield Finding(
                layer, "each sample has one value for a channel: the batch alone gives"
                " the statistics"
            )  # fmt: skip


def _groups_that_starve(view: View) -> Iterator[Finding]:
    for layer in view.layers:
        groups = getattr(layer.op, "groups", 1)
        if layer.op.category != "convolution" or groups == 1:
            continue
        width = sizes_of((layer.input_shape().channels,))[0] // groups
        if 1 < width < _NARROWEST:
            yield Finding(layer, f"each of its {groups} groups reads {width} channels")


_NARROWEST = 4
"""The narrowest groups of Xie et al. 2016, Table 2."""


def _head_at_the_end(view: View) -> Iterator[Finding]:
    weighted = [x for x in view.network.layers() if x.parameters()]
    for head in view.network.heads:
        after = _behind(view, head.source)
        if not any(layer in after for layer in weighted):
            first = next(head.region.layers(), None)
            if first is not None:
                yield Finding(
                    first,
                    f"no layer with weights comes behind the place of the head"
                    f" `{head.name}`",
                )


def _behind(view: View, value: Value) -> set[Layer]:
    """The layers of the main path that a value reaches."""
    main, found = set(view.network.layers()), set[Layer]()
    stack = [value]
    while stack:
        for layer in view.readers.get(stack.pop(), []):
            if layer in main and layer not in found:
                found.add(layer)
                stack.append(layer.output)
    return found


RULES = (
    Rule(
        "bias-before-norm",
        "A bias that batch normalisation takes away again.",
        "Ioffe and Szegedy 2015, arXiv:1502.03167, section 3.2",
        "write bias = false",
        _bias_before_norm,
    ),
    Rule(
        "activations-in-a-row",
        "An activation of an activation.",
        "He et al. 2016, arXiv:1603.05027, section 4: one activation a weight layer",
        "leave one of them out, or put a layer with weights between them",
        _activations_in_a_row,
    ),
    Rule(
        "softmax-before-loss",
        "The output is bounded to probabilities, and the cross entropy does so again.",
        "Goodfellow, Bengio and Courville 2016, Deep Learning, section 6.2.2.3",
        "leave it out, and use it where probabilities are wanted",
        _softmax_before_loss,
    ),
    Rule(
        "activation-on-logits",
        "The output is an activation of the last layer with weights.",
        "Goodfellow, Bengio and Courville 2016, Deep Learning, section 6.2.2",
        "leave the activation out",
        _activation_on_logits,
    ),
    Rule(
        "dropout-before-norm",
        "Dropout changes the variance that the batch normalisation behind it learns.",
        "Li et al. 2019, arXiv:1801.05134",
        "put the dropout behind the last batch normalisation",
        _dropout_before_norm,
    ),
    Rule(
        "norm-over-one-value",
        "Batch normalisation of maps of one pixel has the batch alone to measure.",
        "Wu and He 2018, arXiv:1803.08494, section 1",
        "use a group normalisation, or normalise before the pooling",
        _norm_over_one_value,
    ),
    Rule(
        "groups-that-starve",
        "Groups of a convolution that read two or three channels.",
        "Xie et al. 2016, arXiv:1611.05431, Table 2",
        "take fewer groups, or as many as there are channels",
        _groups_that_starve,
    ),
    Rule(
        "head-at-the-end",
        "An auxiliary classifier with no layer to help.",
        "Szegedy et al. 2014, arXiv:1409.4842, section 5: heads stand at middle layers",
        "attach it to an earlier node, or leave it out",
        _head_at_the_end,
    ),
)
