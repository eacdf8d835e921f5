"""T53: the PINs that an installation draws stand in the two files that are for them, and are told nowhere."""

import os
import subprocess
import sys
from pathlib import Path

from tests.stories.canaries import forms, names_in

FILES = {"dss.env": "PIN", "so-pins.env": ""}


def test_t53_init_writes_each_pin_into_one_file_for_its_owner_and_prints_none(tmp_path: Path) -> None:
    home = tmp_path / "home"
    told = subprocess.run(
        [sys.executable, "-m", "dss", "init"],
        env=os.environ | {"DSS_HOME": str(home), "DSS_LOG_LEVEL": "debug"},
        capture_output=True,
        check=True,
        timeout=60,
    )
    secrets = {f"{file}: {name}": forms(pin) for file, end in FILES.items() for name, pin in _pins(home / file, end)}
    assert len(secrets) == 6
    assert names_in(told.stdout + told.stderr, secrets) == []
    assert b"so-pins.env" in told.stdout.replace(b"\n", b"")  # the terminal's width breaks paths

    for path in (path for path in home.rglob("*") if path.is_file()):
        mine = [name for name in secrets if name.startswith(f"{path.name}: ")]
        assert names_in(path.read_bytes(), secrets) == mine, path
        assert not mine or path.stat().st_mode & 0o777 == 0o600, path


def _pins(file: Path, end: str) -> list[tuple[str, str]]:
    """The names and values of a file's PINs; end: of their names."""
    lines = [line.split("=", 1) for line in file.read_text().split()]
    return [(name, value) for name, value in lines if name.endswith(end)]
