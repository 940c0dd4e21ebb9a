"""Holds a generated module to what the compiler inferred; `session` is the way in."""

from archc.run.verify.report import Check, Disagreement, Verification
from archc.run.verify.session import verify
from archc.run.verify.several import verify_each

__all__ = ["Check", "Disagreement", "Verification", "verify", "verify_each"]
