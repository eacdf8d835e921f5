"""docs/evidence.md section 2, steps 6 to 9: the phone and the channel key."""

from dataclasses import replace

import pytest

from dss.evidence.fields import EvidenceRefused
from dss.evidence.verifying import verify
from dss.kernel import b64, canonical
from tests.world import jws
from tests.world.evidence_maker import Maker

OTHER_ID = "0000000000000000000000000Z"


@pytest.fixture
def maker() -> Maker:
    return Maker()


def refused(maker: Maker, draft, why: str, **letters: str) -> None:
    """The core with some of its letters in another form, under an event that is about just that."""
    record = maker.finish(draft, replace(maker.core(draft), **letters))
    with pytest.raises(EvidenceRefused, match=why):
        verify(record.encoded(), maker.trust())


TYPES = {
    "request": "dss-confirmation-request+jws",
    "answer": "dss-answer+jws",
    "enrolment": "dss-enrolment+jws",
    "receipt": "dss-receipt+jws",
}


def keys(maker: Maker, name: str):
    return maker.channel if name in {"request", "receipt"} else maker.signature


@pytest.mark.parametrize("name", TYPES)
@pytest.mark.parametrize(
    "spoil",
    [
        {"alg": "none"},
        {"alg": "HS256"},
        {"typ": "JWT"},
        {"typ": "dss-channel-key+jws"},
        {"crit": []},
        {"jwk": None},
        {"kid": [1]},
    ],
    ids=str,
)
def test_every_jws_has_the_headers_of_its_type(maker, name, spoil):
    """Signed by the right key, so that the header alone is wrong."""
    draft = maker.sign()
    by = {"kid": maker.ids["device"]} if name == "answer" else {"jwk": jws.public_jwk(keys(maker, name))}
    header = {"alg": "ES256", "typ": TYPES[name], **by, **spoil}
    text = jws.sign(header, canonical.encode(getattr(draft, name)), keys(maker, name))

    refused(maker, draft, f"^the {name}", **{name: text})


@pytest.mark.parametrize("name", TYPES)
def test_every_signature_is_verified(maker, name):
    draft = maker.sign()
    text = getattr(maker.core(draft), name)
    head, _, value = text.rpartition(".")
    for wrong in (
        bytes(64),
        b64.url_decode(value)[:-1],
        b64.url_decode(value) + b"\0",
        b64.url_decode(value)[::-1],
        b"",
    ):
        refused(maker, draft, f"^the {name}", **{name: f"{head}.{b64.url_encode(wrong)}"})


@pytest.mark.parametrize("name", TYPES)
@pytest.mark.parametrize("text", ["", "a.b", "a.b.c", "a.b.c.d", "....", "é.é.é", "." * 70_000])
def test_what_is_no_jws_is_refused(maker, name, text):
    refused(maker, maker.sign(), f"^the {name}", **{name: text})


@pytest.mark.parametrize("name", TYPES)
def test_a_payload_in_another_text_than_the_canonical_one_is_refused(maker, name):
    draft = maker.sign()
    by = {"kid": maker.ids["device"]} if name == "answer" else {"jwk": jws.public_jwk(keys(maker, name))}
    payload = canonical.encode(getattr(draft, name)) + b" "
    text = jws.sign({"alg": "ES256", "typ": TYPES[name], **by}, payload, keys(maker, name))

    refused(maker, draft, f"^the {name}", **{name: text})


@pytest.mark.parametrize("name", ["request", "receipt"])
def test_request_and_receipt_are_by_one_channel_key(maker, name):
    draft, core = maker.sign(), maker.core(maker.sign())
    claims = canonical.decode(b64.url_decode(getattr(core, name).split(".")[1]))
    text = jws.sign_claims(TYPES[name], claims, jws.new_key())

    refused(maker, draft, "not by the same channel key", **{name: text})


def test_an_enrolment_by_another_key_than_it_brings_is_refused(maker):
    draft = maker.sign()
    text = jws.sign_claims(TYPES["enrolment"], draft.enrolment, jws.new_key())
    draft.receipt["enrolment_sha256"] = b64.url_encode(bytes(32))

    refused(maker, draft, "^the enrolment: the enrolment is signed by its own signature key", enrolment=text)


def test_a_receipt_of_another_enrolment_is_refused(maker):
    draft = maker.sign()
    draft.receipt["enrolment_sha256"] = b64.url_encode(bytes(32))

    refused(maker, draft, "the receipt is of another enrolment")


def test_an_answer_by_another_key_is_refused(maker):
    draft = maker.sign()
    core = maker.core(draft)
    claims = canonical.decode(b64.url_decode(core.answer.split(".")[1]))
    for key in (jws.new_key(), maker.encryption, maker.channel):
        text = jws.sign_claims(TYPES["answer"], claims, key, kid=maker.ids["device"])
        refused(maker, draft, "the answer is not signed by the phone's key", answer=text)


def test_an_answer_of_another_phone_is_refused(maker):
    draft = maker.sign()
    draft.receipt["device"] = OTHER_ID

    refused(maker, draft, "the answer names another phone")


@pytest.mark.parametrize(
    ("letter", "member", "value", "why"),
    [
        ("request", "server", "https://evil.example", "not of the same server"),
        ("receipt", "server", "https://evil.example", "not of the same server"),
        ("enrolment", "aud", "https://evil.example", "^the enrolment"),
        ("answer", "aud", "https://evil.example", "the answer is for another server"),
        ("enrolment", "enrolment", OTHER_ID, "^the enrolment"),
        ("receipt", "enrolment", OTHER_ID, "^the enrolment"),
        ("request", "signer", {"id": OTHER_ID, "login": "dss_1", "name": "Олена Коваль"}, "another person"),
        ("receipt", "user", {"id": OTHER_ID, "login": "dss_1", "name": "Олена Коваль"}, "another person"),
        ("receipt", "user", {"id": OTHER_ID, "login": "dss_1"}, "receipt.user lacks the member name"),
        ("receipt", "counter", "0", "receipt.counter"),
        ("receipt", "enrolled", "2026-02-01", "receipt.enrolled"),
        ("receipt", "enrolled", "2026-2-1T8:0:0Z", "receipt.enrolled"),
        ("receipt", "active", None, "receipt.active"),
        ("receipt", "device", "d1", "receipt.device"),
        ("receipt", "another", 1, "the receipt has a member"),
        ("enrolment", "another", 1, "^the enrolment"),
        ("enrolment", "name", "", "^the enrolment"),
        ("enrolment", "platform", "", "^the enrolment"),
        ("enrolment", "name", "x" * 65, "^the enrolment"),
        ("enrolment", "platform", "x" * 33, "^the enrolment"),
        *(
            ("enrolment", member, f"Key{hidden}1", "^the enrolment")
            for member in ("name", "platform")
            for hidden in ("\u202e", "\u200b", "\ufeff", "\n", "\x00", "\x9b", "\u2028")
        ),
        ("enrolment", "proof", "%", "^the enrolment"),
        ("enrolment", "proof", "AA", "^the enrolment"),
        ("enrolment", "sealed_sha256", "AA", "^the enrolment"),
        ("enrolment", "iat", "now", "^the enrolment"),
        ("enrolment", "iat", True, "^the enrolment"),
        ("enrolment", "keys", {"sig": {}}, "^the enrolment"),
    ],
)
def test_the_letters_belong_together(maker, letter, member, value, why):
    draft = maker.sign()
    getattr(draft, letter)[member] = value

    refused(maker, draft, why)


def test_one_key_for_both_uses_is_refused(maker):
    draft = maker.sign()
    draft.enrolment["keys"] = {name: jws.public_jwk(maker.signature) for name in ("enc", "sig")}

    refused(maker, draft, "^the enrolment: the phone needs two different keys")


@pytest.mark.parametrize("which", ["signature", "encryption"])
def test_the_phone_has_another_key_than_the_server(maker, which):
    setattr(maker, which, maker.channel)

    refused(maker, maker.sign(), "the phone has the channel key")


def test_name_and_login_of_a_person_may_have_changed(maker):
    draft = maker.sign()
    draft.receipt["user"] |= {"login": "dss_old", "name": "Олена Петренко"}

    assert verify(maker.finish(draft).encoded(), maker.trust()).signer.name == "Олена Коваль"
