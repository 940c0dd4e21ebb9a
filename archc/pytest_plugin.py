"""A pytest plugin: a spec is collected as a test of its network.

`pytest specs/googlenet.toml` holds the spec's claims and the generated module, as
`archc check`, `archc verify` and `archc smoke` do; each check is a test with a name.
Those of `smoke` are only there where they are asked for: by `--archc-smoke`, a marker
(they have `slow`, and on a GPU `gpu`), or their name. Without PyTorch, `check` is run
and the others are skipped. Specs are collected where they are named on the command
line, and below directories called `specs`; other .toml and .json files are left alone.
"""

from __future__ import annotations

import re
from argparse import ArgumentTypeError
from collections.abc import Iterator, Mapping
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

import pytest

if TYPE_CHECKING:
    from _pytest._code.code import TerminalRepr

    from archc.cli.specs import Run
    from archc.pipeline import Analysis
    from archc.run.smoke.report import Result
    from archc.run.subject import Subject
    from archc.run.verify import Verification

N = TypeVar("N", bound=pytest.Collector | pytest.Item)


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup(
        "archc", "specs of networks; their generated modules are run as code"
    )
    group.addoption(
        "--archc-smoke",
        action="store_true",
        help="Also train each network for some steps, as `archc smoke` does.",
    )
    group.addoption(
        "--archc-device",
        choices=("cpu", "cuda"),
        default="cpu",
        help="Where specs are smoke-tested (default: cpu).",
    )
    group.addoption(
        "--archc-batch",
        type=_positive,
        metavar="N",
        help="Images in a step of a smoke test.",
    )


def _positive(text: str) -> int:
    if not text.isdecimal() or not int(text):
        raise ArgumentTypeError(f"{text!r} is no number of images")
    return int(text)


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "slow: takes more than some seconds")
    config.addinivalue_line("markers", "gpu: needs a GPU")


def pytest_collect_file(
    file_path: Path, parent: pytest.Collector
) -> pytest.Collector | None:
    """A spec that is asked for; None for any other file."""
    if file_path.suffix.lower() not in (".toml", ".json"):
        return None
    named = any(_is_named(file_path, argument) for argument in parent.config.args)
    if not named and "specs" not in file_path.parent.parts:
        return None
    from archc.catalog import is_network

    return _made(SpecFile, parent, path=file_path) if is_network(file_path) else None


def _is_named(path: Path, argument: str) -> bool:
    return path == Path(argument.partition("::")[0]).resolve()


def _is_smoke_asked_for(config: pytest.Config) -> bool:
    """By its option, or by a marker or a name that only its tests have."""
    option = config.option
    return (
        bool(config.getoption("archc_smoke"))
        or bool(re.search(r"\b(slow|gpu)\b", option.markexpr))
        or "smoke" in option.keyword
        or any("::smoke" in argument for argument in config.args)
    )


def _made(kind: type[N], parent: pytest.Collector, **arguments: Any) -> N:
    made: Any = kind
    return made.from_parent(parent, **arguments)


class Refuted(Exception):
    """A check that failed; its message is the whole report."""


class SpecFile(pytest.File):
    """A spec; its checks share what was found out once."""

    def collect(self) -> Iterator[pytest.Item]:
        from archc.run.checks import SMOKE, VERIFY

        yield _made(Checked, self, name="check")
        for check in VERIFY:
            yield _made(Verified, self, name=f"verify-{check}")
        for check in SMOKE if _is_smoke_asked_for(self.config) else ():
            item = _made(Smoked, self, name=f"smoke-{check.replace(' ', '-')}")
            item.add_marker("slow")
            if self.config.getoption("archc_device") == "cuda":
                item.add_marker("gpu")
            yield item

    @cached_property
    def analysed(self) -> Analysis:
        """The network; torch is not needed.

        Raises:
            Refuted: if the spec has errors, or archc is wrong about it.
        """
        from archc.cli.options import Overrides
        from archc.cli.specs import Run
        from archc.emit.module import emit
        from archc.emit.wrong import WrongModule

        run = Run(Overrides(), anywhere=False)
        found = run.analyse(self.path)
        if found is None:
            raise Refuted(_report(run))
        try:
            emit(found.network)
        except WrongModule as error:
            raise Refuted(str(error)) from error
        return found

    @cached_property
    def subject(self) -> Subject:
        """The network with its module.

        Raises:
            Refuted: if there is none that could be run.
        """
        from archc.cli.options import Overrides, Refused
        from archc.cli.running import subject
        from archc.cli.specs import Found, Run
        from archc.emit.lower import packages

        network = self.analysed.network
        run = Run(Overrides(), anywhere=False)
        try:
            found = subject(Found(self.path), run, Overrides(), None)
        except Refused as error:
            raise Refuted(str(error)) from error
        if found is None:
            raise Refuted("\n".join(run.refused))
        for package in packages(network):
            self.warn(pytest.PytestWarning(f"runs the code of `{package}`, an import"))
        if found.outdated:
            self.warn(pytest.PytestWarning(found.outdated))
        return found

    @cached_property
    def verification(self) -> Verification:
        """What `archc verify` finds."""
        from archc.run.verify import verify

        return verify(self.subject)

    @cached_property
    def trained(self) -> Result:
        """What `archc smoke` finds."""
        from archc.run.smoke.session import smoke
        from archc.run.smoke.settings import Settings

        device: Any = self.config.getoption("archc_device")
        settings = Settings(device, batch=self.config.getoption("archc_batch"))
        return smoke(self.subject, settings, lambda what: None)


def _report(run: Run) -> str:
    from archc.diagnostics.render import render_text, summary_line

    text = render_text(run.diagnostics)
    return f"{text}\n{summary_line(run.diagnostics)}"


class SpecItem(pytest.Item):
    """One check of a spec."""

    parent: SpecFile

    # other plugins look for it in every test; without it pytest-lsp 1.0 fails them
    funcargs: ClassVar[Mapping[str, object]] = MappingProxyType({})

    def repr_failure(
        self,
        excinfo: pytest.ExceptionInfo[BaseException],
        style: Any = None,
    ) -> str | TerminalRepr:
        """The report alone where a check failed: a traceback says nothing of a spec."""
        if isinstance(excinfo.value, Refuted):
            return str(excinfo.value)
        return super().repr_failure(excinfo, style)

    def need_module(self) -> None:
        """Skips the check where there is no torch, or no network."""
        from archc.cli.options import Refused
        from archc.cli.running import need_torch

        try:
            need_torch("verify")
        except Refused as error:
            pytest.skip(error.message)
        try:
            assert self.parent.analysed
        except Refuted:
            pytest.skip("there is no module to run, see `check`")

    def reportinfo(self) -> tuple[Path, int | None, str]:
        return self.path, None, self.name


class Checked(SpecItem):
    """The spec has no errors, and its claims hold."""

    def runtest(self) -> None:
        assert self.parent.analysed


class Verified(SpecItem):
    """One of the checks of `archc verify`."""

    def runtest(self) -> None:
        from archc.run.checks import VERIFY

        self.need_module()
        found = self.parent.verification
        check = self.name.removeprefix("verify-")
        failed = [d for d in found.disagreements if d.check == check]
        if failed:
            raise Refuted("\n".join(map(str, failed)))
        order = list(VERIFY)
        before = {d.check for d in found.disagreements}
        if any(order.index(other) < order.index(check) for other in before):
            pytest.skip("not reached, as an earlier check failed")


class Smoked(SpecItem):
    """One of the checks of `archc smoke`; the first one trains, for all."""

    def runtest(self) -> None:
        self.need_module()
        from archc.run.device import gpus

        if self.config.getoption("archc_device") == "cuda" and not gpus():
            pytest.skip("torch finds no GPU here")
        found = self.parent.trained
        name = self.name.removeprefix("smoke-")
        (check,) = (c for c in found.checks if c.name.replace(" ", "-") == name)
        if check.status == "failed":
            place = f"{check.layer}: " if check.layer else ""
            raise Refuted(f"{place}{check.detail}")
        if check.status == "skipped":
            pytest.skip(check.detail)
