"""The way back: from what a module computes to a spec that says it."""
