"""Runs the operator's commands: `python -m dss`."""

from dss.cli.main import app

app()
