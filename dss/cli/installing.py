"""The first set-up of an installation: settings, tokens, keys, database, CA. What is there stays."""

import asyncio
import os
import secrets
from collections.abc import Callable
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from dss.ca.model import NewAuthority
from dss.hsm import setup
from dss.hsm.token import Token
from dss.infra import migrating
from dss.settings import Settings
from dss.wiring import Services, opened, token_specs

ROOT, ISSUING = "root", "issuing"
SOFTHSM_CONF = """\
directories.tokendir = {folder}
objectstore.backend = file
log.level = ERROR
slots.removable = false
"""
PIN_BYTES = 16

Say = Callable[[str], None]


async def install(home: Path, public_url: str, say: Say) -> list[str]:
    """Set up a home and return what the operator should know. Raises OSError, Conflict, HsmUnavailable.

    Each step may be repeated, so an interrupted set-up goes on where it stopped.
    """
    say("settings")
    _write_settings(home, public_url)
    settings = Settings.load()
    say("tokens and keys of the HSM")
    await asyncio.to_thread(_make_tokens, settings)
    say("database")
    await migrating.upgrade(settings.database_url)
    say("certificate authority")
    async with opened(settings) as services:
        await _make_ca(services, home)
    return [
        f"settings and PINs: {home / 'dss.env'}",
        f"security officers' PINs, to be kept elsewhere: {home / 'so-pins.env'}",
        f"root certificate: {home / 'root.pem'}",
    ]


def _write_settings(home: Path, public_url: str) -> None:
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    tokens = home / "tokens"
    tokens.mkdir(mode=0o700, exist_ok=True)
    _write_once(home / "softhsm2.conf", SOFTHSM_CONF.format(folder=tokens))
    names = ("USER", "CA", "SERVICE")
    lines = [f"DSS_{name}_PIN={secrets.token_hex(PIN_BYTES)}" for name in names]
    lines += [f"DSS_PUBLIC_URL={public_url}", f"DSS_SOFTHSM_CONF={home / 'softhsm2.conf'}"]
    _write_once(home / "dss.env", "\n".join(lines) + "\n")
    _write_once(home / "so-pins.env", "".join(f"{name}={secrets.token_hex(PIN_BYTES)}\n" for name in names))


def _write_once(file: Path, text: str) -> None:
    """Write a file that only its owner may read; leave one that is there."""
    try:
        handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return
    with os.fdopen(handle, "w") as out:
        out.write(text)


def _make_tokens(settings: Settings) -> None:
    so_pins = dict(line.split("=", 1) for line in (settings.home / "so-pins.env").read_text().split())
    if settings.softhsm_conf:
        os.environ["SOFTHSM2_CONF"] = str(settings.softhsm_conf)
    specs = [spec for spec in token_specs(settings) if spec]
    for spec, name in zip(specs, ("USER", "CA", "SERVICE"), strict=True):
        setup.init_token(spec, so_pins[name])
    user, _, service = (Token(spec) for spec in specs)
    setup.create_kek(user)
    setup.create_service_keys(service)


async def _make_ca(services: Services, home: Path) -> None:
    root = await services.ca.create_root(NewAuthority(ROOT, "Demo Root CA", "Demo", "EE"))
    await services.ca.create_issuing(NewAuthority(ISSUING, "Demo Issuing CA", "Demo", "EE"), ROOT)
    (home / "root.pem").write_bytes(x509.load_der_x509_certificate(root.certificate.der).public_bytes(Encoding.PEM))
