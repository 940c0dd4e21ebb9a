-- archc in Neovim: put this into ~/.config/nvim/lua/archc.lua, and
-- require("archc").setup() into init.lua. It takes Neovim 0.7 or later; before 0.10,
-- which shows inlay hints itself, they are drawn as virtual text behind the line.
local M = {}
local space = vim.api.nvim_create_namespace("archc")

-- A spec says which version of the language it is in, in its first lines.
local function is_spec(buffer)
  for _, line in ipairs(vim.api.nvim_buf_get_lines(buffer, 0, 20, false)) do
    if line:match('^%s*"?archc"?%s*[=:]') then
      return true
    end
  end
  return false
end

local function draw(buffer, hints)
  vim.api.nvim_buf_clear_namespace(buffer, space, 0, -1)
  local lines = vim.api.nvim_buf_line_count(buffer)
  for _, hint in ipairs(hints or {}) do
    local line = hint.position.line
    if line < lines then
      local text = { { "  " .. hint.label, "Comment" } }
      vim.api.nvim_buf_set_extmark(buffer, space, line, 0, { virt_text = text })
    end
  end
end

local function ask(client, buffer)
  local params = {
    textDocument = vim.lsp.util.make_text_document_params(buffer),
    range = {
      start = { line = 0, character = 0 },
      ["end"] = { line = vim.api.nvim_buf_line_count(buffer), character = 0 },
    },
  }
  client.request("textDocument/inlayHint", params, function(err, hints)
    if not err and vim.api.nvim_buf_is_loaded(buffer) then
      draw(buffer, hints)
    end
  end, buffer)
end

local function attached(client, buffer)
  if vim.lsp.inlay_hint then
    vim.lsp.inlay_hint.enable(true, { bufnr = buffer })
    return
  end
  ask(client, buffer)
  vim.api.nvim_create_autocmd({ "TextChanged", "TextChangedI" }, {
    buffer = buffer,
    callback = function()
      ask(client, buffer)
    end,
  })
end

function M.setup(options)
  options = options or {}
  local id
  vim.api.nvim_create_autocmd("FileType", {
    pattern = { "toml", "json" },
    callback = function(event)
      local buffer = event.buf
      if not is_spec(buffer) then
        return
      end
      local config = {
        name = "archc",
        cmd = options.cmd or { "archc", "lsp" },
        root_dir = vim.fn.getcwd(),
        init_options = { hints = options.hints or "shape" },
        on_attach = attached,
      }
      if vim.lsp.start then -- from 0.8 on; one server for all buffers
        vim.lsp.start(config, { bufnr = buffer })
      else
        id = id or vim.lsp.start_client(config)
        vim.lsp.buf_attach_client(buffer, id)
      end
    end,
  })
end

return M
