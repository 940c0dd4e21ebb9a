"""Ops that order numbers otherwise, or take some of them, without computing."""
