"""Random valid specs in the whole language.

What a node makes of its value is tracked as far as validity needs it: a `State` says
which values are known to have the same channels and the same size, so that merges of
any kind can be written that hold in every iteration and for every argument.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from random import Random
from typing import Any

Table = dict[str, Any]
Kinds = dict[str, str]
"""Names an expression may read, each with the kind of its value."""

ACTIVATIONS: tuple[Table, ...] = (
    {"op": "relu"},
    {"op": "relu", "inplace": False},
    {"op": "relu", "inplace": True},
    {"op": "relu6"},
    {"op": "leaky_relu", "negative_slope": 0.1},
    {"op": "elu"},
    {"op": "gelu"},
    {"op": "gelu", "approximate": "tanh"},
    {"op": "silu"},
    {"op": "sigmoid"},
    {"op": "tanh"},
    {"op": "hardswish"},
    {"op": "hardsigmoid"},
)
ANYWHERE: tuple[Table, ...] = (
    {"op": "identity"},
    {"op": "dropout", "p": 0.25},
    {"op": "dropout"},
    {"op": "softmax", "dim": 1},
    {"op": "stochastic_depth", "p": 0.2},
    {"op": "stochastic_depth", "p": 0.1, "mode": "batch"},
)
ON_MAPS: tuple[Table, ...] = (
    {"op": "batch_norm2d"},
    {"op": "batch_norm2d", "eps": 0.001, "momentum": 0.01},
    {"op": "batch_norm2d", "affine": False},
    {"op": "group_norm", "num_groups": 1},
    {"op": "group_norm", "num_groups": "in_channels"},
    {"op": "local_response_norm", "size": 3},
    {"op": "dropout2d", "p": 0.3},
    {"op": "max_pool2d", "kernel_size": 3, "stride": 1, "padding": 1},
    {"op": "avg_pool2d", "kernel_size": 3, "stride": 1, "padding": 1},
    {"op": "channel_shuffle", "groups": "in_channels"},
)
RESIZING: tuple[Table, ...] = (
    {"op": "max_pool2d", "kernel_size": 3, "stride": 2, "padding": 1},
    {
        "op": "max_pool2d",
        "kernel_size": 3,
        "stride": 2,
        "padding": 1,
        "ceil_mode": True,
    },
    {"op": "avg_pool2d", "kernel_size": 3, "stride": 2, "padding": 1},
    {"op": "adaptive_avg_pool2d", "output_size": 3},
    {"op": "adaptive_avg_pool2d", "output_size": [2, 4]},
    {"op": "adaptive_max_pool2d", "output_size": 2},
    {"op": "upsample", "size": [6, 5]},
    {"op": "upsample", "size": 5, "mode": "bilinear", "align_corners": False},
    {"op": "zero_pad2d", "padding": 1},
    {"op": "zero_pad2d", "padding": [0, 1, 2, 0]},
)


# what generated code calls things itself, or what torch does
TAKEN = (
    "x", "identity", "inputs", "features", "layer", "layers", "out", "scale", "nn", "F",
    "torch", "Tensor", "math", "channels", "width", "branch1", "conv", "stage", "block",
    "previous", "shortcut", "feature_channels", "weight", "bias", "index",
    "out_channels",
    "Sequence", "OrderedDict", "in_channels", "stride", "enabled", "use_skip", "iter",
    "range", "module", "dim", "input_", "kernel_size", "Permute", "depth", "value",
)  # fmt: skip
KEYS = frozenset({"block", "layers", "shortcut", "index", "in_channels"})
"""Names among these that no parameter may have."""
DOCS = (
    "What it does.",
    'A "quoted" word, a \\ backslash and it ends "so"',
    'Three of them: """ and so on',
    "Long enough that it cannot stand on one line of a file that is to be no wider than"
    " 88 columns, wherever it stands and however deep.",
    "Ünïcode × 3, no full stop",
)


@dataclass(frozen=True)
class State:
    """What is known of a value: equal tokens mean equal channels, or equal sizes."""

    channels: str
    size: str
    vector: bool = False


@dataclass(frozen=True)
class Context:
    """Where a node stands."""

    kinds: Kinds
    names: str
    """How children are called: "named", "numbered", or "free" as in a body."""
    start: State
    """What enters the block or network around it."""
    path: str | None = ""
    """Path of the scope in its body, with a final dot; None where it has no one
    path."""
    counters: tuple[str, ...] = ()
    """Counters that a name must hold to be unique in its scope."""
    values: dict[str, State] = field(default_factory=dict[str, State])
    """What a `from` may read."""
    depth: int = 0

    def inside(self, path: str | None, names: str) -> Context:
        """A scope of names of its own."""
        return replace(self, path=path, names=names, counters=(), depth=self.depth + 1)


@dataclass(frozen=True)
class BlockKind:
    """What a block does: keeps its value's shape, or gives it channels and a stride."""

    name: str
    kinds: Kinds
    optional: frozenset[str]
    effect: str


class Writer:
    """Writes one spec of about `size` nodes."""

    def __init__(self, random: Random, size: int = 45) -> None:
        self.random = random
        self.serial = 9
        self.blocks: dict[str, Table] = {}
        self.block_kinds: list[BlockKind] = []
        self.nodes_left = size
        # names that clash with what generated code uses itself
        self.nasty = [n for n in TAKEN if self.chance(30)] if self.chance(25) else []

    # ---- drawing

    def chance(self, percent: int) -> bool:
        return self.random.randrange(100) >= 100 - percent

    def pick(self, options: Sequence[Any]) -> Any:
        return options[self.random.randrange(len(options))]

    def fresh(self) -> str:
        self.serial += 1
        return f"t{self.serial}"

    # ---- a whole spec

    def spec(self) -> Table:
        params, kinds = self.params()
        for _ in range(self.random.randrange(4)):
            self.block()
        layers, heads = self.network(kinds)
        wide = self.named(Context(kinds, "free", State("", "")), "channels")
        channels = self.pick(wide) if wide and self.chance(20) else self.pick((3, 4))
        spec: Table = {
            "archc": 1,
            "name": "random_net",
            "params": params,
            "network": {"input": [channels, 16, 16], "layers": layers},
            "blocks": self.blocks,
        }
        if self.chance(20):
            spec["title"] = self.pick(DOCS)
        if self.chance(20):
            spec["source"] = self.pick(DOCS)
        if heads:
            spec["heads"] = heads
        if self.chance(15):
            spec["init"] = {
                "conv2d": {"weight": {"init": "kaiming_normal_", "mode": "fan_out"}},
                "batch_norm2d": "ones_",
                "linear": {"weight": {"init": "normal_", "std": 0.01}, "bias": 0},
            }
            if self.chance(50):
                del spec["init"]["conv2d"]
        return spec

    def params(self) -> tuple[Table, Kinds]:
        every: list[tuple[str, str, Any]] = [
            ("width", "channels", 4),
            ("growth", "channels", 2),
            ("deep", "flag", True),
            ("plain", "flag", False),
            ("kernel", "odd", 3),
            ("rate", "share", 0.25),
            ("blocks", "count", 2),
            ("none", "count", 0),
            ("depths", "counts", [1, 2, 0]),
            ("widths", "channels list", [4, 6, 5]),
            ("table", "rows", [[4, 1], [6, 2], [5, 1]]),
            ("hidden", "channels", "width * 2"),
            ("narrow", "channels", "max(hidden // 3, 2)"),
        ]
        kept = [e for e in every if self.chance(60)]
        names = {name for name, _, _ in kept}
        if "narrow" in names:
            names |= {"hidden"}
        if "hidden" in names:
            names |= {"width"}
        chosen = [e for e in every if e[0] in names]
        params = {n: v for n, _, v in chosen}
        kinds = {n: k for n, k, _ in chosen}
        for old in ("growth", "deep", "kernel", "blocks", "widths"):
            new = self.pick(self.nasty) if self.nasty else old
            if old in params and new not in params and new not in KEYS:
                params[new], kinds[new] = params.pop(old), kinds.pop(old)
        return params, kinds

    def network(self, kinds: Kinds) -> tuple[list[Table], list[Table]]:
        start = State("t0", "s0")
        names = "numbered" if self.chance(15) else "free"
        at = Context(kinds, names, start)
        layers, state = self.chain(at, start, 2 + self.random.randrange(4))
        if names == "free" and not state.vector and self.chance(15):
            nodes, state = self.u_net(at, state)
            layers += nodes
        heads: list[Table] = []
        maps = [p for p, s in at.values.items() if not s.vector]
        if names == "free" and maps and self.chance(35):
            for name in ("aux1", "aux2")[: 1 + self.random.randrange(2)]:
                heads.append(self.head(at, name, self.pick(maps)))
        if not state.vector and self.chance(60):
            layers += self.classifier(at)
        return layers, heads

    def head(self, at: Context, name: str, source: str) -> Table:
        shared: Table = {"name": name, "from": source, "loss_weight": 0.3}
        usable = [b for b in self.block_kinds]
        if usable and self.chance(50):
            block = self.pick(usable)
            state = State(self.fresh(), self.fresh())
            node, _ = self.use(replace(at, values={}), state, block, None)
            node.pop("name", None)
            return shared | node
        inside = replace(at.inside(None, "named"), values={})
        layers = [
            {"name": self.name(inside, "conv"), **self.convolution(at, None, 2)},
            {"name": "pool", "op": "adaptive_avg_pool2d", "output_size": 2},
            {"name": "flat", "op": "flatten"},
            {"name": "fc", "op": "linear", "out_features": 3},
        ]
        return shared | {"layers": layers[:1] if self.chance(30) else layers}

    def classifier(self, at: Context) -> list[Table]:
        pool = {"op": "adaptive_avg_pool2d", "output_size": self.pick((1, 2, [1, 2]))}
        linear = {"op": "linear", "out_features": self.channels(at, reads=True)}
        nodes = [pool, {"op": "flatten"}, linear]
        if self.chance(30):
            nodes.pop(0)
        if self.chance(30):
            nodes.append({"op": "log_softmax", "dim": 1})
        if at.names == "numbered":
            return nodes
        if self.chance(30):
            for node in nodes:
                node["name"] = self.name(at, "end")
            return [{"name": self.name(at, "classifier"), "layers": nodes}]
        linear["name"] = self.name(at, "fc")
        return nodes

    # ---- blocks

    def block(self) -> None:
        """One more block, which may use those before it."""
        name = self.pick(("unit", "cell", "basic_block", "stage_part"))
        if self.nasty and self.chance(50):
            name = self.pick(
                ("tensor", "permute", "random_net", "sequence", "stage", "f")
            )
        while name in self.blocks:
            name += "_b"
        effect = self.pick(("keep", "to", "to", "free"))
        kinds: Kinds = (
            {"planes": "channels", "stride": "stride"} if effect == "to" else {}
        )
        extra = (
            ("flag", "flag"),
            ("kernel_size", "odd"),
            ("count", "count"),
            ("squeeze", "channels"),
            ("steps", "channels list"),
            ("p", "share"),
        )
        for parameter, kind in extra:
            if self.chance(25):
                kinds[parameter] = kind
        defaults: Table = {}
        given = list(kinds)
        start = State("in", "in")
        plain = Context({k: kinds[k] for k in given}, "free", start)
        for parameter in reversed(given):
            if not self.chance(40):
                break
            before = {k: kinds[k] for k in given[: given.index(parameter)]}
            here = replace(plain, kinds=before)
            if kinds[parameter] == "channels" and self.chance(30):
                defaults[parameter] = self.channels(here, reads=True)
                continue
            defaults[parameter] = self.value(
                here, kinds[parameter], constant=self.chance(50)
            )
        names = "numbered" if self.chance(20) else "free"
        at = Context(kinds, names, start)
        goal = None
        if effect == "keep":
            layers = self.keeping(at, start, 1 + self.random.randrange(3))
        elif effect == "to":
            goal = ("planes", "stride")
            layers = self.reaching(at, start, *goal)
        else:
            layers, end = self.chain(at, start, 1 + self.random.randrange(3))
            if not end.vector and self.chance(25):
                layers += self.classifier(at)
                effect = "vector"
            elif end.vector:
                effect = "vector"
        required = [p for p in given if p not in defaults]
        table: Table = {"layers": layers}
        if self.chance(30):
            table["doc"] = self.pick(DOCS)
        if required:
            table["params"] = required
        if defaults:
            table["defaults"] = {p: defaults[p] for p in given if p in defaults}
        self.blocks[name] = table
        self.block_kinds.append(BlockKind(name, kinds, frozenset(defaults), effect))

    def use(
        self, at: Context, state: State, block: BlockKind, goal: tuple[Any, Any] | None
    ) -> tuple[Table, State]:
        """An instance of a block; `goal` are channels and stride for one that takes
        them."""
        node: Table = {"block": block.name}
        for parameter, kind in block.kinds.items():
            if goal is not None and parameter in ("planes", "stride"):
                node[parameter] = goal[parameter == "stride"]
            elif parameter not in block.optional or self.chance(50):
                node[parameter] = self.value(at, kind)
        if block.effect == "keep":
            return node, state
        return node, State(self.fresh(), self.fresh(), block.effect == "vector")

    # ---- values and expressions

    def value(self, at: Context, kind: str, *, constant: bool = False) -> Any:
        """A number or an expression of a kind."""
        here = replace(at, kinds={}) if constant else at
        known = [n for n, k in here.kinds.items() if k == kind]
        if known and self.chance(60):
            return self.pick(known)
        match kind:
            case "channels":
                return self.channels(here)
            case "stride":
                return self.stride(here)
            case "flag":
                return self.condition(here) if here.kinds else self.chance(50)
            case "odd":
                return self.pick((1, 3, 5))
            case "share":
                return self.pick((0.1, 0.5))
            case "count":
                return self.count(here)[0]
            case "counts":
                return [1, 2, 1]
            case "channels list":
                return self.pick(([4, 2, 3], [3, 3, 3]))
            case _:
                return [[3, 1], [4, 2], [2, 1]]

    def named(self, at: Context, kind: str) -> list[str]:
        return [n for n, k in at.kinds.items() if k == kind]

    def channels(self, at: Context, *, reads: bool = False) -> Any:
        """A number of channels, from 1 to a few dozen; with `reads` it may depend on
        those of what is read."""
        options: list[Any] = [4, 2, 3, 6, 8]
        for name in self.named(at, "channels"):
            options += [
                name,
                name,
                f"{name} * 2",
                f"{name} + 2",
                f"max({name} // 2, 1)",
            ]
            options.append(f"ceil({name} * 0.75)")
            for flag in self.named(at, "flag"):
                options.append(f"{name} if {flag} else {name} * 2")
        for counter in self.named(at, "counter"):
            options += [f"2 * 2**{counter}", f"4 + {counter}", f"6 - 2 * {counter}"]
            options.append(f"4 if {counter} == 0 else 6")
            for name in self.named(at, "channels list"):
                options += [f"{name}[{counter}]"] * 3
            for name in self.named(at, "rows"):
                options += [f"{name}[{counter}][0]"] * 2
            for name in self.named(at, "channels"):
                options += [f"{name} * 2**{counter}", f"{name} * ({counter} + 1)"]
        for name in self.named(at, "channels list"):
            options += [f"{name}[0]", f"{name}[-1]", f"sum({name}[:2])", f"max({name})"]
            options.append(f"len({name})")
        if reads:
            options += ["in_channels + 2", "min(in_channels * 2, 12)"] * 2
            options += ["max(in_channels // 2, 1)"]
            for name in self.named(at, "channels"):
                options.append(f"in_channels + {name} if in_channels < 12 else {name}")
        return self.pick(options)

    def stride(self, at: Context) -> Any:
        options: list[Any] = [1, 2]
        options += self.named(at, "stride") * 2
        for counter in self.named(at, "counter"):
            options += [f"2 if {counter} == 0 else 1"] * 2
            options += [f"{name}[{counter}][1]" for name in self.named(at, "rows")]
        for flag in self.named(at, "flag"):
            options.append(f"2 if {flag} else 1")
        return self.pick(options)

    def condition(self, at: Context, *, reads: bool = False) -> Any:
        options: list[Any] = [True, False]
        for flag in self.named(at, "flag"):
            options += [flag, flag, f"not {flag}"]
            for counter in self.named(at, "counter"):
                options.append(f"{flag} and {counter} == 0")
        for counter in self.named(at, "counter"):
            options += [f"{counter} > 0", f"{counter} == 0", f"{counter} % 2 == 1"]
        for stride in self.named(at, "stride"):
            options += [f"{stride} != 1", f"{stride} == 1"]
        for name in self.named(at, "channels"):
            options.append(f"{name} > 3")
            if reads:
                options += [
                    f"in_channels != {name}",
                    f"in_channels == {name} or {name} > 4",
                ]
        for name in self.named(at, "channels list"):
            options.append(f"len({name}) > 1")
        if reads:
            options += ["in_channels > 4", "2 <= in_channels <= 6"]
        return self.pick(options)

    def count(self, at: Context) -> tuple[Any, int | None]:
        """How often to repeat, at most 3 times, and the number where it is known."""
        options: list[tuple[Any, int | None]] = [(2, 2), (1, 1), (0, 0), (3, 3), (2, 2)]
        options += [(name, None) for name in self.named(at, "count")] * 2
        for name in self.named(at, "counts"):
            options.append((f"{name}[1]", None))
            options += [
                (f"{name}[{counter}]", None) for counter in self.named(at, "counter")
            ] * 2
            options.append((f"len({name})", None))
        for name in self.named(at, "channels list") + self.named(at, "rows"):
            options.append((f"len({name})", None))
        for counter in self.named(at, "counter"):
            options.append((f"{counter} + 1", None))
        return self.pick(options)

    # ---- names

    def name(self, at: Context, stem: str) -> str:
        self.serial += 1
        if self.nasty and not at.counters and self.chance(60):
            return self.nasty.pop()
        counters = "".join(
            f"_{{{c}}}" if self.chance(50) else f"_{{{c} + 1}}" for c in at.counters
        )
        return f"{stem}{self.serial}{counters}"

    def christen(
        self, at: Context, node: Table, stem: str, *, must: bool = False
    ) -> Table:
        """Gives a node a name where its scope wants one; `must`: it has parameters."""
        wanted = at.names == "named" or (
            at.names == "free" and (must or self.chance(40))
        )
        if self.chance(3):
            node = {**node, "doc": self.pick(DOCS)}
        return {"name": self.name(at, stem), **node} if wanted else node

    def remember(self, at: Context, node: Table, state: State) -> None:
        if at.path is not None and "name" in node and "when" not in node:
            at.values[at.path + node["name"]] = state

    # ---- nodes

    def chain(
        self, at: Context, state: State, length: int
    ) -> tuple[list[Table], State]:
        """Nodes in a row that do anything."""
        nodes: list[Table] = []
        for _ in range(length):
            made, state = self.node(at, state)
            nodes += made
        return nodes, state

    def keeping(self, at: Context, state: State, length: int) -> list[Table]:
        """Nodes in a row, each of which keeps its value's shape."""
        return [n for _ in range(length) for n in self.keep(at, state)]

    def reaching(self, at: Context, state: State, out: Any, stride: Any) -> list[Table]:
        """Nodes that end with `out` channels, at one step of `stride`."""
        nodes = self.keeping(at, state, self.random.randrange(2))
        fitting = [b for b in self.block_kinds if b.effect == "to"]
        if fitting and at.depth < 3 and self.chance(30):
            node, _ = self.use(at, state, self.pick(fitting), (out, stride))
            nodes.append(self.christen(at, node, "block", must=True))
        elif self.chance(30):
            nodes.append(self.residual(at, state, out, stride))
        else:
            node = self.convolution(at, out, stride)
            nodes.append(self.christen(at, node, "conv", must=True))
        after = State(self.fresh(), self.fresh())
        self.remember(at, nodes[-1], after)
        return nodes + self.keeping(at, after, self.random.randrange(2))

    def convolution(self, at: Context, out: Any, stride: Any) -> Table:
        """A convolution to `out` channels (None: as many as it reads)."""
        depthwise = out is None and self.chance(50)
        node: Table = {"op": "conv2d"}
        node["out_channels"] = "in_channels" if out is None else out
        odd = self.named(at, "odd")
        if odd and self.chance(40):
            kernel = self.pick(odd)
            node |= {"kernel_size": kernel, "padding": f"{kernel} // 2"}
        elif self.chance(20):
            node |= {"kernel_size": [1, 5], "padding": [0, 2]}
        elif stride == 1 and self.chance(25):
            node |= {"kernel_size": self.pick((2, 3, [3, 1])), "padding": "same"}
        elif self.chance(20):
            node |= {"kernel_size": 3, "padding": 2, "dilation": 2}
        elif self.chance(30):
            node |= {"kernel_size": 1}
        else:
            node |= {"kernel_size": 3, "padding": 1}
        if stride != 1:
            node["stride"] = stride
        if depthwise:
            node["groups"] = "in_channels"
        if self.chance(40):
            node["bias"] = False
        return node

    def keep_op(self, at: Context, state: State) -> Table:
        options = [*ACTIVATIONS, *ACTIVATIONS, *ANYWHERE]
        if state.vector:
            options += [{"op": "batch_norm1d"}] * 3
            options += [{"op": "linear", "out_features": "in_channels"}] * 6
        else:
            options += [*ON_MAPS, *ON_MAPS]
            options += [self.convolution(at, None, 1) for _ in range(12)]
            options += [{"op": "dropout", "p": p} for p in self.named(at, "share")]
        if at.names != "numbered":
            options.append({"op": "layer_scale", "init": 0.5})
        return dict(self.pick(options))

    def keep(self, at: Context, state: State) -> list[Table]:
        """A node, or a few, that keep the value's shape."""
        self.nodes_left -= 1
        makers: list[Callable[[Context, State], list[Table]]] = [self.keep_simple] * 6
        if at.depth < 4 and self.nodes_left > 0:
            makers += [
                self.keep_group,
                self.keep_skip,
                self.keep_skip,
                self.keep_repeat,
            ]
            makers += [self.keep_when, self.keep_branches, self.keep_read]
            if not state.vector:
                makers += [self.keep_block, self.keep_gate, self.keep_last]
        return self.pick(makers)(at, state)

    def keep_simple(self, at: Context, state: State) -> list[Table]:
        op = self.keep_op(at, state)
        has_parameters = op["op"] in (
            "conv2d", "linear", "batch_norm1d", "batch_norm2d", "group_norm",
            "layer_scale"
        )  # fmt: skip
        node = self.christen(at, op, op["op"].split("_")[0], must=has_parameters)
        self.remember(at, node, state)
        return [node]

    def group(
        self, at: Context, write: Callable[[Context], list[Table]], stem: str = "group"
    ) -> Table:
        """Nodes in a group, with a scope of its own or in the scope around it."""
        named = at.names == "named" or (at.names == "free" and self.chance(60))
        if not named:
            return {"layers": write(replace(at, depth=at.depth + 1))}
        name = self.name(at, stem)
        plain = at.path is not None and "{" not in name
        inside = at.inside(
            f"{at.path}{name}." if plain else None, self.pick(("named", "numbered"))
        )
        return {"name": name, "layers": write(inside)}

    def keep_group(self, at: Context, state: State) -> list[Table]:
        node = self.group(
            at, lambda a: self.keeping(a, state, 1 + self.random.randrange(3))
        )
        if at.names == "named" and "name" not in node:
            return node["layers"]
        self.remember(at, node, state)
        return [node]

    def keep_skip(self, at: Context, state: State) -> list[Table]:
        (node, *rest) = self.keep(at, state)
        if rest or "skip" in node or "when" in node or node.get("op") in ("add", "mul"):
            return [node, *rest]
        if node.get("from") is not None:
            return [node]
        node["skip"] = self.pick(("add", "add", "mul"))
        if self.chance(25):
            node["skip_when"] = self.condition(at, reads=True)
        alone = "repeat" not in node and at.names != "numbered"
        if self.chance(20) and not state.vector and alone:
            (shortcut,) = self.keep_simple(replace(at, values={}), state)
            node["shortcut"] = shortcut
            if self.chance(40):
                shortcut["when"] = self.condition(at, reads=True)
        return [node]

    def keep_repeat(self, at: Context, state: State) -> list[Table]:
        node, number = self.repeated(at, state, self.keep, state)
        plain = "name" in node and "{" not in node["name"]
        if number and at.path is not None and plain:
            for step in range(number):
                at.values[f"{at.path}{node['name']}.{step}"] = state
        return [node]

    def repeated(
        self,
        at: Context,
        state: State,
        write: Callable[[Context, State], list[Table]],
        inside_state: State,
    ) -> tuple[Table, int | None]:
        """Repeats what `write` makes; as one named node, as siblings, or unnamed."""
        count, number = self.count(at)
        index = self.pick(("i", "i", "j", "stage"))
        kinds = {**at.kinds, index: "counter"}
        own_scope = at.names == "free" and self.chance(40)
        own_scope = own_scope or (at.names == "named" and self.chance(50))
        own_scope = own_scope and not at.counters
        if index in at.counters and not own_scope:
            index = next(n for n in ("k", "l", "m", "n", "o") if n not in at.kinds)
            kinds = {**at.kinds, index: "counter"}
        if not own_scope:
            inner = replace(
                at, kinds=kinds, counters=(*at.counters, index), path=None,
                depth=at.depth + 1,
            )  # fmt: skip
            nodes = write(inner, inside_state)
            node: Table = {"layers": nodes}
            if len(nodes) == 1 and "repeat" not in nodes[0] and "from" not in nodes[0]:
                node = nodes[0]
                if not {"when", "shortcut"}.isdisjoint(node):
                    node = {"layers": nodes}
            return node | self.repetition(count, index), number
        name = self.name(at, "stage")
        inner = replace(at.inside(None, self.pick(("named", "numbered"))), kinds=kinds)
        options = write(inner, inside_state)
        single = len(options) == 1 and not (
            {"repeat", "when", "from", "shortcut"} & set(options[0])
        )
        child = dict(options[0]) if single else {}
        if (
            single
            and self.chance(50)
            and child.get("op") not in ("add", "mul", "concat")
        ):
            child.pop("name", None)
            if child.get("op") == "layer_scale":
                child = {"layers": options}
        else:
            child = {"layers": options}
        return {"name": name, **child, **self.repetition(count, index)}, number

    def repetition(self, count: Any, index: str) -> Table:
        return {"repeat": count, **({} if index == "i" else {"index": index})}

    def keep_when(self, at: Context, state: State) -> list[Table]:
        (node, *rest) = self.keep(at, state)
        if rest or "when" in node:
            return [node, *rest]
        if at.path is not None and "name" in node:
            # what is inside need not exist
            inside = f"{at.path}{node['name']}."
            for path in [p for p in at.values if p.startswith(inside)]:
                del at.values[path]
        if "name" not in node and ("layers" in node or "branches" in node):
            node = {"layers": [node]} if "repeat" in node else node
            self._forget(at, node)
        node["when"] = self.condition(at, reads=True)
        return [node]

    def _forget(self, at: Context, node: Table) -> None:
        for child in (*node.get("layers", ()), *node.get("branches", ())):
            for part in child if isinstance(child, list) else [child]:
                if "name" in part:
                    at.values.pop(f"{at.path}{part['name']}", None)
                    inside = f"{at.path}{part['name']}."
                    for path in [p for p in at.values if p.startswith(inside)]:
                        del at.values[path]
                self._forget(at, part)

    def keep_branches(self, at: Context, state: State) -> list[Table]:
        merge = self.pick(("add", "add", "mul"))
        node = self.branches(
            at,
            merge,
            [lambda a: self.keeping(a, state, 1 + self.random.randrange(2))]
            * (2 + self.random.randrange(2)),
            identity=self.chance(25),
        )
        return [node]

    def branches(
        self,
        at: Context,
        merge: str,
        writers: Sequence[Callable[[Context], list[Table]]],
        *,
        identity: bool = False,
    ) -> Table:
        named = at.names == "named" or (at.names == "free" and self.chance(30))
        node: Table = {"merge": merge}
        inside = at
        if named:
            name = self.name(at, "mixed")
            node = {"name": name, **node}
            plain = at.path is not None and "{" not in name
            inside = at.inside(f"{at.path}{name}." if plain else None, "named")
            if self.chance(30):
                inside = replace(inside, names="numbered")
        else:
            inside = replace(at, depth=at.depth + 1)
        branches: list[Any] = []
        for write in writers:
            before = dict(inside.values)
            if inside.names == "named" or (inside.names == "free" and self.chance(40)):
                branches.append(self._named_branch(inside, write))
            else:
                nodes = write(inside)
                branches.append(nodes[0] if len(nodes) == 1 else nodes)
            if self.chance(50):
                # other branches may read what is in this one
                inside.values.clear()
                inside.values.update(before)
        if identity and inside.names != "named":
            branches.append([])
        return {**node, "branches": branches}

    def _named_branch(
        self, at: Context, write: Callable[[Context], list[Table]]
    ) -> Table:
        name = self.name(at, "branch")
        plain = at.path is not None and "{" not in name
        inside = at.inside(
            f"{at.path}{name}." if plain else None, self.pick(("named", "numbered"))
        )
        return {"name": name, "layers": write(inside)}

    def keep_read(self, at: Context, state: State) -> list[Table]:
        """A merge with a value of the same shape from further up."""
        same = [p for p, s in at.values.items() if s == state]
        if at.start == state:
            same.append("input")
        if not same or at.names == "numbered":
            return self.keep_simple(at, state)
        reads = ["prev", self.pick(same)]
        if self.chance(30):
            reads.append(self.pick(same))
        self.random.shuffle(reads)
        node = {"op": self.pick(("add", "add", "mul")), "from": reads}
        node = self.christen(at, node, "merged")
        self.remember(at, node, state)
        return [node]

    def keep_block(self, at: Context, state: State) -> list[Table]:
        fitting = [b for b in self.block_kinds if b.effect == "keep"]
        if not fitting or at.depth > 3:
            return self.keep_simple(at, state)
        node, _ = self.use(at, state, self.pick(fitting), None)
        node = self.christen(at, node, "block", must=True)
        self.remember(at, node, state)
        return [node]

    def keep_gate(self, at: Context, state: State) -> list[Table]:
        """Squeeze and excitation."""
        ops = [
            ("pool", {"op": "adaptive_avg_pool2d", "output_size": 1}),
            (
                "fc",
                {"op": "conv2d", "out_channels": self.channels(at), "kernel_size": 1},
            ),
            ("act", {"op": self.pick(("relu", "silu"))}),
            ("fc", {"op": "conv2d", "out_channels": "in_channels", "kernel_size": 1}),
            ("scale", {"op": "sigmoid"}),
        ]
        # back to as many channels as came in, whatever the squeeze is
        ops[1] = (
            "fc",
            {"op": "conv2d", "out_channels": "in_channels * 2", "kernel_size": 1},
        )
        ops[3] = (
            "fc",
            {"op": "conv2d", "out_channels": "in_channels // 2", "kernel_size": 1},
        )

        def write(inside: Context) -> list[Table]:
            return [
                self.christen(inside, dict(op), stem, must=op["op"] == "conv2d")
                for stem, op in ops
            ]

        node = self.group(replace(at, values={}), write, "gate")
        return [{**node, "skip": "mul"}]

    def keep_last(self, at: Context, state: State) -> list[Table]:
        """Channels last and back: layer normalisation and linear layers."""
        ops: list[tuple[str, Table]] = [
            ("permute", {"op": "permute", "dims": [0, 2, 3, 1]}),
            ("norm", {"op": "layer_norm"}),
            ("linear", {"op": "linear", "out_features": "in_channels * 2"}),
            ("act", {"op": "gelu"}),
            ("linear", {"op": "linear", "out_features": "in_channels // 2"}),
            ("permute", {"op": "permute", "dims": [0, 3, 1, 2]}),
        ]
        if self.chance(50):
            del ops[2:5]
        must = ("norm", "linear")
        nodes = [self.christen(at, dict(o), s, must=s in must) for s, o in ops]
        return [{"layers": nodes}] if at.names != "named" or self.chance(50) else nodes

    def residual(self, at: Context, state: State, out: Any, stride: Any) -> Table:
        """A skip over nodes that change channels and size, with a projection."""

        def write(inside: Context) -> list[Table]:
            return self.reaching(inside, state, out, stride)

        if at.depth > 2 or self.nodes_left < 0:
            node = self.convolution(at, out, stride)
            node = self.christen(at, node, "conv", must=True)
        else:
            node = self.group(at, write, "body")
        shortcut = self.christen(
            at,
            {"op": "conv2d", "out_channels": out, "kernel_size": 1, "stride": stride},
            "downsample",
            must=True,
        )
        if self.chance(30) and at.names != "numbered":
            layers = [dict(shortcut), {"op": "batch_norm2d"}]
            del layers[0]["name"]
            shortcut = {"name": self.name(at, "downsample"), "layers": layers}
        if self.chance(60):
            shortcut["when"] = (
                f"{_factor(stride)} != 1 or in_channels != {_factor(out)}"
            )
        return {**node, "skip": "add", "shortcut": shortcut}

    # ---- nodes that change the shape

    def node(self, at: Context, state: State) -> tuple[list[Table], State]:
        self.nodes_left -= 1
        if state.vector or self.chance(35):
            return self.keep(at, state), state
        makers: list[Callable[[Context, State], tuple[list[Table], State]]]
        makers = [self.convolve, self.convolve, self.resize, self.step]
        if at.depth < 3 and self.nodes_left > 0:
            makers += [self.concat_skip, self.concat_branches, self.loop, self.loop]
            makers += [self.any_block, self.any_block, self.any_group, self.any_when]
            makers += [self.read, self.read, self.residual_step]
        return self.pick(makers)(at, state)

    def convolve(self, at: Context, state: State) -> tuple[list[Table], State]:
        out, stride = self.channels(at, reads=True), self.stride(at)
        kind = self.random.randrange(4)
        node = self.convolution(at, out, stride)
        after = State(self.fresh(), state.size if stride == 1 else self.fresh())
        if kind == 1:
            node = {
                "op": "conv_transpose2d",
                "out_channels": out,
                "kernel_size": 2,
                "stride": 2,
            }
            after = State(self.fresh(), self.fresh())
        node = self.christen(at, node, "conv", must=True)
        self.remember(at, node, after)
        return [node], after

    def resize(self, at: Context, state: State) -> tuple[list[Table], State]:
        op = dict(self.pick(RESIZING))
        node = self.christen(at, op, op["op"].split("_")[0])
        after = State(state.channels, self.fresh())
        self.remember(at, node, after)
        return [node], after

    def step(self, at: Context, state: State) -> tuple[list[Table], State]:
        half = {
            "op": "channel_slice",
            "start": "in_channels // 2",
            "stop": "in_channels",
        }
        first = {"op": "channel_slice", "stop": "max(in_channels // 2, 1)"}
        node = self.christen(at, self.pick((half, first)), "half")
        after = State(self.fresh(), state.size)
        self.remember(at, node, after)
        return [node], after

    def residual_step(self, at: Context, state: State) -> tuple[list[Table], State]:
        out, stride = self.channels(at), self.stride(at)
        node = self.residual(at, state, out, stride)
        after = State(self.fresh(), state.size if stride == 1 else self.fresh())
        self.remember(at, node, after)
        return [node], after

    def same_size(self, at: Context, state: State) -> list[Table]:
        """Nodes that keep the size and leave any number of channels."""
        nodes = self.keeping(at, state, self.random.randrange(2))
        conv = self.convolution(at, self.channels(at, reads=True), 1)
        return [*nodes, self.christen(at, conv, "conv", must=True)]

    def concat_skip(self, at: Context, state: State) -> tuple[list[Table], State]:
        node = self.group(at, lambda a: self.same_size(a, state), "dense")
        if "name" not in node and len(node["layers"]) == 1:
            (node,) = node["layers"]
        if "skip" in node:
            node = {"layers": [node]}
        node = {**node, "skip": "concat"}
        if self.chance(25):
            node["skip_when"] = self.condition(at, reads=True)
        return [node], State(self.fresh(), state.size)

    def concat_branches(self, at: Context, state: State) -> tuple[list[Table], State]:
        stride = self.stride(at) if self.chance(40) else 1
        merge = self.pick(("concat", "concat", "concat", "add"))
        out = self.channels(at)

        def write(inside: Context) -> list[Table]:
            if merge == "add":
                return self.reaching(inside, state, out, stride)
            return self.reaching(inside, state, self.channels(inside), stride)

        node = self.branches(
            at, merge, [write] * (2 + self.random.randrange(2)),
            identity=stride == 1 and merge == "concat" and self.chance(30),
        )  # fmt: skip
        return [node], State(self.fresh(), state.size if stride == 1 else self.fresh())

    def loop(self, at: Context, state: State) -> tuple[list[Table], State]:
        anything = State(self.fresh(), self.fresh())

        def write(inside: Context, entering: State) -> list[Table]:
            own = replace(inside, values=dict(inside.values))
            kind = self.random.randrange(4)
            if kind == 0:
                return self.concat_skip(own, entering)[0]
            if kind == 1:
                return self.residual_step(own, entering)[0]
            if kind == 2:
                return self.reaching(
                    own, entering, self.channels(own), self.stride(own)
                )
            nodes, end = self.chain(own, entering, 1 + self.random.randrange(2))
            if end.vector:
                return self.keeping(own, entering, 1)
            return nodes

        node, number = self.repeated(at, state, write, anything)
        after = State(self.fresh(), self.fresh())
        if number and at.path is not None and "name" in node:
            if "{" not in node["name"]:
                at.values[f"{at.path}{node['name']}.{number - 1}"] = after
                at.values[f"{at.path}{node['name']}"] = after
            elif node["name"].count("{") == 1:
                step = number if "+ 1}" in node["name"] else number - 1
                name = f"{node['name'].partition('{')[0]}{step}"
                at.values[f"{at.path}{name}"] = after
        return [node], after

    def any_block(self, at: Context, state: State) -> tuple[list[Table], State]:
        fitting = [b for b in self.block_kinds if b.effect != "vector" or at.depth == 0]
        if not fitting:
            return self.convolve(at, state)
        node, after = self.use(at, state, self.pick(fitting), None)
        node = self.christen(at, node, "block", must=True)
        self.remember(at, node, after)
        return [node], after

    def any_group(self, at: Context, state: State) -> tuple[list[Table], State]:
        ends: list[State] = []

        def write(inside: Context) -> list[Table]:
            nodes, end = self.chain(inside, state, 1 + self.random.randrange(3))
            ends.append(end)
            return nodes

        node = self.group(at, write)
        self.remember(at, node, ends[0])
        return [node], ends[0]

    def any_when(self, at: Context, state: State) -> tuple[list[Table], State]:
        own = replace(at, values=dict(at.values))
        nodes, end = self.chain(own, state, 1)
        if len(nodes) != 1 or "when" in nodes[0] or end.vector:
            return self.convolve(at, state)
        nodes[0]["when"] = self.condition(at, reads=True)
        return nodes, State(self.fresh(), self.fresh())

    def read(self, at: Context, state: State) -> tuple[list[Table], State]:
        """A node that reads from further up."""
        paths = [p for p, s in at.values.items() if not s.vector] + ["input"]
        source = self.pick(paths)
        if at.names == "numbered":
            source = "input"
        found = at.start if source == "input" else at.values[source]
        same = [
            p for p, s in at.values.items() if s.size == state.size and not s.vector
        ]
        if same and self.chance(60):
            reads = [self.pick((*same, "prev")), self.pick(same)]
            if at.start.size == state.size and self.chance(30):
                reads.append("input")
            node = self.christen(at, {"op": "concat", "from": reads}, "merged")
            after = State(self.fresh(), state.size)
            self.remember(at, node, after)
            return [node], after
        if self.chance(30):
            (node,) = self.keep_simple(replace(at, values={}), found)
            after = found
        else:
            conv = self.convolution(at, self.channels(at, reads=True), 1)
            node = self.christen(at, conv, "conv", must=True)
            after = State(self.fresh(), found.size)
        node = {**node, "from": source}
        self.remember(at, node, after)
        return [node], after

    def u_net(self, at: Context, state: State) -> tuple[list[Table], State]:
        """A way down and a way up, with long skips between values named in loops."""
        channels = self.channels(at)
        levels = 1 + self.random.randrange(3)
        entry = {"name": "entry", "op": "adaptive_avg_pool2d", "output_size": 8}
        down: Table = {
            "repeat": levels,
            "layers": [
                {
                    "name": "enc{i}",
                    "op": "conv2d",
                    "out_channels": "2 + 2 * i",
                    "kernel_size": 1,
                },
                {"op": "max_pool2d", "kernel_size": 2},
            ],
        }
        up: Table = {
            "repeat": levels,
            "layers": [
                {"op": "upsample", "scale_factor": 2},
                {"op": "concat", "from": ["prev", f"enc{{{levels - 1} - i}}"]},
                {
                    "name": "dec{i}",
                    "op": "conv2d",
                    "out_channels": channels,
                    "kernel_size": 1,
                },
            ],
        }
        return [entry, down, up], State(self.fresh(), self.fresh())


def _factor(value: Any) -> str:
    """A value as an operand of a comparison."""
    text = str(value)
    return f"({text})" if " " in text else text
