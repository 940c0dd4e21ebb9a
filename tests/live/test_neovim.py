"""A real Neovim with docs/editors/neovim.lua: what it shows of GoogLeNet."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
_SCRIPT = """
vim.o.swapfile = false
dofile("{lua}").setup({{ cmd = {{ "{python}", "-m", "archc", "lsp" }} }})
vim.cmd("filetype on")
vim.cmd("edit {spec}")
local space = vim.api.nvim_get_namespaces().archc
local function marks()
  if vim.lsp.inlay_hint then
    local found = {{}}
    for _, hint in ipairs(vim.lsp.inlay_hint.get({{ bufnr = 0 }})) do
      found[#found + 1] = {{ hint.inlay_hint.position.line, hint.inlay_hint.label }}
    end
    return found
  end
  local found = {{}}
  local all = vim.api.nvim_buf_get_extmarks(0, space, 0, -1, {{ details = true }})
  for _, mark in ipairs(all) do
    found[#found + 1] = {{ mark[2], vim.trim(mark[4].virt_text[1][1]) }}
  end
  return found
end
vim.wait(30000, function() return #marks() > 0 end, 50)
local before = marks()
vim.cmd([[/"maxpool1"/s/max_pool2d/max_pol2d/]])
vim.wait(30000, function() return #vim.diagnostic.get(0) > 0 end, 50)
local told = {{}}
for _, d in ipairs(vim.diagnostic.get(0)) do
  told[#told + 1] = {{ d.lnum, d.message }}
end
local file = io.open("{out}", "w")
file:write(vim.fn.json_encode({{ hints = before, diagnostics = told }}))
file:close()
vim.cmd("qa!")
"""


@pytest.mark.skipif(shutil.which("nvim") is None, reason="Neovim is not installed")
def test_neovim_shows_hints_and_diagnostics(tmp_path: Path) -> None:
    spec = tmp_path / "googlenet.toml"
    shutil.copy(ROOT / "specs" / "googlenet.toml", spec)
    script, out = tmp_path / "init.lua", tmp_path / "out.json"
    lua = ROOT / "docs" / "editors" / "neovim.lua"
    text = _SCRIPT.format(lua=lua, python=sys.executable, spec=spec, out=out)
    script.write_text(text, "utf-8")
    command = ["nvim", "--headless", "-u", "NONE", "-c", f"luafile {script}"]
    subprocess.run(command, cwd=tmp_path, timeout=90, check=True, capture_output=True)
    shown = json.loads(out.read_text("utf-8"))
    hints = {line: text for line, text in shown["hints"]}
    lines = spec.read_text("utf-8").split("\n")
    assert hints[next(i for i, t in enumerate(lines) if '"conv1"' in t)] == (
        "64 x 112 x 112"
    )
    assert hints[next(i for i, t in enumerate(lines) if '"inception5b"' in t)] == (
        "1024 x 7 x 7"
    )
    ((line, message),) = shown["diagnostics"]
    assert '"maxpool1"' in lines[line] and 'there is no op "max_pol2d"' in message
