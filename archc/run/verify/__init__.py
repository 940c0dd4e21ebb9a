"""Holds a generated module to what the compiler inferred; `session` is the way in."""

from archc.run.verify.report import Check, Disagreement, Verification
from archc.run.verify.session import verify
from archc.run.verify.several import in_processes

__all__ = ["Check", "Disagreement", "Verification", "in_processes", "verify"]
