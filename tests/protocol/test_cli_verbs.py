"""What the operator's commands do and show."""

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest
import typer
from cryptography import x509

from dss.ca.model import NewAuthority
from dss.cli.main import app
from dss.settings import TokenName
from tests.protocol.cli_world import Command, dss
from tests.world.softhsm import SoftHsm
from tests.world.world import World

__all__ = ["dss"]


def rows(output: str) -> list[dict[str, Any]]:
    """What a command printed as JSON, one object a line."""
    return [json.loads(line) for line in output.splitlines()]


def commands(command: click.Command, path: str) -> Iterator[tuple[str, click.Command]]:
    """Give every command below one, and itself."""
    yield path, command
    for name, below in getattr(command, "commands", {}).items():
        yield from commands(below, f"{path} {name}")


EVERY_COMMAND = list(commands(typer.main.get_command(app), "dss"))


@pytest.mark.parametrize(("path", "command"), EVERY_COMMAND, ids=[path for path, _ in EVERY_COMMAND])
def test_every_command_option_and_argument_is_explained(path: str, command: click.Command):
    assert command.help
    assert [parameter.name for parameter in command.params if not getattr(parameter, "help", "")] == []


def test_a_subject_s_newest_events_are_shown_oldest_first(dss: Command):
    for login in ("alice", "bob", "carol"):
        person = ("--given-name", "A", "--surname", "B", "--country", "UA", "--email", "a@example.org")
        assert dss("user", "register", "--login", login, *person).exit_code == 0
    (alice, *_) = rows(dss("user", "list", "--json").stdout)
    dss("user", "enrol", "alice")
    dss("user", "enrol", "alice")
    subject = f"user:{alice['id']}"

    whole = rows(dss("audit", "show", "--subject", subject, "--json").stdout)
    newest = rows(dss("audit", "show", "--subject", subject, "--limit", "2", "--json").stdout)

    assert [event["event"] for event in whole] == ["user.registered", "enrolment.opened", "enrolment.opened"]
    assert newest == whole[-2:]


def test_a_new_kek_wraps_new_keys_and_is_told_to_the_audit_log(dss: Command, softhsm: SoftHsm):
    softhsm.new_token("renewed")
    dss.use_token(TokenName.USER, "renewed")

    made = [dss("hsm", "new-kek", pins=(TokenName.USER,)).stdout.split()[0] for _ in range(2)]

    assert made == ["kek-1", "kek-2"]
    told = rows(dss("audit", "show", "--json").stdout)
    assert [(event["event"], event["subject"]) for event in told] == [
        ("kek.created", "kek:kek-2"),
        ("kek.created", "kek:kek-1"),
    ]


async def test_the_credentials_of_each_kek_are_counted(world: World, dss: Command):
    signer = await world.signer(await world.application())
    credential = await world.services.credentials.get(signer.credential_id)

    told = await asyncio.to_thread(dss, "hsm", "kek-status", "--json", pins=())

    assert rows(told.stdout) == [{"kek": credential.kek_id, "credentials": 1}]


async def test_a_revoked_certificate_is_on_the_next_list(world: World, dss: Command):
    signer = await world.signer(await world.application())
    credential = await world.services.credentials.get(signer.credential_id)
    serial = x509.load_der_x509_certificate(credential.certificate or b"").serial_number
    written = f"{serial:040X}"
    revoke = ("ca", "revoke", ":".join(written[at : at + 2] for at in range(0, 40, 2)), "--reason", "keyCompromise")

    done = await asyncio.to_thread(dss, *revoke, pins=(TokenName.CA,))
    again = await asyncio.to_thread(dss, *revoke, pins=(TokenName.CA,))

    assert (done.exit_code, "1 entries" in done.stdout) == (0, True)
    crl = x509.load_der_x509_crl((await world.services.ca.crl("issuing")).der)
    assert crl.get_revoked_certificate_by_serial_number(serial) is not None
    assert (again.exit_code, "revoked already" in again.stderr) == (1, True)


def test_a_serial_number_that_is_none_is_refused(dss: Command):
    refused = dss("ca", "revoke", "my certificate", "--reason", "superseded", pins=())

    assert (refused.exit_code, "not a hexadecimal number" in refused.stderr) == (1, True)


async def test_the_cas_are_listed(world: World, dss: Command):
    await world.services.ca.create_issuing(NewAuthority("second", "Second CA", "Test", "EE"), "root")

    listed = rows((await asyncio.to_thread(dss, "ca", "list", "--json", pins=())).stdout)

    assert [(ca["name"], ca["under"]) for ca in listed] == [("issuing", "root"), ("root", ""), ("second", "root")]


def installing(home: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """Run `dss init` as a program of its own: a library has one configuration in a process."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("DSS_", "SOFTHSM2_"))}
    command = [sys.executable, "-m", "dss", "init", *options]
    environment = clean | {"DSS_HOME": str(home)}
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=False)


def test_an_installation_has_the_cas_that_were_asked_for_and_keeps_them(tmp_path: Path):
    home = tmp_path / "home"

    first = installing(home, "--ca-name", "Acme", "--organization", "Acme Ltd", "--country", "UA")
    root = (home / "root.pem").read_bytes()
    second = installing(home)

    assert (first.returncode, second.returncode) == (0, 0), first.stderr + second.stderr
    assert x509.load_pem_x509_certificate(root).subject.rfc4514_string() == "CN=Acme Root CA,O=Acme Ltd,C=UA"
    assert (home / "root.pem").read_bytes() == root


def test_an_installation_with_a_country_that_is_none_leaves_nothing(tmp_path: Path):
    refused = installing(tmp_path / "home", "--country", "Utopia")

    assert (refused.returncode, "country" in refused.stderr) == (1, True)
    assert not (tmp_path / "home").exists()
