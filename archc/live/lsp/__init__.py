"""The language server: what an editor asks of a spec, answered from a workspace."""
