"""What the names in `from` stand for, in one body, found before any code is written.

A value that is read in the iteration in which it was made gets a variable. One whose
name is computed, or that a loop or a condition made, goes into a dict under its path.
Paths are kept as they are written, with braces; the counter of a named repetition is a
part too.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import takewhile
from typing import Any

from archc.emit.hidden import hide
from archc.emit.occurrences import Occurrences
from archc.emit.scopes import Needs, Scope, Shared, Source, joined
from archc.spec.expressions import Name
from archc.spec.model import (
    BlockNode,
    BranchesNode,
    GroupNode,
    HeadSpec,
    Node,
    ShareNode,
    Template,
    made_by,
    members,
    walk,
)
from archc.spec.templates import made_in, may_meet


class Reads:
    """The names of one body, of a block or the network, and who reads them."""

    def __init__(
        self,
        nodes: Sequence[Node],
        seen: Occurrences,
        inputs: Sequence[str] = (),
        outputs: Mapping[str, str] | None = None,
        heads: Sequence[HeadSpec] = (),
    ) -> None:
        self.inputs = tuple(inputs)
        """The names of what the body is given, if there are any."""
        self._occurring = seen.nodes()
        self._seen = seen
        self.paths: dict[Node, Template] = {}
        """Where each named node stands."""
        self.members: dict[Node, Template] = {}
        """For a named repetition: the path of one of its children."""
        self.counters: dict[Node, str] = {}
        """For a repetition: what its counter is called in paths, as no other is."""
        self.sources: dict[Node, tuple[Source, ...]] = {}
        self.shared: dict[Node, Shared] = {}
        """What each share applies."""
        self.tapped: set[str] = set()
        """Paths of values that are read from a variable."""
        self.saved: set[str] = set()
        """Paths of values that are read from the dict."""
        self.measured: set[str] = set()
        """Those of them whose number of channels is needed."""
        self._present: dict[str, tuple[Node, ...]] = dict.fromkeys(inputs, ())
        """The paths of values so far, each with the loops and conditions around it."""
        self._left_out: set[str] = set()
        """Paths in nodes that are left out everywhere."""
        self._around: dict[Node, tuple[Node, ...]] = {}
        """The loops and conditions around each node, with its own."""
        self._instead: set[Node] = set()
        """What stands in another node's place where that is left out."""
        self._nowhere: set[Node] = set()
        """What is left out whatever the arguments are."""
        self._unmet: dict[tuple[Node, int], tuple[Template, Scope]] = {}
        """What nothing so far is called: a loop may make it in an earlier iteration."""
        self._nodes: dict[str, list[Node]] = defaultdict(list)
        """The nodes so far, by their paths; those of one path exclude each other."""
        body = Scope((Template("", ()),))
        self._visit_all(nodes, body)
        self.outputs = {
            name: self._output(path, body) for name, path in (outputs or {}).items()
        }
        """What the body returns by name."""
        self.heads: dict[str, Source] = {}
        for head in heads:
            read = Template(head.reads, (head.reads,))
            source = self.heads[head.name] = self._find(read, body)
            if source.kind == "feature":
                self.measured |= self._met(source.key)
            self._visit(head.node, body)

    def _output(self, path: str, body: Scope) -> Source:
        read = Template(path, (path,))
        return Source("prev", read) if path == "prev" else self._find(read, body)

    def measure(self, source: Source) -> None:
        """Notes that the channels of a value out of the dict are needed."""
        self.measured |= self._met(source.key)

    def given(self, node: Node) -> dict[str, Template]:
        """The paths of what a block gives by name."""
        path = self.paths.get(node)
        if path is None or not isinstance(node, BlockNode):
            return {}
        return {
            name: joined(path, Template(f".{name}", (f".{name}",)))
            for name in node.outputs
        }

    def needs(self, node: Node) -> Needs:
        """What a group's own class must be given."""
        values: dict[str, None] = {}
        modules: dict[str, Shared] = {}
        features = False
        for member, group in self._in_groups(node):
            # a group that is applied again makes what is in it itself
            own = (self._inside(node), self._inside(group))
            shared = self.shared.get(member)
            if member in self._nowhere or shared is None or shared.node is None:
                pass  # it is left out itself, if what it applies is not there
            elif not shared.key.text.startswith(own):
                modules[shared.key.text] = shared
            for source in self.sources.get(member, ()):
                if source.kind == "input":
                    values[""] = None
                elif source.kind == "value" and not source.key.text.startswith(own):
                    values[source.key.text] = None
                features = features or source.kind == "feature"
            features = features or not self.saved.isdisjoint(self._made(member))
        return Needs(tuple(values), features, tuple(modules.values()))

    def may_lack(self, node: Node, shared: Shared) -> bool:
        """Whether a module that the call of a group hands on need not be there: it is
        made under a condition, or in a loop, that the group does not stand in."""
        common = {
            n for n in self._around[node] if shared.key.text.startswith(self._inside(n))
        }
        own = self._around.get(shared.node, ()) if shared.node is not None else ()
        return not all(n in common or self._runs(n) for n in own)

    def _runs(self, node: Node) -> bool:
        """Whether a loop or a condition leaves nothing out, whatever the arguments."""
        return (
            node.when in (None, True)
            and isinstance(node.repeat, int | None)
            and node.repeat != 0
            and node.skip_when is None
            and node not in self._instead
        )

    def _in_groups(self, node: Node) -> Iterator[tuple[Node, Node]]:
        """The nodes in a group and in the groups that it applies again, as a call of
        these hands on what they need; each with the one of these groups it is in."""
        met = [node]
        for group in met:
            for member in walk(members(group)):
                yield member, group
                shared = self.shared.get(member)
                if shared is not None and shared.node not in (None, *met):
                    met.append(shared.node)

    def taps(self, node: Node) -> tuple[str, ...]:
        """Paths inside a named group whose values are read outside it."""
        if node not in self.paths or not isinstance(node, GroupNode | BranchesNode):
            return ()
        below = self._below(node)
        # what may stand in the group's place has the same paths
        instead = {
            m for n in self._nodes[self.paths[node].text] for m in self._below(n)
        }
        outside = {
            source.key.text
            for reader, sources in self.sources.items()
            if reader not in instead
            for source in sources
            if source.kind == "value"
        }
        ends = (*self.outputs.values(), *self.heads.values())
        outside |= {s.key.text for s in ends if s.kind == "value"}
        return tuple(sorted(outside & {p for n in below for p in self._made(n)}))

    def _made(self, node: Node) -> Iterator[str]:
        """The paths of what a node gives."""
        found = (self.paths.get(node), self.members.get(node))
        for path in (*found, *self.given(node).values()):
            if path is not None:
                yield path.text

    def is_read(self, node: Node) -> bool:
        """Whether something reads the node's value, or one inside it, by its name."""
        if node not in self.paths:
            return False
        path = self.paths[node].text
        return path in self.tapped | self.saved or any(
            p.startswith(f"{path}.") for p in self.tapped | self.saved
        )

    @contextmanager
    def counting(self, env: dict[str, Any], node: Node, value: Any) -> Generator[None]:
        """Names that know the value of a repetition's counter, those in paths too."""
        known = dict(env)
        hide(env, node.index)
        env[node.index] = env[self.counters[node]] = value
        yield
        env.clear()
        env.update(known)

    # ---- the walk, in the order in which values are made

    def _visit_all(self, nodes: Sequence[Node], scope: Scope) -> None:
        for node in nodes:
            self._visit(node, scope)

    def _visit(self, node: Node, scope: Scope) -> None:
        if node.reads is not None:
            self.sources[node] = tuple(
                self._source(node, number, template, scope)
                for number, template in enumerate(node.reads)
            )
        within = scope.within
        if node.when is not None or node.repeat is not None:
            within = (*within, node)
        self._around[node] = within
        if node.repeat == 0 or node.when in (False, 0):
            self._nowhere |= {node, *self._below(node)}
        outer = scope
        counters = dict(scope.counters)
        if node.repeat is not None:
            counters[node.index] = f"{node.index}@{len(self.counters)}"
            self.counters[node] = counters[node.index]
        scope = Scope(scope.paths, scope.within, counters)
        inner = Scope(scope.paths, within, counters)
        if isinstance(node, ShareNode):
            self.shared[node] = self._module(node, scope)
        path = None if node.name is None else scope.child(node.name)
        if path is not None and node.name is not None:
            self.paths[node] = path
            inner = scope.opened(path, within)
            if node.repeat is not None and node.name.fixed:
                counter = Template(f"{{{node.index}}}", (Name(node.index),))
                path = self.members[node] = inner.child(counter)
                inner = inner.opened(path, within)
        left_out = within != scope.within and not self._occurs(node)
        with self._hidden(left_out):
            if isinstance(node, GroupNode):
                self._visit_all(node.layers, inner)
            elif isinstance(node, BranchesNode):
                self._visit_all(node.branches, inner)
        if node.shortcut is not None:
            # where the skip is left out, so is what stands on its path
            around = within if node.skip_when is None else (*within, node)
            left_out = around != within and not self._occurs(node.shortcut)
            with self._hidden(left_out):
                self._visit(node.shortcut, Scope(scope.paths, around, counters))
        if node.otherwise is not None:
            self._visit_other(node.otherwise, outer)
        if node.name is not None and path is not None:
            self._note(node, path, scope, within)
        if node.repeat is not None:
            self._visit_again(node)

    def _note(
        self, node: Node, path: Template, scope: Scope, within: tuple[Node, ...]
    ) -> None:
        """Notes that a node's value is there from now on."""
        for known in dict.fromkeys((path.text, self.paths[node].text)):
            self._nodes[known].append(node)
        if node in self.members:
            self._present[path.text] = within
            self._present[self.paths[node].text] = scope.within
        else:
            again = node.repeat is not None
            self._present[path.text] = within if again else scope.within
            for given in self.given(node).values():
                self._present[given.text] = scope.within

    def _visit_again(self, loop: Node) -> None:
        """Notes what a later iteration reads of what one before it has made."""
        inside = self._below(loop)
        for (node, number), (template, scope) in list(self._unmet.items()):
            if node in inside:
                before = self.sources[node]
                found = self._source(node, number, template, scope)
                if found.kind == "feature":
                    self.sources[node] = (
                        *before[:number],
                        found,
                        *before[number + 1 :],
                    )
                    del self._unmet[node, number]
        made = {path for node in (loop, *inside) for path in self._made(node)}
        for node in inside:
            for number, source in enumerate(self.sources.get(node, ())):
                if source.kind == "feature":
                    makers = self._seen.read_from(node, number)
                    met = {p for p in made if may_meet(p, source.key.text)}
                    met = {p for p in met if made_in(p, makers)}
                    self.saved |= met
                    self.measured |= met

    def _visit_other(self, node: Node, around: Scope) -> None:
        """Visits what stands in another node's place; its name is that of the value
        behind both."""
        within = (*around.within, node)
        self._instead.add(node)
        with self._hidden(not self._occurs(node)):
            self._visit(node, Scope(around.paths, within, around.counters))
        path = self.paths.get(node)
        if path is not None and (node in self.members or node.repeat is None):
            self._present[path.text] = around.within

    @contextmanager
    def _hidden(self, left_out: bool) -> Generator[None]:
        """What stands in a node that is left out everywhere can't be read by name."""
        known = dict(self._present) if left_out else {}
        yield
        if left_out:
            self._left_out |= self._present.keys() - known.keys()
            self._present = known

    def _occurs(self, node: Node) -> bool:
        """Whether the network has a node, or something in it."""
        below = list(made_by(node))
        return len(below) == 1 or any(n in self._occurring for n in below)

    def _source(
        self, node: Node, number: int, template: Template, scope: Scope
    ) -> Source:
        if template.text in ("prev", "input"):
            return Source("prev" if template.text == "prev" else "input", template)
        makers = self._seen.read_from(node, number)
        source = self._find(scope.told(template), scope, makers)
        if source.kind == "feature":
            self.measured |= self._met(source.key)
        elif source.kind == "prev":
            self._unmet[node, number] = template, scope
        return source

    def _find(
        self, template: Template, scope: Scope, makers: Collection[str] = ()
    ) -> Source:
        """The value that a name stands for, looked for from its scope outwards.

        It may be met by names with braces in several scopes; the paths of its
        `makers`, of all that gives what is read, say in which of them it is.
        """
        for path in reversed(scope.paths):
            key = joined(path, template)
            made = self._present.get(key.text)
            if made is not None and scope.within[: len(made)] == made:
                self.tapped.add(key.text)
                return Source("value", key)
            met = {p for p in self._present if may_meet(p, key.text)}
            if met and (not makers or made_in(key.text, makers)):
                self.saved |= met
                return Source("feature", key)
        if makers:
            # what has the name passes on what was made elsewhere
            return self._find(template, scope)
        # a reader that is left out itself may read what is
        for path in reversed(scope.paths):
            key = joined(path, template)
            met = {p for p in self._left_out if may_meet(p, key.text)}
            if met:
                self.saved |= met
                return Source("feature", key)
        # nor has anyone looked whether what it reads is there at all
        return Source("prev", template)

    def _module(self, share: ShareNode, scope: Scope) -> Shared:
        """The module that a share applies, looked for from its scope outwards; with
        braces, it stands in that scope."""
        told = scope.told(share.shares)
        left_out: Shared | None = None
        for path in reversed(scope.paths):
            key = joined(path, told)
            nodes = self._nodes.get(key.text, [])
            sure = len(nodes) == 1
            if not nodes:
                known = self._nodes.items()
                nodes = [n for p, ns in known if may_meet(p, key.text) for n in ns]
            there = [n for n in nodes if n in self._occurring]
            found = next(iter((*there, *nodes)), None)
            alone = len(nodes) == 1 and not self._in_common(share, nodes[0])
            if isinstance(found, ShareNode) and sure:
                shared = self.shared[found]
            elif isinstance(found, ShareNode):
                key = self._applied(found, key)
                shared = Shared(key, self.shared[found].node, sure, sure)
            else:
                shared = Shared(key, found, sure, sure or alone)
            if shared.node is None and share.shares.fixed:
                continue
            if there or share not in self._occurring:
                return shared
            # what is there may stand further out
            left_out = left_out or shared
        # what is left out itself may apply what is not there
        return left_out or Shared(told, None)

    def _in_common(self, node: Node, other: Node) -> bool:
        """Whether two nodes are in one repetition."""
        around = {n for n in self._around[node] if n.repeat is not None}
        return not around.isdisjoint(self._around[other])

    def _applied(self, share: ShareNode, key: Template) -> Template:
        """Where the module is that the share applies which comes out as `key`."""
        here, made, own = (
            t.text.split(".") for t in (key, self.shared[share].key, self.paths[share])
        )
        pairs = zip(made, own, strict=False)
        around = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))
        text = ".".join((*here[:around], *made[around:]))
        known = len(here) == len(own) and "{" not in text
        return Template(text, (text,)) if known else key

    def below(self, node: Node, key: Template) -> Template:
        """The path of what is in a named group, from there."""
        group = self.members.get(node) or self.paths[node]
        text = key.text[len(group.text) + 1 :]
        if all(isinstance(part, str) for part in key.parts):
            return Template(text, (text,))
        return Template(text, key.parts[len(group.parts) + 1 :])

    def _met(self, key: Template) -> set[str]:
        """The paths that may be what a key comes out as."""
        known = {*self._present, *self._left_out}
        return {path for path in known if may_meet(path, key.text)}

    # ---- groups

    def _inside(self, node: Node) -> str:
        path = self.members.get(node) or self.paths.get(node)
        return "" if path is None else f"{path.text}."

    def _below(self, node: Node) -> set[Node]:
        return set(walk(members(node)))
