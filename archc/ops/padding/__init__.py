"""Padding around maps and behind channels."""
