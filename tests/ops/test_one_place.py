"""Nothing but its class names an op; who needs to know something of it asks there."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import pytest

import archc
from archc.ops.base import Category
from archc.ops.registry import OPS, family

PACKAGE = Path(archc.__file__).parent
# words of the language that mean more than the op, names that are categories too, a
# function of expressions, an argument of torch.nn.init
WORDS = {*(op.op for op in family("merge")[1]), *get_args(Category), "sum", "mean"}
# what torch.nn.init calls the gains of nonlinearities, and others an activation that is
# none
ELSEWHERE = {"spec/init.py": {"conv1d", "conv2d", "conv3d", "conv_transpose1d",
                          "conv_transpose2d", "conv_transpose3d", "sigmoid", "tanh",
                          "relu", "leaky_relu", "selu"}, "run/fills.py": {"leaky_relu"},
             "run/train/checkpoint.py": {"scale"},
             "run/weights/published.py": {"scale"},
             "spec/foreign.py": {"identity"}, "network/projection.py": {"conv2d"},
             # torch's functions, as other tools name them
             "measure/counting/rules.py": {"elu", "gelu", "group_norm", "hardtanh",
                                           "layer_norm", "leaky_relu",
                                          "local_response_norm", "prelu", "relu",
                                          "silu", "softmax"}}  # fmt: skip
MODULES = {op.__module__ for op in OPS.values()}
# emission has cases of its own for some ops, and import says what functions are that no
# op is named after (decision 18)
FILES = [
    path
    for path in sorted(PACKAGE.rglob("*.py"))
    if path.relative_to(PACKAGE).parts[0] not in ("ops", "emit", "importing")
]


def _named(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and node.value in OPS.keys() - WORDS:
            yield str(node.value)
        if isinstance(node, ast.ImportFrom) and node.module in MODULES:
            yield node.module


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_no_other_file_names_an_op(path: Path) -> None:
    allowed = ELSEWHERE.get(str(path.relative_to(PACKAGE)), set())
    found = set(_named(ast.parse(path.read_text("utf-8"))))
    assert found == allowed
