"""The operator's command over a real HSM and a real database, run in this process."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from typer.testing import CliRunner

from dss.cli import running
from dss.cli.main import app
from dss.settings import TokenName
from tests.world.softhsm import SoftHsm


@dataclass(frozen=True)
class Command:
    """`dss` with the environment of one installation; PINs are given to each call."""

    softhsm: SoftHsm
    environment: pytest.MonkeyPatch

    def __call__(self, *arguments: str, pins: tuple[TokenName, ...] = tuple(TokenName)) -> Result:
        """Run a command, given the PINs of some tokens."""
        for name in TokenName:
            pin = self.softhsm.spec(os.environ[f"DSS_{name.name}_TOKEN"]).pin
            self.environment.setenv(name.pin_variable, pin if name in pins else "")
        return CliRunner().invoke(app, list(arguments), catch_exceptions=False)

    def use_token(self, name: TokenName, label: str) -> None:
        """Let another token of the HSM be one of the three."""
        self.environment.setenv(f"DSS_{name.name}_TOKEN", label)


@pytest.fixture
def dss(softhsm: SoftHsm, sqlite_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Command:
    """The command of an installation whose database is empty but migrated."""
    # Each command would send the logs of this whole process to the test's own stderr.
    monkeypatch.setattr(running.logs, "configure", lambda *_: None)
    values: dict[str, Any] = {
        "HOME": tmp_path,
        "DATABASE_URL": sqlite_url,
        "HSM_MODULE": softhsm.module,
        "HSM_LOCK_FILE": softhsm.folder / "hsm.lock",
    }
    for name, value in values.items():
        monkeypatch.setenv(f"DSS_{name}", str(value))
    command = Command(softhsm, monkeypatch)
    for token in TokenName:
        command.use_token(token, token.value)
    return command
