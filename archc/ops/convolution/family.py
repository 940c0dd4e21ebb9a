"""What the ops of this family share."""

from __future__ import annotations

SHOWS = (
    ("kernel_size", "{}x{}"),
    ("stride", "/{}"),
    ("out_channels", "{}"),
    ("dilation", "dilation {}"),
    ("groups", "groups {}"),
)


OTHER_ATTRIBUTES = (
    ("filters", "out_channels"),
    ("num_filters", "out_channels"),
    ("num_output", "out_channels"),
    ("out_features", "out_channels"),
    ("out_planes", "out_channels"),
    ("units", "out_channels"),
    ("size", "kernel_size"),
    ("ksize", "kernel_size"),
    ("strides", "stride"),
    ("subsample", "stride"),
    ("pad", "padding"),
    ("dilation_rate", "dilation"),
    ("group", "groups"),
    ("bias_term", "bias"),
    ("use_bias", "bias"),
)
WINDOW = "input weight bias stride=1 padding=0"
