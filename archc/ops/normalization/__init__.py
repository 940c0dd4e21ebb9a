"""Normalisation, and the per-channel scale that goes with it."""
