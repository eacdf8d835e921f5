"""Settings that cannot be are refused at once, by a sentence that names the variable."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from dss.kernel.errors import Invalid
from dss.settings import Settings
from tests.world import world as worlds
from tests.world.pdfs import simple_pdf
from tests.world.softhsm import SoftHsm

REFUSED = [
    ("DOCUMENT_LIMIT", "52428801"),
    ("DOCUMENT_LIMIT", "0"),
    ("SIGNATURE_LIMIT", "524288000001"),
    ("SIGNATURE_LIMIT", "0"),
    ("HSM_THREADS", "0"),
    ("HSM_THREADS", "many"),
    ("DOCUMENT_CHILDREN", "0"),
    ("CONFIRM_WITHIN_S", "-1"),
    ("COLLECT_WITHIN_S", "-1"),
    ("PIN_LOCK_S", "0"),
    ("PIN_LOCK_S", "99999999999999"),
    ("SAD_LIFETIME_S", "0"),
    ("SAD_LIFETIME_S", "3601"),
    ("CERTIFICATE_DAYS", "0"),
    ("CERTIFICATE_DAYS", "1096"),
    ("LOG_LEVEL", "loud"),
    ("ASK_MOST", "0"),
    ("ASK_WAITING", "101"),
    ("ASK_UNANSWERED", "0"),
    ("ASK_PAUSE_S", "0"),
    ("ASK_LONGEST_PAUSE_S", "86401"),
    ("ON_COLLISION", "quarrel"),
    ("OPERATORS_MAIL", "duty"),
    ("OPERATORS_LOCALE", "de"),
    ("CLIENT_CERT_HEADER", "Client Cert"),
]


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DSS_HOME", str(tmp_path))


@pytest.mark.parametrize(("name", "value"), REFUSED)
def test_a_value_out_of_range_is_refused_by_its_name(name: str, value: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv(f"DSS_{name}", value)

    with pytest.raises(Invalid, match=f"DSS_{name} "):
        Settings.load()


def test_certificates_are_off_until_the_operator_names_their_header(monkeypatch: pytest.MonkeyPatch):
    """T35: a proxy alone says nothing of what it does with a caller's own header."""
    monkeypatch.setenv("DSS_TRUSTED_PROXIES", "127.0.0.1, 10.0.0.0/24")
    unnamed = Settings.load().proxies
    monkeypatch.setenv("DSS_CLIENT_CERT_HEADER", "Client-Cert")
    named = Settings.load().proxies

    assert (unnamed.header, unnamed.tell_certificates) == ("", False)
    assert (named.header, named.tell_certificates) == ("Client-Cert", True)


def test_values_at_their_limits_are_taken(monkeypatch: pytest.MonkeyPatch):
    limits = {"SAD_LIFETIME_S": 3600, "CERTIFICATE_DAYS": 1095, "DOCUMENT_LIMIT": 50 * 1024 * 1024, "HSM_THREADS": 1}
    for name, value in limits.items():
        monkeypatch.setenv(f"DSS_{name}", str(value))

    read = Settings.load()

    assert (read.sad_lifetime, read.certificate_days) == (timedelta(hours=1), 1095)
    assert (read.document_limit, read.hsm_threads) == (50 * 1024 * 1024, 1)


async def test_the_operator_decides_how_long_certificates_and_confirmations_hold(
    softhsm: SoftHsm, sqlite_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    usual = worlds.settings

    def shorter(*arguments: object) -> Settings:
        return replace(usual(*arguments), sad_lifetime=timedelta(seconds=20), certificate_days=30)

    monkeypatch.setattr(worlds, "settings", shorter)
    async with worlds.new_world(softhsm, sqlite_url, tmp_path) as world:
        application = await world.application()
        alice = await world.signer(application)
        credential = await world.services.credentials.get(alice.credential_id)
        asked = await application.ask(alice, simple_pdf())
        await alice.phone.confirm(await alice.phone.show(asked["id"]), worlds.PIN)
        world.clock.move(21)
        await world.services.transactions.expire_overdue()

        assert credential.not_after - credential.not_before == timedelta(days=30)
        assert (await application.get(f"/v1/signatures/{asked['id']}"))["state"] == "expired"
