"""What things are called: plain names, and names that get in the way of something."""

from __future__ import annotations

from unicodedata import normalize

from tests.random_networks.drawing import Draw

PLAIN = {
    "layer": ("conv", "unit", "stage", "norm", "act", "pool", "stem", "down", "proj",
              "body", "part", "mix", "fc", "features", "classifier", "denselayer"),
    "param": ("width", "growth", "depth", "rate", "kernel", "planes", "expand",
              "squeeze", "wide", "count", "steps", "flag", "groups", "size", "base"),
    "block": ("unit", "basic_block", "bottleneck", "cell", "mixed", "se_unit", "down"),
    "counter": ("i", "j", "k", "n", "s", "step", "stage"),
    "head": ("aux", "aux1", "aux2", "side"),
    "network": ("random_net", "net", "small_net"),
}  # fmt: skip

IMPORTED = (
    "torch", "nn", "F", "math", "Tensor", "Sequence", "OrderedDict", "NamedTuple",
    "ClassVar", "Module", "Parameter", "Sequential", "ModuleList", "Any", "Callable",
    "annotations", "collections", "typing",
)  # fmt: skip
BUILTINS = (
    "max", "len", "range", "int", "super", "print", "list", "dict", "tuple", "str",
    "next", "iter", "zip", "enumerate", "object", "property", "min", "sum", "round",
    "abs", "isinstance", "getattr", "reversed", "bool", "type", "staticmethod",
    "classmethod", "setattr", "map", "filter", "any", "all", "id", "hash", "slice",
)  # fmt: skip
LOCALS = (
    "x", "y", "identity", "out", "channels", "width", "features", "feature_channels",
    "inputs", "layers", "layer", "module", "previous", "scale", "branch1", "branches",
    "shortcut", "i", "j", "k", "n", "block", "group", "stage", "result", "outputs",
    "logits", "main", "output", "in_features", "out_channels", "stride", "index", "op",
    "in_channels_", "self_", "this", "cls", "dim", "dims", "start", "stop", "p", "mode",
    "enabled", "use_skip", "size", "value", "values", "weight", "bias", "depth", "skip",
    "count", "relu", "relu_1", "add", "concat", "mul", "conv", "aux", "heads", "eval_",
    "key", "name_", "path", "rows", "mask", "survival", "conv2d",
)  # fmt: skip
OWN = (
    "loss_weights", "__all__", "_initialize_weights", "init_weights", "StochasticDepth",
    "Permute", "ChannelSlice", "_Output", "Output", "_modules", "_parameters",
    "_buffers", "_forward_hooks", "_version", "_get_name", "_replace", "_fields",
    "_asdict", "_make", "__init__", "__name__", "index_", "_apply", "_call_impl",
)  # fmt: skip
ODD = (
    "x_", "x2", "_", "_x", "__", "a", "A", "l", "O", "x_1", "conv1", "conv_1", "_1",
    "class_", "def_", "if_", "None_", "lambda_", "match", "case", "_private", "a_b",
    "aB", "A_B", "ab", "Foo", "foo", "FOO", "foo_", "foo__", "f", "nN", "tensor",
    "ﬁrst", "first", "Ω", "λ", "層", "é", "e\u0301", "ｘ", "ªx", "ſ", "straße", "K",
)  # fmt: skip
CLASHING = (
    ("foo", "Foo", "FOO", "foo_", "_foo"),
    ("a_b", "aB", "A_B", "ab", "a__b"),
    ("x", "x_", "_x", "x2", "x_2", "X"),
    ("tensor", "Tensor", "tensor_"),
    ("permute", "Permute", "permute_"),
    ("channel_slice", "ChannelSlice", "channelSlice"),
    ("stochastic_depth", "StochasticDepth", "stochastic__depth"),
    ("ordered_dict", "OrderedDict", "named_tuple", "NamedTuple"),
    ("sequence", "Sequence", "sequential", "Sequential"),
    ("f", "F", "nn", "Nn", "NN"),
    ("conv", "conv1", "conv_1", "conv1_", "conv_"),
    ("relu", "relu_1", "relu1", "Relu", "ReLU"),
    ("i", "j", "k", "i_", "n"),
    ("block", "Block", "block_", "blocks"),
    ("output", "Output", "_Output", "outputs", "RandomNetOutput"),
    ("int", "Int", "int_", "float_", "str_"),
)
"""Names that become one when they are made classes, arguments or locals."""
HOSTILE = (*IMPORTED, *BUILTINS, *LOCALS, *OWN, *ODD)

KEYS = (
    "0", "1", "2", "10", "block1-0", "0-1", "-", "class", "lambda", "None", "1x1",
    "conv 1", "3×3", 'say "x"', "it's", "a\\b", "$", "#1", "%s", "名-0", "🙂", "a,b",
)  # fmt: skip
"""Names of layers that are no identifiers."""
LISTS = ("convs", "bns", "branches.0", "fuse_layers.1.0", "list-1", "0", "moduleses")
"""Scopes that dotted names put nodes into."""

# a few names met again and again in one network find more than many met once
FEW = 14

DOCS = (
    "What it does.",
    'A "quoted" word, a \\ backslash and it ends "so"',
    'Three of them: """ and so on',
    '"',
    "\\",
    "ends in a backslash \\",
    "'single' and \"double\" and `back`",
    "Long enough that it cannot stand on one line of a file that is to be no wider than"
    " 88 columns, wherever it stands and however deep.",
    "A_word_that_is_long_enough_that_it_cannot_stand_on_one_line_of_a_file_" + "x" * 60,
    "Ünïcode × 3, 層, no full stop",
    "Two lines\nof it.",
    "\nStarts and ends with nothing\n\n",
    "  leading and trailing space  ",
    "tab\there, {braces} and %s and {{ jinja }} and {% raw %}",
    "",
    "#",
    "\\N{DASH} \\x41 \\u0041 \\",
    "combining e\u0301 and a no-break\u00a0space, zero\u200bwidth",
)


class Names:
    """Hands out names; `hostile` ones with a switch."""

    def __init__(self, draw: Draw, *, hostile: bool) -> None:
        self.draw = draw
        self.hostile: list[str] = []
        if hostile:
            self.hostile = draw.shuffled(HOSTILE)[:FEW]
            for names in draw.shuffled(CLASHING)[: draw.number(0, 2)]:
                self.hostile += names

    def stem(self, kind: str) -> str:
        """A name, which may be taken already."""
        if kind == "layer" and self.draw.chance(6):
            return self.draw.pick(KEYS)
        if self.hostile and self.draw.chance(65):
            return self.draw.pick(self.hostile)
        return self.draw.pick(PLAIN[kind])

    def fresh(self, kind: str, taken: set[str]) -> str:
        """A name that is not taken; it is then."""
        name = stem = self.stem(kind)
        if kind in ("param", "counter"):
            # an expression knows a name by what Python makes of it
            name = stem = normalize("NFKC", stem)
        number = 1
        while name in taken:
            number += 1
            # no digit at the end, where a counter may follow
            name = f"{stem}{number}_" if self.draw.chance(30) else f"{stem}_{number}x"
        taken.add(name)
        return name

    def doc(self) -> str:
        return self.draw.pick(DOCS)
