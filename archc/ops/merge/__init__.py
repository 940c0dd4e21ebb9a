"""Ops that make one value of several."""
