"""Algebra: functions of each number, in `forward` as an expression."""
