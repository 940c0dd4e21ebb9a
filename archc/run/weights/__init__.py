"""Weights that were trained before: read, held to a network, and loaded."""
