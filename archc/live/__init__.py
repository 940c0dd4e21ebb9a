"""Specs while they are written: what an editor and `archc watch` work on."""
