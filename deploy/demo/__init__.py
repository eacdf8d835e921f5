"""The demo: one PDF signed end to end by the real programs, each step shown and timed."""
