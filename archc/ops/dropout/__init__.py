"""Dropout, in training only; in evaluation these return their input."""
