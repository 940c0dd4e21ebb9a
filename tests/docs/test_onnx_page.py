"""What the page on ONNX shows is run, and onnxruntime gives what PyTorch gives."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from .pages import ROOT, blocks


@pytest.mark.filterwarnings("ignore")
def test_the_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    torch.manual_seed(0)
    code = [b.text for b in blocks(ROOT / "docs/onnx.md") if b.language == "python"]
    assert len(code) == 2
    names: dict[str, Any] = {}
    for text in code:
        exec(compile(text, "onnx.md", "exec"), names)
    with torch.no_grad():
        expected = names["model"](names["images"]).numpy()
    assert expected.shape == (4, 10)
    # sums of up to 400 products in another order, of numbers near 1, in float32
    np.testing.assert_allclose(names["logits"], expected, rtol=0, atol=1e-5)
