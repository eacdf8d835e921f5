"""What the operator's commands do and show."""

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import click
import pytest
import typer
from cryptography import x509
from typer.testing import CliRunner

from dss.ca.model import NewAuthority
from dss.cli import installing as installing_of_dss
from dss.cli.installing import Plan, Say
from dss.cli.main import app
from dss.credentials.tables import credentials
from dss.hsm.servicekeys import KeyName
from dss.infra import jose
from dss.kernel.ids import CredentialId
from dss.settings import TokenName
from tests.protocol.cli_world import Command, dss
from tests.world.intruder import Intruder
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


async def test_the_thumbprint_of_the_channel_key_is_that_of_the_key_that_phones_pinned(world: World, dss: Command):
    """RFC 7638: who has it from here can compare it with the one that evidence tells."""
    key = await world.services.tokens.service.public_key(KeyName.DEVICE_CHANNEL)

    told = await asyncio.to_thread(dss, "hsm", "channel-key", pins=(TokenName.SERVICE,))

    assert (told.exit_code, told.stdout) == (0, f"{jose.thumbprint(jose.write_jwk(key))}\n")


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


def test_the_address_of_an_installation_may_come_from_the_environment(monkeypatch: pytest.MonkeyPatch):
    """What the command line says outdoes it; phones are bound to the address that is written down."""

    async def install(plan: Plan, _: Say) -> list[str]:
        return [plan.public_url]

    def told(*options: str) -> str:
        return CliRunner().invoke(app, ["init", *options], catch_exceptions=False).stdout.strip()

    monkeypatch.setattr(installing_of_dss, "install", install)
    monkeypatch.delenv("DSS_PUBLIC_URL", raising=False)

    assert told() == "http://127.0.0.1:8080"
    monkeypatch.setenv("DSS_PUBLIC_URL", "https://sign.example")
    assert told() == "https://sign.example"
    assert told("--public-url", "https://given.example") == "https://given.example"


def so_pins(home: Path) -> dict[str, str]:
    """The tokens' SO PINs as they were written down."""
    return dict(line.split("=", 1) for line in (home / "so-pins.env").read_text().split())


def test_so_pins_are_written_for_the_tokens_that_were_initialised_and_no_others(tmp_path: Path):
    """Whoever keeps the file elsewhere, as they are told to, is not given another with PINs that are none."""
    home = tmp_path / "home"
    first = installing(home)
    assert (first.returncode, sorted(so_pins(home))) == (0, ["CA", "SERVICE", "USER"]), first.stderr
    kept, mode = so_pins(home), (home / "so-pins.env").stat().st_mode & 0o777

    same = installing(home)
    assert (same.returncode, so_pins(home), mode) == (0, kept, 0o600), same.stderr
    (home / "so-pins.env").unlink()
    again = installing(home)

    assert (again.returncode, "so-pins" in again.stdout) == (0, False), again.stderr
    assert [file.name for file in home.iterdir() if file.name.startswith("so-pins")] == []


async def test_a_row_that_does_not_prove_is_shown_alarmed_and_ended(world: World, dss: Command):
    signer = await world.signer(await world.application())
    id, intruder = signer.credential_id, Intruder(world.services.database)
    command = partial(asyncio.to_thread, dss, pins=(TokenName.SERVICE,))
    in_order = await command("audit", "check", "--json")
    await intruder.edit(credentials, id, subject="CN=Mallory")

    found = await command("audit", "check", "--json")
    quiet = await command("audit", "show", "--alarms", "--json")
    refused = await command("credential", "suspend", id)
    loud = await command("audit", "show", "--alarms", "--json")
    ended = await command("audit", "end", "credential", id, "--yes", "--json")

    assert (in_order.exit_code, in_order.stdout) == (0, "")
    assert (found.exit_code, "cannot be proven: 1" in found.stderr) == (1, True)
    assert rows(found.stdout) == [{"kind": "credential", "id": id, "why": "the row does not fit its seal"}]
    assert (quiet.stdout, refused.exit_code) == ("", 1)
    assert [(told["event"], told["subject"]) for told in rows(loud.stdout)] == [
        ("alarm.seal_broken", f"credential:{id}")
    ]
    assert rows(ended.stdout) == [{"ended": f"credential:{id}"}]
    assert (await command("audit", "check")).exit_code == 0
    assert (await world.services.credentials.get(CredentialId(id))).state == "destroyed"


async def test_a_row_is_ended_only_upon_a_yes(world: World, dss: Command):
    signer = await world.signer(await world.application())
    await Intruder(world.services.database).edit(credentials, signer.credential_id, seal=None)

    asked = await asyncio.to_thread(dss, "audit", "end", "credential", signer.credential_id)

    assert (asked.exit_code, "A backup may still have the row" in asked.stderr) == (1, True)
    assert "row.ended" not in await world.tells(f"credential:{signer.credential_id}")


async def test_where_two_operators_are_the_policy_the_end_of_a_row_is_proposed(
    world: World, dss: Command, monkeypatch: pytest.MonkeyPatch
):
    signer = await world.signer(await world.application())
    await Intruder(world.services.database).edit(credentials, signer.credential_id, seal=None)
    monkeypatch.setenv("DSS_TWO_OPERATORS", "true")

    end = ("audit", "end", "credential", signer.credential_id, "--yes", "--json")
    (told,) = rows((await asyncio.to_thread(dss, *end)).stdout)

    assert (told["proposed"]["action"], told["proposed"]["subject"]) == (
        "row.end",
        f"credential:{signer.credential_id}",
    )


def test_events_of_one_kind_are_shown(dss: Command):
    dss("client", "register", "--name", "Shop", "--secret")
    (one, *_) = rows(dss("audit", "show", "--kind", "client.", "--json").stdout)
    none = dss("audit", "show", "--kind", "lient", "--json")
    assert (one["event"], none.stdout) == ("client.registered", "")


def test_an_installation_with_a_country_that_is_none_leaves_nothing(tmp_path: Path):
    refused = installing(tmp_path / "home", "--country", "Utopia")

    assert (refused.returncode, "country" in refused.stderr) == (1, True)
    assert not (tmp_path / "home").exists()
