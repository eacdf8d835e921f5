"""Operators: what one of them may not do alone."""
