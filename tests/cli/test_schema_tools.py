"""The JSON Schema in the tools that editors use: Taplo and Tombi, by their commands.

Both run without a network: the schema is a file, and no catalogue is asked.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from shutil import copytree, which

import pytest

from archc.schema import schema

ROOT = Path(__file__).parent.parent.parent
_TOMBI = """\
toml-version = "v1.0.0"
[schema]
enabled = true
catalog = { paths = [] }
[[schemas]]
path = "archc.schema.json"
include = ["**/*.toml"]
"""
pytestmark = pytest.mark.skipif(
    which("taplo") is None or which("tombi") is None, reason="needs taplo and tombi"
)


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A project with all specs, the schema, and what Tombi needs to know of it."""
    root = tmp_path_factory.mktemp("project")
    copytree(ROOT / "specs", root / "specs")
    (root / "archc.schema.json").write_text(json.dumps(schema()))
    (root / "tombi.toml").write_text(_TOMBI)
    yield root


def _run(*command: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    env = os.environ | {"NO_COLOR": "1"}
    return subprocess.run(
        command, cwd=cwd, env=env, capture_output=True, text=True, timeout=300
    )


def _taplo(project: Path, *files: str) -> list[str]:
    """The messages, each once: Taplo repeats one at every token of a table."""
    url = (project / "archc.schema.json").as_uri()
    done = _run(
        "taplo", "lint", "--colors", "never", "--schema", url, *files, cwd=project
    )
    return sorted(set(re.findall(r"^error: (.*)$", done.stderr, re.MULTILINE)))


def _tombi(project: Path, *files: str) -> list[str]:
    done = _run("tombi", "lint", "--offline", *files, cwd=project)
    said = done.stdout + done.stderr
    return re.findall(r"^ *(?:Error|Warning): (.*)$", said, re.MULTILINE)


def _spec(project: Path, name: str, old: str, new: str) -> str:
    """ResNet-50 with a mistake."""
    text = (project / "specs" / "resnet50.toml").read_text("utf-8")
    assert old in text
    (project / "specs" / name).write_text(text.replace(old, new, 1), "utf-8")
    return f"specs/{name}"


def test_taplo_reports_nothing_on_any_spec(project: Path) -> None:
    names = [str(p.relative_to(project)) for p in (project / "specs").rglob("*.toml")]
    assert len(names) > 130
    assert _taplo(project, *names) == []


def test_tombi_reports_nothing_on_any_spec(project: Path) -> None:
    assert _tombi(project, "specs") == []


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('"conv2d"', '"conv2"', "conv2d"),
        ("kernel_size = 7", "kernal_size = 7", "kernal_size"),
        ("padding = 3", "paddin = 3", "paddin"),
        ('"kaiming_normal_"', '"kaiming_norml_"', "kaiming"),
        ("num_classes = 1000\n", "num_classes = 1000\n[netwrk]\n", "netwrk"),
        ("padding = 3, ", "", None),
    ],
)
def test_one_mistake_is_one_error(
    project: Path, old: str, new: str, said: str | None
) -> None:
    name = _spec(project, "mistake.toml", old, new)
    for messages in (_taplo(project, name), _tombi(project, name)):
        assert len(messages) == (0 if said is None else 1), messages
        assert said is None or re.search(said, messages[0]), messages


def test_a_required_attribute_is_missed(project: Path) -> None:
    name = _spec(project, "mistake.toml", "kernel_size = 7, ", "")
    for messages in (_taplo(project, name), _tombi(project, name)):
        assert len(messages) == 1
        assert "kernel_size" in messages[0]


def test_ops_of_the_spec_s_own_are_known(project: Path) -> None:
    (project / "specs" / "own.toml").write_text(
        'archc = 1\nname = "own"\n'
        '[ops.mine]\nmodule = "package.Mine"\noutput = ["in_channels"]\n'
        '[network]\ninput = [3, 8, 8]\nlayers = [{ op = "mine", name = "m" }]\n'
    )
    assert _taplo(project, "specs/own.toml") == []
    assert _tombi(project, "specs/own.toml") == []


@pytest.mark.parametrize("tool", ["taplo", "tombi"])
def test_a_file_names_its_schema(tmp_path: Path, tool: str) -> None:
    (tmp_path / "archc.schema.json").write_text(json.dumps(schema()))
    text = '#:schema ./archc.schema.json\narchc = 1\nname = "net"\n'
    text += '[network]\ninput = [3, 8, 8]\nlayers = [{ op = "%s" }]\n'
    for op, found in (("relu", False), ("rellu", True)):
        (tmp_path / "net.toml").write_text(text % op)
        options = ["--offline"] if tool == "tombi" else ["--colors", "never"]
        done = _run(tool, "lint", *options, "net.toml", cwd=tmp_path)
        assert (done.returncode != 0) is found, done.stdout + done.stderr
