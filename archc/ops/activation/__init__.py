"""Activations: what is computed for each number, or along one axis."""
