"""`mobile-mock` as a program: on its own, and with its help complete."""

import subprocess
import sys
from dataclasses import fields

import pytest
from typer.testing import CliRunner

from mobile_mock.exits import MEANING, Exit
from mobile_mock.main import app
from mobile_mock.misbehave import Misbehaviour

COMMANDS = (
    *("enrol", "list", "show", "confirm", "decline", "watch", "status"),
    *("phones", "block", "keys", "suspend", "change", "share-code", "share", "take-shares"),
)


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, *arguments], capture_output=True, text=True, timeout=60, check=False)


def test_the_phone_shares_no_code_with_the_server_and_does_not_use_its_pdf_library():
    code = "import sys, mobile_mock.main; print(sorted({name.partition('.')[0] for name in sys.modules}))"
    loaded = run("-c", code).stdout

    assert "mobile_mock" in loaded
    assert "'dss'" not in loaded
    assert "pyhanko" not in loaded


def test_the_program_runs_as_a_module(tmp_path):
    ended = run("-m", "mobile_mock", "list", "--store", str(tmp_path))

    assert (ended.returncode, ended.stdout) == (Exit.STORE, "")
    assert "mobile-mock enrol" in ended.stderr


def test_the_help_lists_every_command_and_every_exit_code():
    text = CliRunner().invoke(app, ["--help"]).stdout

    assert all(name in text for name in COMMANDS)
    assert all(f"{int(code)}  {meaning}" in text for code, meaning in MEANING.items())
    assert set(MEANING) == set(Exit)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_takes_json_and_store(command):
    text = CliRunner().invoke(app, [command, "--help"]).stdout

    assert "--json" in text
    assert "--store" in text


def test_the_misbehaviour_switches_stand_in_a_panel_of_their_own():
    text = CliRunner().invoke(app, ["confirm", "--help"]).stdout
    panel = text[text.index("Misbehave") :]

    for switch in fields(Misbehaviour):
        assert f"--{switch.name.replace('_', '-')}" in panel


def test_an_unknown_option_is_an_error_of_usage():
    assert CliRunner().invoke(app, ["list", "--nonsense"]).exit_code == Exit.USAGE
