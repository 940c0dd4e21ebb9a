"""The op `local_response_norm`."""

from __future__ import annotations

from pydantic import Field

from archc.ops.base import Call, Op
from archc.ops.functions import Function, same_shape
from archc.ops.shapes import need_map
from archc.ops.sizes import Shape
from archc.ops.steps import Device, Step
from archc.spec.expressions import Expr


class LocalResponseNorm(Op):
    """Normalisation across neighbouring channels (torch.nn.LocalResponseNorm)."""

    op = "local_response_norm"
    category = "normalization"
    projected = "passed"
    other_names = (
        "lrn", "local_response_normalization", "response_norm", "cross_map_lrn2d",
    )  # fmt: skip
    other_attributes = (("local_size", "size"), ("n", "size"), ("bias", "k"))
    axes = None
    module_class = "nn.LocalResponseNorm"
    # torch's own takes a `view` of volumes, which permuted ones do not allow
    helper = '''\
class LocalResponseNorm(nn.LocalResponseNorm):
    """Local response normalisation of a volume, laid out in memory in any order."""

    def forward(self, input: Tensor) -> Tensor:
        return super().forward(input.contiguous())
'''
    calls = (Function("torch.nn.functional.local_response_norm", shape=same_shape),)
    saves = frozenset({"input", "statistics"})
    short = "LRN"
    shows = (("size", "{}"),)

    size: int = Field(ge=1)
    alpha: float = 1e-4
    beta: float = 0.75
    k: float = 1.0

    @property
    def detail(self) -> str:
        return f"{self.size}"

    def steps(
        self, inputs: tuple[Shape, ...], y: Shape, *, device: Device, inplace: bool
    ) -> tuple[Step, ...]:
        """x / (k + alpha * mean(x * x)) ** beta, as torch's Python writes it."""
        # on the CPU the pooling over three axes, which that of a sequence is not
        pools = "full" if device == "cpu" and len(y.dims) > 2 else "widest"
        raises = "widest" if device == "cpu" else "full"
        padded = y.with_channels(y.channels + self.size - 1).dims
        return (
            Step(y.dims, reads=(0, 0), keeps=(0,)),
            Step(padded, reads=(1,)),
            Step(y.dims, reads=(2,), keeps=(2,), cast=pools),
            Step(y.dims, reads=(3,)),
            Step(y.dims, reads=(4,), fresh_gradient=False),
            Step(y.dims, reads=(5,), keeps=(5,), holds=(3,), scratch=2, cast=raises),
            Step(y.dims, reads=(0, 6), keeps=(0, 6), scratch=3),
        )

    def infer(self, *inputs: Shape) -> Shape:
        need_map(self, inputs[0])
        return inputs[0]

    def module(self, x: Shape) -> Call:
        volume = self.axes_of(x) == 3
        name = "LocalResponseNorm" if volume else "nn.LocalResponseNorm"
        rest = self.given("alpha", "beta", "k")
        return Call(name, (), {"size": self.size, **rest})

    def function(self, x: Shape, argument: Expr) -> Call | None:
        if self.axes_of(x) == 3:
            return None
        return Call("F.local_response_norm", (argument,), self.module(x).kwargs)
