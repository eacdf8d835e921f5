"""The first set-up of an installation: settings, tokens, keys, database, CA. What is there stays."""

import asyncio
import os
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from dss.ca.model import NewAuthority
from dss.hsm import setup
from dss.hsm.servicekeys import KeyName
from dss.hsm.token import Token
from dss.infra import migrating
from dss.settings import Settings, TokenName
from dss.wiring import ISSUING_CA, ROOT_CA, Services, opened, tokens_of

SOFTHSM_CONF = """\
directories.tokendir = {folder}
objectstore.backend = file
log.level = ERROR
slots.removable = false
"""
PIN_BYTES = 16
SO_PINS = "so-pins.env"

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Plan:
    """What the operator wants of a new installation.

    ca_name: what the CAs are called, before the words Root CA and Issuing CA. country: ISO 3166-1 alpha-2.
    """

    home: Path
    public_url: str
    ca_name: str
    organization: str
    country: str

    def authority(self, name: str) -> NewAuthority:
        """Return a CA to be set up, `root` or `issuing`. Raises Invalid, DeceptiveText."""
        return NewAuthority(name, f"{self.ca_name} {name.title()} CA", self.organization, self.country)


async def install(plan: Plan, say: Say) -> list[str]:
    """Set up a home and return what the operator should know. Raises OSError, Invalid, Conflict, HsmUnavailable.

    Each step may be repeated, so an interrupted set-up goes on where it stopped.
    """
    home = plan.home
    authorities = plan.authority(ROOT_CA), plan.authority(ISSUING_CA)
    say("settings")
    _write_settings(home, plan.public_url)
    settings = Settings.load()
    say("tokens and keys of the HSM")
    await asyncio.to_thread(_make_tokens, settings)
    say("database")
    await migrating.upgrade(settings.database_url)
    say("certificate authority")
    async with opened(settings) as services:
        await _make_ca(services, *authorities)
    told = [f"settings and PINs: {home / 'dss.env'}", f"root certificate: {home / 'root.pem'}"]
    if (home / SO_PINS).exists():
        told.append(f"security officers' PINs, to be kept elsewhere: {home / SO_PINS}")
    return told


def _write_settings(home: Path, public_url: str) -> None:
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    tokens = home / "tokens"
    tokens.mkdir(mode=0o700, exist_ok=True)
    _write_once(home / "softhsm2.conf", SOFTHSM_CONF.format(folder=tokens))
    lines = [f"{name.pin_variable}={secrets.token_hex(PIN_BYTES)}" for name in TokenName]
    lines += [f"DSS_PUBLIC_URL={public_url}", f"DSS_SOFTHSM_CONF={home / 'softhsm2.conf'}"]
    # Written down, as it must stay when the address changes: old checkpoints carry it.
    lines.append(f"DSS_LOG_ORIGIN={public_url.rstrip('/').partition('://')[2]}/log")
    _write_once(home / "dss.env", "\n".join(lines) + "\n")


def _write_once(file: Path, text: str) -> None:
    """Write a file that only its owner may read; leave one that is there."""
    try:
        handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return
    with os.fdopen(handle, "w") as out:
        out.write(text)


def _make_tokens(settings: Settings) -> None:
    tokens = tokens_of(settings, list(TokenName))
    _init_tokens(tokens, settings.home / SO_PINS)
    setup.create_kek(tokens[TokenName.USER])
    setup.create_service_keys(tokens[TokenName.SERVICE])


def _init_tokens(tokens: Mapping[TokenName, Token], file: Path) -> None:
    """Initialise the tokens that are not there; the file is left with the SO PINs that were set, and no others.

    Each is written down before it is set: whoever is interrupted in between has it.
    """
    known = _read_so_pins(file)
    for name, token in tokens.items():
        pin = known.get(name.name) or secrets.token_hex(PIN_BYTES)
        _write_so_pins(file, known | {name.name: pin})
        if setup.init_token(token.spec, pin):
            known[name.name] = pin
    _write_so_pins(file, known)


def _read_so_pins(file: Path) -> dict[str, str]:
    if not file.exists():
        return {}
    return dict(line.split("=", 1) for line in file.read_text().split())


def _write_so_pins(file: Path, pins: Mapping[str, str]) -> None:
    if not pins:
        file.unlink(missing_ok=True)
        return
    new = file.with_suffix(".new")
    new.unlink(missing_ok=True)
    _write_once(new, "".join(f"{name}={pin}\n" for name, pin in pins.items()))
    new.replace(file)


async def _make_ca(services: Services, root: NewAuthority, issuing: NewAuthority) -> None:
    """Make the CAs that are not there, and certify the server's seal; CAs that are there keep their names.

    A missing CRL is published by the worker.
    """
    known = {authority.name for authority in await services.ca.list()}
    if root.name not in known:
        await services.ca.create_root(root)
    if issuing.name not in known:
        await services.ca.create_issuing(issuing, root.name)
    await services.service_certificates.ensure(KeyName.EVIDENCE_SEAL)
    certificate = x509.load_der_x509_certificate((await services.ca.certificate(root.name)).der)
    (services.settings.home / "root.pem").write_bytes(certificate.public_bytes(Encoding.PEM))
