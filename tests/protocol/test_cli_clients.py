"""The operator's commands over relying applications: what they register, show and change, and who must agree."""

import hashlib
import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding

from dss.cli import client, client_change
from dss.clients.logos import LARGEST
from dss.kernel.policy import SAYS_NOTHING
from dss.settings import TokenName
from tests.protocol.cli_world import Command, dss
from tests.protocol.test_cli_operators import SECOND
from tests.protocol.test_cli_verbs import rows
from tests.unit.test_client_keys import curve_key
from tests.unit.test_client_logos import END, PICTURE, chunk, drawn

__all__ = ["dss"]

URI, APP_URI = "https://bank.example/cb", "example.bank:/cb"
WEB = ("--grant", "client_credentials", "--grant", "authorization_code", "--grant", "refresh_token")


def run(dss: Command, *arguments: str) -> Result:
    """Run a command over applications with the one token that proves rows."""
    return dss("client", *arguments, pins=(TokenName.SERVICE,))


def tell(dss: Command, *arguments: str) -> dict[str, Any]:
    """Run a command that must succeed; return the JSON that it prints."""
    done = run(dss, *arguments, "--json")
    assert done.exit_code == 0, done.stderr
    (told,) = rows(done.stdout)
    return told


def refusal(dss: Command, *arguments: str) -> str:
    """Run a command that must be refused; return what it says."""
    done = run(dss, *arguments)
    assert (done.exit_code, done.stdout) == (1, "")
    return " ".join(done.stderr.split())


def registered(dss: Command, *options: str, name: str = "Bank") -> str:
    """Register an application; return its id."""
    return str(tell(dss, "register", "--name", name, *options)["id"])


@pytest.fixture
def write(tmp_path: Path) -> Callable[[str, bytes | str], str]:
    """Write a file; return its path."""

    def to(name: str, content: bytes | str) -> str:
        file = tmp_path / name
        file.write_bytes(content.encode() if isinstance(content, str) else content)
        return str(file)

    return to


Write = Callable[[str, bytes | str], str]


def certificate(name: str = "bank.example") -> x509.Certificate:
    """A self-signed certificate."""
    key, subject = ec.generate_private_key(ec.SECP256R1()), x509.Name.from_rfc4514_string(f"CN={name}")
    built = x509.CertificateBuilder(subject, subject, key.public_key(), x509.random_serial_number())
    begin, end = datetime(2026, 1, 1, tzinfo=UTC), datetime(2036, 1, 1, tzinfo=UTC)
    return built.not_valid_before(begin).not_valid_after(end).sign(key, SHA256())


def pem(one: x509.Certificate) -> bytes:
    """A certificate as files have it."""
    return one.public_bytes(Encoding.PEM)


def test_an_application_is_registered_with_all_that_it_uses_and_shown(dss: Command, write: Write):
    first, second = certificate(), certificate()
    uses = ("--redirect-uri", URI, "--redirect-uri", f"{URI}2", *WEB, "--grant", "token_exchange", "--par", "--dpop")
    files = (
        *("--certificate", write("1.pem", pem(first)), "--certificate", write("2.pem", pem(second))),
        *("--jwks", write("jwks", json.dumps({"keys": [curve_key(kid="k1")]})), "--logo", write("logo.png", PICTURE)),
    )
    scopes = ("--scope", "signatures", "--scope", "service")
    subject = ("--tls-subject", "CN=bank.example,O=Bank", "--introspects", "--contact", "it@bank.example")

    id = registered(dss, *uses, *files, *scopes, *subject, "--secret")

    assert tell(dss, "show", id) == {
        "id": id,
        "name": "Bank",
        "scopes": "service signatures",
        "contact": "it@bank.example",
        "grants": "client_credentials authorization_code refresh_token token_exchange",
        "redirect uris": f"{URI} {URI}2",
        "public": "no",
        "par": "yes",
        "dpop": "yes",
        "introspects": "yes",
        "keys": "k1",
        "secrets": 1,
        "certificates": " ".join(hashlib.sha256(one.public_bytes(Encoding.DER)).hexdigest() for one in (first, second)),
        "tls subject": "CN=bank.example,O=Bank",
        "suspended": "no",
        "logo bytes": len(PICTURE),
        "policy": SAYS_NOTHING.member(),
        "living grants": 0,
    }
    for line in ("grants: client_credentials authorization_code", "verification: not said", "living grants: 0"):
        assert line in run(dss, "show", id).stdout


def test_an_app_of_peoples_own_is_registered_without_anything_to_prove_itself_by(dss: Command):
    """RFC 8252."""
    app = ("--public", "--grant", "authorization_code", "--scope", "service", "--redirect-uri", APP_URI)
    shown = tell(dss, "show", registered(dss, *app))
    assert (shown["public"], shown["secrets"], shown["redirect uris"]) == ("yes", 0, APP_URI)
    assert "a public client has no" in refusal(dss, "register", "--name", "Other", *app, "--secret")


def test_what_nobody_asked_for_is_as_before(dss: Command):
    shown = tell(dss, "show", registered(dss, "--secret"))
    assert (shown["grants"], shown["scopes"]) == ("client_credentials", "credentials signatures")
    assert {shown[name] for name in ("public", "par", "dpop", "introspects", "suspended")} == {"no"}
    assert not any(shown[name] for name in ("redirect uris", "certificates"))
    assert "logo bytes" not in shown


@pytest.mark.parametrize(
    ("options", "why"),
    [
        (("--redirect-uri", "http://bank.example/cb"), "a redirect URI is https"),
        (("--redirect-uri", "https://bank.example/*"), "a redirect URI is https"),
        (("--grant", "authorization_code", "--grant", "client_credentials"), "needs a redirect URI"),
        (("--scope", "service"), "needs the grant authorization_code"),
        (("--tls-subject", "bank"), "RFC 4514"),
        (("--logo", "/nowhere.png"), "cannot be read"),
        (("--certificate", "/nowhere.pem"), "cannot be read"),
        (("--jwks", "/nowhere.json"), "cannot be read"),
    ],
)
def test_what_cannot_be_registered_is_refused_in_words(dss: Command, options: tuple[str, ...], why: str):
    assert why in refusal(dss, "register", "--name", "Bank", "--secret", *options)
    assert run(dss, "list").stdout == "nothing\n"


@pytest.mark.parametrize(
    ("option", "content", "why"),
    [
        ("--logo", drawn(form="GIF"), "not a PNG"),
        ("--logo", bytes(33_000), "more than 32768 bytes"),
        ("--certificate", b"-----BEGIN PRIVATE KEY-----", "not a certificate in PEM form"),
        ("--certificate", certificate().public_bytes(Encoding.DER), "not a certificate in PEM form"),
        ("--certificate", pem(certificate()) * 2, "each in a file of its own"),
        ("--jwks", b"[]", "not a JWK Set"),
        ("--jwks", b"[" * 50_000, "cannot be read as a JWK Set"),
        ("--jwks", b"\xff", "not text"),
        ("--jwks", b'{"keys": [{"kid": 1.5}]}', "members are texts"),
    ],
    ids=["a GIF", "large", "a private key", "DER", "two of them", "a list", "deep", "no text", "a number as kid"],
)
def test_a_file_that_is_not_what_it_should_be_is_refused_in_words(
    dss: Command, write: Write, option: str, content: bytes, why: str
):
    assert why in refusal(dss, "register", "--name", "Bank", "--secret", option, write("file", content))


def test_a_grant_that_there_is_none_of_is_told_the_words_there_are(dss: Command):
    refused = run(dss, "register", "--name", "Bank", "--secret", "--grant", "implicit")
    assert (refused.exit_code, "token_exchange" in refused.stderr) == (2, True)


def test_a_registration_is_changed_part_by_part(dss: Command, write: Write):
    id = registered(dss, "--secret", "--contact", "it@bank.example", "--logo", write("logo.png", PICTURE))
    before = tell(dss, "change", id, "--no-par")

    changed = tell(
        dss, "change", id, "--redirect-uri", URI, *WEB, "--scope", "service", "--scope", "signatures", "--par"
    )
    assert tell(dss, "show", id).items() >= changed.items()
    assert changed == before | {
        "redirect uris": URI,
        "grants": "client_credentials authorization_code refresh_token",
        "scopes": "service signatures",
        "par": "yes",
    }

    assert tell(dss, "change", id, "--no-par", "--dpop")["par"] == "no"
    cleared = tell(
        dss, "change", id, "--clear", "logo", "--clear", "contact", "--certificate", write("c", pem(certificate()))
    )
    assert ("logo bytes" in cleared, cleared["contact"], len(cleared["certificates"])) == (False, "", 64)
    assert tell(dss, "change", id, "--clear", "certificate")["certificates"] == ""


def test_a_logo_as_large_as_may_be_is_sealed_by_an_hsm(dss: Command, write: Write):
    padding = chunk(b"prVt", bytes(LARGEST - len(PICTURE) - 12))
    logo = PICTURE[: -len(END)] + padding + END
    assert tell(dss, "show", registered(dss, "--secret", "--logo", write("logo.png", logo)))["logo bytes"] == LARGEST


def test_a_change_of_nothing_or_of_a_thing_both_ways_is_refused(dss: Command):
    id = registered(dss, "--secret")
    assert "nothing is given" in refusal(dss, "change", id)
    assert "given and taken away" in refusal(dss, "change", id, "--contact", "a@b.example", "--clear", "contact")
    assert "needs a redirect URI" in refusal(dss, "change", id, "--grant", "authorization_code")
    assert "There is no such thing" in refusal(dss, "change", "0" * 26, "--par")
    assert "There is no such thing" in refusal(dss, "show", "0" * 26)


def test_secrets_change_over_without_a_gap(dss: Command):
    id = registered(dss, "--secret")
    made = tell(dss, "new-secret", id)
    assert (made["id"], len(made["secret"])) == (id, 43)
    assert "two secrets" in refusal(dss, "new-secret", id)
    assert tell(dss, "show", id)["secrets"] == 2
    assert tell(dss, "drop-old-secret", id)["secrets"] == 1
    assert "no second secret" in refusal(dss, "drop-old-secret", id)
    assert made["secret"] not in dss("audit", "show", "--json").stdout


def test_keys_change_over(dss: Command, write: Write):
    old, new = curve_key(kid="old"), curve_key(kid="new")
    id = registered(dss, "--jwks", write("old", json.dumps({"keys": [old]})))
    assert tell(dss, "keys", id, write("both", json.dumps({"keys": [old, new]})))["keys"] == "old new"
    assert tell(dss, "keys", id, write("new", json.dumps({"keys": [new]})))["keys"] == "new"
    assert "1 to 2" in refusal(dss, "keys", id, write("none", '{"keys": []}'))


# --- two operators ---


@pytest.fixture
def as_another(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Let later commands be another operator's."""

    def become() -> None:
        for module in (client, client_change):
            monkeypatch.setattr(module, "OPERATOR", "operator:somebody-else")

    return become


DESK = ("--scope", "operators", "--secret")


def test_t29_the_scope_of_operators_is_given_to_an_application_by_two(
    dss: Command, as_another: Callable[[], None], monkeypatch: pytest.MonkeyPatch
):
    id = registered(dss, "--secret")
    monkeypatch.setenv("DSS_TWO_OPERATORS", "true")
    more = ("change", id, "--scope", "signatures", "--scope", "operators")

    assert SECOND in run(dss, "register", "--name", "Desk", *DESK).stdout
    assert SECOND in run(dss, *more).stdout
    assert SECOND in run(dss, *more).stdout
    as_another()
    assert SECOND in run(dss, *more, "--dpop").stdout  # another change, so a proposal of its own
    assert tell(dss, "show", id)["scopes"] == "credentials signatures"

    assert tell(dss, *more)["scopes"] == "operators signatures"
    assert tell(dss, "register", "--name", "Desk", *DESK)["scopes"] == "operators"


def test_t29_an_operators_client_is_nobodys_alone(
    dss: Command, write: Write, as_another: Callable[[], None], monkeypatch: pytest.MonkeyPatch
):
    """Who could give it a secret, keys or a certificate alone would act as it."""
    id = registered(dss, *DESK)
    monkeypatch.setenv("DSS_TWO_OPERATORS", "true")
    mine, others = (write(name, json.dumps({"keys": [curve_key(kid=name)]})) for name in ("mine", "others"))
    own = ("change", id, "--certificate", write("c", pem(certificate())))
    for verb in (("new-secret", id), ("keys", id, mine), own, ("change", id, "--scope", "signatures")):
        assert SECOND in run(dss, *verb).stdout
    assert (tell(dss, "show", id)["secrets"], tell(dss, "show", id)["keys"]) == (1, "")

    as_another()
    assert SECOND in run(dss, "keys", id, others).stdout
    assert tell(dss, "keys", id, mine)["keys"] == "mine"
    assert len(tell(dss, "new-secret", id)["secret"]) == 43
    assert tell(dss, "drop-old-secret", id)["secrets"] == 1  # what takes away never waits


def test_t29_other_applications_are_changed_by_one_operator(dss: Command, monkeypatch: pytest.MonkeyPatch):
    id = registered(dss, "--secret")
    monkeypatch.setenv("DSS_TWO_OPERATORS", "true")
    assert tell(dss, "change", id, "--par")["par"] == "yes"
    assert tell(dss, "new-secret", id)["id"] == id
