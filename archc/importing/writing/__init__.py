"""Imported tables as a spec that went through the stages that any spec goes through."""
