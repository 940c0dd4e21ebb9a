"""The tests with the oldest torch that archc allows, and with the newest there is.

    python tests/benchmarks/versions.py [arguments for pytest]

Makes a virtual environment of several gigabytes for each, one after the other, and
removes it. Needs a Python for which there is the oldest torch. Every other package is
the newest that fits, whatever constraints.txt says. Prints pytest's closing line for
each; the exit status is 1 if tests failed.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]


def main() -> int:
    environment = {k: v for k, v in os.environ.items() if k not in LEFT_OUT} | PIP
    failed = False
    for name, packages in (("oldest", oldest()), ("newest", [])):
        with tempfile.TemporaryDirectory() as folder:
            python = install(Path(folder), packages, environment)
            version = subprocess.run(
                [python, "-c", VERSIONS], check=True, capture_output=True, text=True
            )
            print(f"{name}: {version.stdout.strip()}", flush=True)
            tests = subprocess.run(
                [python, "-m", "pytest", *sys.argv[1:]],
                cwd=ROOT,
                env=environment | {"PATH": path_with(python)},
                stdout=subprocess.PIPE,
                text=True,
            )
        lines = tests.stdout.splitlines()
        found = [line for line in lines if line.startswith(("FAILED", "ERROR"))]
        print(*(f"  {line}" for line in [*found, *lines[-1:]]), sep="\n", flush=True)
        failed |= tests.returncode != 0
    return int(failed)


# importing torch anew for every process of the tests is only bearable with bytecode
LEFT_OUT = {"PYTHONDONTWRITEBYTECODE", "PYTHONPATH"}
PIP = {"PIP_DISABLE_PIP_VERSION_CHECK": "1", "PIP_NO_CACHE_DIR": "1"}
VERSIONS = """
from importlib.metadata import version
print(*(f"{name} {version(name)}" for name in ("torch", "torchvision", "numpy")))
"""


def oldest() -> list[str]:
    """`torch==2.4.*` and the torchvision that belongs to it, from pyproject.toml."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    wanted: list[str] = project["optional-dependencies"]["torch"]
    return [f"{requirement.replace('>=', '==')}.*" for requirement in wanted]


def install(folder: Path, packages: list[str], environment: dict[str, str]) -> str:
    """Makes an environment with archc and `packages`; returns its interpreter."""
    subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    python = str(folder / ("Scripts" if os.name == "nt" else "bin") / "python")
    command = [python, "-m", "pip", "install", "--quiet", "-e", f"{ROOT}[dev]"]
    subprocess.run([*command, *packages], check=True, env=environment)
    return python


def path_with(python: str) -> str:
    return os.pathsep.join([str(Path(python).parent), os.environ.get("PATH", "")])


if __name__ == "__main__":
    sys.exit(main())
