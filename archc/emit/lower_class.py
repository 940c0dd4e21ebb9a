"""One class from its plan: constructor, `forward`, fields, and how it is called."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Protocol

from archc.emit import annotations, builder
from archc.emit.arguments import arguments
from archc.emit.builder import Builder
from archc.emit.chains import is_chain, numbered_children
from archc.emit.constructor import Chain
from archc.emit.factories import SlotArguments, factory
from archc.emit.forward import MAIN, write_branches, write_nodes
from archc.emit.heads import write_heads, write_optional_heads
from archc.emit.initialization import initializer
from archc.emit.names import identifier
from archc.emit.passes.dead import without_unread, without_unused
from archc.emit.placing import PLACES, opening, placing, scattered
from archc.emit.plan import ClassPlan, Factory, is_parameter, is_slot
from archc.emit.tree import (
    SELF,
    Assign,
    Body,
    Class,
    Evaluate,
    Method,
    Parameter,
    Pass,
    Return,
    Statement,
)
from archc.emit.usage import attributes_of, reads_of
from archc.emit.variables import remember, value_of
from archc.network.graph import Network
from archc.ops import code
from archc.ops.code import (
    Apply,
    Argument,
    Attribute,
    ClassName,
    Global,
    Local,
    Nothing,
)
from archc.spec.expressions import Const, Expr, Name
from archc.spec.model import BranchesNode, Template

TENSOR = Global("Tensor")
MODULE = Global("nn.Module")
INIT = code.call(Attribute(code.call(Global("super")), "__init__"))
# what nn's constructors are told by keyword reads best so here as well
_KEYWORDS = frozenset(
    {"kernel_size", "stride", "padding", "dilation", "groups", "bias", "p", "eps"}
)


class Lowered:
    """A class in the tree, and how it is constructed."""

    def __init__(
        self, made: Class, plan: ClassPlan, parameters: list[str], features: str
    ) -> None:
        self.made = made
        self._plan = plan
        self._parameters = parameters
        """The symbols of its constructor's arguments, in order."""
        self._features = features
        """That of the dict of channels, which is handed on."""

    def call(
        self, given: Mapping[str, object], builder: Builder, *, by_name: bool = False
    ) -> Apply:
        """The constructor call with these values, by symbols; with `by_name`, all but
        the channels that it reads are given so."""
        slots = {slot.symbol.id: slot for slot in self._plan.slots.values()}
        items: list[Argument] = []
        for symbol, value, keyword in self._given(given, by_name=by_name):
            if symbol == self._features:
                made: Expr = builder.feature_channels
            elif isinstance(value, Factory):
                made = factory(builder, slots[symbol], value)
            else:
                made = builder.tree(value)
            items.append(Argument(made, keyword))
        return Apply(self.made.name, tuple(items))

    def given(self, values: Mapping[str, object]) -> list[tuple[object, str | None]]:
        """What its constructor is given of these, in order, and by which name: all but
        the channels that it reads."""
        found = self._given(values, by_name=True)
        return [(value, keyword) for _, value, keyword in found]

    def _given(
        self, given: Mapping[str, object], *, by_name: bool
    ) -> Iterator[tuple[str, object, str | None]]:
        """The same, each behind the symbol that it is for."""
        plan = self._plan
        required = () if plan.block is None else plan.block.required
        positional = {plan.in_channels.id}
        if plan.kind == "block" and not by_name:
            positional |= {symbol.id for symbol in plan.taken.values()}
        for name, symbol in plan.env.items():
            own = plan.kind == "block" and (name not in required or name in _KEYWORDS)
            if own or by_name:
                break
            if not is_slot(name):
                positional.add(symbol.id)
        for symbol in self._parameters:
            if symbol in given or symbol == self._features:
                keyword = None if symbol in positional else symbol
                yield symbol, given.get(symbol), keyword


class Program(builder.Program, Protocol):
    """What the classes of a module share, and where they go."""

    network: Network
    classes: list[Class]

    def parameter(self, plan: ClassPlan, symbol: str) -> Parameter: ...


class ClassLowering:
    """One class being lowered."""

    def __init__(self, program: Program, plan: ClassPlan) -> None:
        self.program = program
        self.plan = plan
        self.builder = Builder(plan, program)
        self.is_chain = (
            plan.style == "numbered"
            and not (plan.reads.inputs or plan.reads.outputs)
            and plan.kind != "group"
            and not (plan.kind == "network" and _returns_record(program.network))
            and is_chain(plan.reads, plan.nodes)
        )
        self.inputs: list[Local] = []
        """What `forward` is given beside `x`, or where inputs have names, all of it."""
        self.modules: list[Parameter] = []
        """The modules that it is given, to share them."""
        self.name = ClassName(program.symbols.fresh(plan.wish or "Block").id)
        self.outputs: Class | None = None

    def lowered(self) -> Lowered:
        plan, builder = self.plan, self.builder
        network = self.program.network
        if plan.kind == "network":
            builder.last_comment = str(network.input.shape)
        end = self._body()
        returned_values: list[Expr] = []
        if plan.kind == "network" and network.spec.outputs:
            end = self._named_outputs(end)
        elif plan.kind == "network" and network.heads:
            self._heads(end)
        if not self.is_chain:
            returned_values = self._returned(end)
            several = code.Sequence(tuple(returned_values), "")
            value = several if len(returned_values) > 1 else returned_values[0]
            builder.forward.append(Return(value))
        for attribute, channels in plan.published.items():
            builder.set(attribute, builder.tree(channels))
        forward = self._forward(len(returned_values))
        is_network = plan.kind == "network"
        starts = initializer(network) if is_network else None
        init, parameters = self._constructor(forward, starts)
        methods = [m for m in (init, forward, starts) if m is not None]
        base = "nn.Module"
        if plan.style == "numbered":
            base = "nn.Sequential" if self.is_chain else "nn.ModuleList"
        fields = self._fields() if is_network else ()
        if not (plan.doc or fields or methods):
            fields = (Pass(),)
        made = Class(
            self.name,
            plan.wish,
            Global(base),
            plan.doc,
            fields,
            tuple(methods),
            self._gives(),
        )
        if self.outputs is not None:
            self.program.classes.append(self.outputs)
        self.program.classes.append(made)
        return Lowered(made, plan, parameters, builder.feature_channels.id)

    def _returned(self, end: Expr) -> list[Expr]:
        """What `forward` returns: a block's outputs, a group's value and those that are
        read from inside it."""
        builder, plan = self.builder, self.plan
        if plan.kind == "block" and plan.reads.outputs:
            return [value_of(builder, s) for s in plan.reads.outputs.values()]
        return [end, *(builder.values[path] for path in plan.taps)]

    def _gives(self) -> Expr | None:
        channels = self.plan.channels
        if self.plan.kind == "network" or not isinstance(channels, Expr):
            return None
        return self.builder.tree(channels)

    # ---- the body

    def _body(self) -> Expr:
        """Writes the nodes; gives the variable of the last value."""
        plan, builder = self.plan, self.builder
        if self.is_chain:
            head = Attribute(code.call(Global("super")), "__init__")
            chain = Chain(builder, "numbered", SELF, head)
            chain.add(plan.nodes)
            chain.start()
            return MAIN
        if plan.style == "numbered" and not numbered_children(plan.nodes):
            builder.layers = builder.local("layers")
        if plan.kind == "group":
            return self._group_body()
        if plan.reads.inputs:
            return write_nodes(builder, plan.nodes, self._named_inputs())
        if any(
            s.kind == "input" for found in plan.reads.sources.values() for s in found
        ):
            inputs = builder.local("inputs")
            builder.values[""] = builder.land(MAIN, inputs)
        return write_nodes(builder, plan.nodes, MAIN)

    def _named_inputs(self) -> Expr:
        """The arguments of `forward`, as the spec calls them; gives the first."""
        builder = self.builder
        names = self.plan.reads.inputs
        for name in names:
            given = MAIN if name == MAIN.id else builder.local(name)
            self.inputs.append(given)
            # what runs through the body is called so as well
            kept = builder.local(f"{name}_in") if given == MAIN else given
            path = Template(name, (name,))
            value = builder.land(given, kept)
            remember(builder, path, value, self.plan.values[name])
        builder.values[""] = builder.values[names[0]]
        return builder.values[""]

    def _group_body(self) -> Expr:
        plan, builder = self.plan, self.builder
        assert plan.node is not None
        for path in plan.reads.needs(plan.node).values:
            stem = identifier(path.rpartition(".")[2].partition("{")[0] or "inputs")
            self.inputs.append(builder.local(stem))
            builder.values[path] = self.inputs[-1]
        for shared in plan.reads.needs(plan.node).modules:
            stem = identifier(shared.key.text)
            local = builder.modules[shared.key.text] = builder.local(stem)
            kind = TENSOR if is_parameter(shared.node) else MODULE
            self.modules.append(Parameter(local, kind))
        if isinstance(plan.node, BranchesNode):
            return write_branches(builder, plan.node, MAIN, MAIN)
        return write_nodes(builder, plan.nodes, MAIN)

    # ---- `forward`

    def _forward(self, values: int) -> Method | None:
        if self.is_chain:
            return None
        plan, builder = self.plan, self.builder
        body: list[Statement] = list(builder.forward)
        if builder.layers is not None:
            made = code.call(Global("iter"), SELF)
            body.insert(0, Assign((builder.layers,), made))
        parameters = [] if plan.reads.inputs and plan.node is None else [MAIN]
        parameters = [Parameter(local, TENSOR) for local in (*parameters, *self.inputs)]
        owns_features = plan.kind != "group"
        if owns_features and plan.reads.saved:
            body.insert(0, _empty(builder.features, annotations.TENSORS))
        parameters += self.modules
        if plan.node is not None and plan.reads.needs(plan.node).features:
            parameters.append(Parameter(builder.features, annotations.TENSORS))
        returns: Expr = TENSOR
        if self.outputs is not None and self.program.network.spec.outputs:
            returns = self.outputs.name
        elif self.outputs is not None:
            returns = annotations.either(TENSOR, self.outputs.name)
        elif values > 1:
            returns = annotations.tuple_of(TENSOR, values)
        kept = without_unread(tuple(body))
        return Method("forward", tuple(parameters), returns, kept)

    def _heads(self, end: Expr) -> None:
        """The auxiliary classifiers, in training only; what it returns has a class."""
        builder = self.builder
        network = self.program.network
        names = [h.name for h in network.heads]
        (output,) = network.outputs.values()
        rank = len(output.shape.dims) if output.shape else 0
        main = "logits" if rank == 1 else "output"
        main = main if main not in names else "main"
        doc = (
            "What training returns: the output and those of the auxiliary classifiers."
        )
        made = self._record(dict.fromkeys((main, *names), TENSOR), doc)
        write_heads(builder, network, made, end)

    def _named_outputs(self, end: Expr) -> Expr:
        """What the network returns by name, in training with what its heads give."""
        builder = self.builder
        network = self.program.network
        ends = [
            end if source.kind == "prev" else value_of(builder, source)
            for source in builder.plan.reads.outputs.values()
        ]
        fields: dict[str, Expr] = dict.fromkeys(network.outputs, TENSOR)
        optional = annotations.either(TENSOR, Nothing())
        fields |= {head.name: optional for head in network.heads}
        doc = "What the network returns"
        doc += "; that of heads in training only." if network.heads else "."
        made = self._record(fields, doc)
        return code.call(made, *ends, *write_optional_heads(builder, network))

    def _record(self, fields: Mapping[str, Expr], doc: str) -> ClassName:
        """The class of what the network returns."""
        hint = f"{self.plan.wish}Outputs"
        name = ClassName(self.program.symbols.fresh(hint).id)
        declared = (Assign((Local(n),), None, annotation=t) for n, t in fields.items())
        kind = Global("NamedTuple")
        self.outputs = Class(name, hint, kind, doc, tuple(declared), ())
        return name

    # ---- the constructor

    def _constructor(
        self, forward: Method | None, starts: Method | None
    ) -> tuple[Method | None, list[str]]:
        plan, builder = self.plan, self.builder
        spec = self.program.network.spec
        start: list[Statement] = [] if self.is_chain else [Evaluate(INIT)]
        start += opening(plan, spec)
        for let in plan.lets.values():
            target, value = builder.tree(let.symbol), builder.tree(let.value)
            start.append(Assign((target,), value))
        read = _attributes(forward)
        for symbol, attribute in builder.stored.items():
            if attribute in read:
                target = Attribute(SELF, attribute)
                start.append(Assign((target,), builder.tree(Name(symbol))))
        if plan.kind != "group" and plan.reads.measured:
            start.append(_empty(builder.feature_channels, annotations.NUMBERS))
        body = without_unused((*start, *builder.init), _handed(plan, builder))
        if starts is not None:
            made = code.call(Attribute(SELF, starts.name))
            body = (*body, Evaluate(made))
        if plan.kind == "network":
            body = (*body, *placing(spec, body))
        slots = SlotArguments(builder)
        body = (*slots.prelude(reads_of(body)), *body)
        prelude, symbols = arguments(builder, self.program.network, reads_of(body))
        body = (*prelude, *body)
        parameters = [
            slots.parameter(s) or self.program.parameter(plan, s) for s in symbols
        ]
        if (plan.kind == "network" and spec.places) or scattered(plan, spec):
            parameters.append(PLACES)
        if body == (Evaluate(INIT),) and not parameters:
            return None, []
        return Method("__init__", tuple(parameters), Nothing(), body), symbols

    def _fields(self) -> Body:
        heads = self.program.network.heads
        if not heads:
            return ()
        weights = code.Mapping(tuple((h.name, Const(h.loss_weight)) for h in heads))
        target = Local("loss_weights")
        return (Assign((target,), weights, annotation=annotations.LOSS_WEIGHTS),)


def _returns_record(network: Network) -> bool:
    return bool(network.spec.outputs or network.heads)


def _empty(variable: Local, annotation: Expr) -> Assign:
    return Assign((variable,), code.Mapping(), annotation=annotation)


def _handed(plan: ClassPlan, builder: Builder) -> frozenset[str]:
    """Dicts that were handed in have readers elsewhere."""
    if plan.kind != "group":
        return frozenset()
    return frozenset({builder.feature_channels.id})


def _attributes(method: Method | None) -> set[str]:
    """The attributes of `self` that a method reads."""
    return set() if method is None else attributes_of(method.body)
