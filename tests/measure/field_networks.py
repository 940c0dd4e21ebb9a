"""Random networks of maps, to hold receptive fields to gradients.

Branches, skips, gates, permuted axes, windows of all kinds, resizings, layers that
nobody reads. Paths are made to meet by padding, cropping or resizing, so that they
often meet askew.
"""

from __future__ import annotations

from random import Random
from typing import Any

from archc.ops.registry import OPS
from archc.ops.sizes import Shape, ShapeError

Table = dict[str, Any]
Drawn = tuple[list[Table], Shape]
SMALLEST, LARGEST = 4, 100
SWAP = {"op": "permute", "dims": [0, 1, 3, 2]}
POINTWISE = ("relu", "leaky_relu", "silu", "gelu", "sigmoid", "batch_norm2d", "dropout")


def draw(seed: int) -> Table:
    """The spec of a random network."""
    return _Drawing(Random(seed)).spec()


class _Drawing:
    def __init__(self, random: Random) -> None:
        self.random = random
        self.names = 0

    def spec(self) -> Table:
        r = self.random
        start = (r.randint(1, 3), r.randint(40, 64), r.randint(40, 64))
        layers, x = self.chain(Shape(start), r.randint(1, 6))
        if self.chance(15):
            layers += self.unread()
        if self.chance(30):
            layers += self.ending(x)
        network = {"input": list(start), "layers": layers}
        return {"archc": 1, "name": "fields", "network": network}

    def chance(self, percent: float) -> bool:
        return self.random.random() * 100 < percent

    def sides(self, low: int, high: int) -> int | list[int]:
        """A number for both axes, or one for each."""
        pair = [self.random.randint(low, high) for _ in range(2)]
        return pair if self.chance(30) else pair[0]

    # ---- chains

    def chain(
        self, x: Shape, count: int, depth: int = 0, *, keep: bool = False
    ) -> Drawn:
        """Some nodes in a row and what they make of `x`; `keep` its shape."""
        tables: list[Table] = []
        for _ in range(count):
            more, x = self.step(x, depth, keep)
            tables += more
        return tables, x

    def step(self, x: Shape, depth: int, keep: bool = False) -> Drawn:
        compound = (self.skip, self.branches, self.gate)
        while True:
            if depth < 2 and not keep and self.chance(30):
                return self.random.choice(compound)(x, depth)
            found = self.random.choices(
                (
                    self.conv, self.pool, self.pointwise, self.pad, self.resize,
                    self.transposed, self.adaptive, self.shuffle, self.permuted,
                ),
                (8, 3, 3, 2, 3, 2, 1, 1, 2),
            )[0](x)  # fmt: skip
            try:
                y = after(x, found)
            except ShapeError:
                continue
            if keep and y != x:
                continue
            if all(SMALLEST <= size <= LARGEST for size in y.sizes[1:]):
                return [self.named(table) for table in found], y

    def named(self, table: Table) -> Table:
        self.names += 1
        return {"name": f"n{self.names}"} | table

    # ---- ops

    def conv(self, x: Shape) -> list[Table]:
        r = self.random
        table: Table = {"op": "conv2d", "kernel_size": self.sides(1, 5)}
        table["out_channels"] = r.randint(1, 3)
        if self.chance(30):
            table["dilation"] = self.sides(1, 3)
        if self.chance(30):
            return [table | {"padding": "same"}]
        if self.chance(40):
            table["stride"] = self.sides(1, 3)
        if self.chance(60):
            table["padding"] = self.sides(0, 3)
        if self.chance(20):
            table |= {"groups": x.dims[0], "out_channels": x.dims[0]}
        return [table]

    def pool(self, x: Shape) -> list[Table]:
        kernel = self.random.randint(1, 4)
        table: Table = {"op": self.random.choice(("max_pool2d", "avg_pool2d"))}
        table |= {"kernel_size": kernel, "padding": self.random.randint(0, kernel // 2)}
        table |= {"ceil_mode": self.chance(50)}
        if self.chance(80):
            table["stride"] = self.sides(1, 3)
        if table["op"] == "max_pool2d" and self.chance(20):
            table |= {"dilation": 2, "ceil_mode": False}
        return [table]

    def pointwise(self, x: Shape) -> list[Table]:
        return [{"op": self.random.choice(POINTWISE)}]

    def pad(self, x: Shape) -> list[Table]:
        return [self.padded([self.random.randint(-3, 3) for _ in range(4)])]

    def padded(self, padding: list[int]) -> Table:
        return {"op": "zero_pad2d", "padding": padding}

    def resize(self, x: Shape) -> list[Table]:
        mode = self.random.choice(("nearest", "nearest-exact", "bilinear", "bicubic"))
        table: Table = {"op": "upsample", "mode": mode}
        if self.chance(60):
            factors = (0.5, 1.5, 2, 2.5, 3)
            return [table | {"scale_factor": self.random.choice(factors)}]
        table["size"] = [self.near(size) for size in x.sizes[1:]]
        if mode in ("bilinear", "bicubic") and self.chance(40):
            table["align_corners"] = True
        return [table]

    def near(self, size: int) -> int:
        return self.random.randint(max(SMALLEST, size // 2), min(LARGEST, size * 2))

    def transposed(self, x: Shape) -> list[Table]:
        table: Table = {"op": "conv_transpose2d", "out_channels": 2}
        # mostly without pixels that see nothing
        low = 1 if self.chance(10) else 3
        table |= {"kernel_size": self.sides(low, 4), "stride": self.sides(1, 3)}
        table |= {"padding": self.random.randint(0, 2)}
        return [table | ({"dilation": self.sides(1, 3)} if self.chance(10) else {})]

    def adaptive(self, x: Shape) -> list[Table]:
        sizes = [self.random.randint(max(SMALLEST, n // 4), n) for n in x.sizes[1:]]
        kind = self.random.choice(("avg", "max"))
        return [{"op": f"adaptive_{kind}_pool2d", "output_size": sizes}]

    def shuffle(self, x: Shape) -> list[Table]:
        conv = {"op": "conv2d", "out_channels": 8, "kernel_size": 1}
        return [conv, {"op": "pixel_shuffle", "upscale_factor": 2}]

    def permuted(self, x: Shape) -> list[Table]:
        if self.chance(50):
            return [SWAP]
        there = self.random.choice(([0, 2, 3, 1], [0, 3, 2, 1], [0, 2, 1, 3]))
        inside: list[Table] = [{"op": "gelu"}]
        if there[-1] == 1:
            inside = [{"op": "layer_norm"}, {"op": "linear", "out_features": 2}]
        back = [
            0,
            there.index(1),
            *self.random.sample([i for i in (1, 2, 3) if there[i] != 1], 2),
        ]
        return [
            {"op": "permute", "dims": there},
            *inside,
            {"op": "permute", "dims": back},
        ]

    # ---- where paths meet

    def fitted(self, x: Shape, target: Shape, depth: int) -> list[Table]:
        """A chain from `x` to the size of `target`, and to its channels."""
        count = self.random.randint(0, 3)
        if self.chance(50):
            return self.chain(x, count, depth, keep=True)[0] + self.fit(x, target)
        tables, y = self.chain(x, count, depth)
        return tables + self.fit(y, target)

    def fit(self, x: Shape, target: Shape) -> list[Table]:
        """What brings a map to the channels and the size of another."""
        tables: list[Table] = []
        if x.dims[0] != target.dims[0]:
            conv: Table = {"op": "conv2d", "kernel_size": 1}
            tables.append(self.named(conv | {"out_channels": target.dims[0]}))
        sizes, wanted = x.sizes[1:], target.sizes[1:]
        if sizes == wanted:
            return tables
        if self.chance(60):
            mode = self.random.choice(("nearest", "bilinear"))
            resize = {"op": "upsample", "size": list(wanted), "mode": mode}
            return [*tables, self.named(resize)]
        padding: list[int] = []
        for size, want in zip(reversed(sizes), reversed(wanted), strict=True):
            before = self.random.randint(min(0, want - size), max(0, want - size))
            padding += [before, want - size - before]
        return [*tables, self.named(self.padded(padding))]

    def skip(self, x: Shape, depth: int) -> Drawn:
        body = self.fitted(x, x, depth + 1) or [self.named({"op": "identity"})]
        kind = self.random.choice(("add", "concat", "mul"))
        y = x.with_channels(x.dims[0] * 2) if kind == "concat" else x
        more, y = ([], y) if kind != "concat" else self.narrowed(y)
        return [self.named({"skip": kind, "layers": body}), *more], y

    def branches(self, x: Shape, depth: int) -> Drawn:
        first, y = self.chain(x, self.random.randint(0, 3), depth + 1)
        lists = [first] + [
            self.fitted(x, y, depth + 1) for _ in range(self.random.randint(1, 2))
        ]
        self.random.shuffle(lists)
        kind = self.random.choice(("add", "concat", "mul"))
        table: Table = {"merge": kind, "branches": [self.group(b) for b in lists]}
        if kind == "concat":
            more, y = self.narrowed(y.with_channels(y.dims[0] * len(lists)))
            return [self.named(table), *more], y
        return [self.named(table)], y

    def group(self, tables: list[Table]) -> Table:
        inner = tables or [self.named({"op": "identity"})]
        return self.named({"layers": inner})

    def narrowed(self, x: Shape) -> Drawn:
        """All channels mixed, so that each sees what any did, and some of them."""
        conv: Table = {"op": "conv2d", "out_channels": 4, "kernel_size": 1}
        taken: Table = {"op": "channel_slice", "start": 1, "stop": 3}
        shuffled: Table = {"op": "channel_shuffle", "groups": 2}
        tables = [self.named(table) for table in (conv, shuffled, taken)]
        return tables, x.with_channels(2)

    def gate(self, x: Shape, depth: int) -> Drawn:
        if self.chance(85):
            # sees all: no number of its own, and the map keeps that it has
            body: list[Table] = [
                *self.chain(x, self.random.randint(0, 1), 2)[0],
                {"op": "adaptive_avg_pool2d", "output_size": 1},
            ]
            y = after(x, body)
        else:
            body, y = self.chain(x, 0, 2)
            kernel = list(y.sizes[1:])
            body = [*body, {"op": "conv2d", "kernel_size": kernel, "out_channels": 1}]
        last: Table = {"op": "conv2d", "kernel_size": 1, "out_channels": x.dims[0]}
        inner = [self.named(t) for t in (*body, last, {"op": "sigmoid"})]
        return [self.named({"skip": "mul", "layers": inner})], x

    # ---- the end

    def unread(self) -> list[Table]:
        """A wide layer that nothing reads."""
        trunk = self.named({"op": "identity"})
        conv = {"op": "conv2d", "out_channels": 1, "kernel_size": 9, "padding": 4}
        after_all = {"op": "relu", "from": trunk["name"]}
        return [trunk, self.named(conv), self.named(after_all)]

    def ending(self, x: Shape) -> list[Table]:
        """One classifier, or several beside each other."""
        if self.chance(40):
            return self.classifier()
        lists = [
            self.chain(x, self.random.randint(0, 3), 1)[0] + self.classifier()
            for _ in range(2)
        ]
        return [
            self.named({"merge": "concat", "branches": list(map(self.group, lists))})
        ]

    def classifier(self) -> list[Table]:
        pool: Table = {"op": "adaptive_avg_pool2d", "output_size": 1}
        tables = [pool] if self.chance(70) else []
        tables += [{"op": "flatten"}, {"op": "linear", "out_features": 2}]
        return [self.named(table) for table in tables]


def after(x: Shape, tables: list[Table]) -> Shape:
    """What ops in a row, or gates and skips of the same size, make of `x`."""
    for table in tables:
        if "op" in table:
            settings = {k: v for k, v in table.items() if k not in ("op", "name")}
            x = OPS[table["op"]].model_validate(settings).infer(x)
    return x
