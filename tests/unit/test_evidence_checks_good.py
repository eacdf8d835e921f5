"""Evidence that is good: every kind, key and scheme, and what is proven by it (docs/evidence.md sections 1 and 3)."""

from datetime import UTC, datetime

import pytest

from dss.devices.answer import Decision
from dss.devices.request import Action, Kind
from dss.evidence.verifying import verify
from dss.infra.jose import thumbprint
from dss.kernel.keyspec import KeySpec, Padding, Scheme
from tests.world import jws
from tests.world.evidence_chain import LONG_NAME, named, usual_chain
from tests.world.evidence_kinds import SIGNED_ALIKE, good_drafts
from tests.world.evidence_maker import ANSWERED, SERVER, Maker

PSS = Scheme(Padding.PSS, 32)
MAKERS = {
    "P-256": Maker(),
    "P-384": Maker(KeySpec.P384),
    "P-521": Maker(KeySpec.P521),
    "RSA-2048 pkcs1v15": Maker(KeySpec.RSA_2048),
    "RSA-2048 pss": Maker(KeySpec.RSA_2048, PSS),
}
KINDS = [
    (key, kind) for key, maker in MAKERS.items() for kind in (good_drafts(maker) if key == "P-256" else SIGNED_ALIKE)
]


def proven_by(maker, draft):
    kept = None if draft.kept is None else maker.log.checkpoint(draft.kept)
    return verify(maker.finish(draft).encoded(), maker.trust(kept))


@pytest.mark.parametrize(("key", "kind"), KINDS)
def test_every_kind_of_evidence_is_verified_and_a_signature_by_every_kind_of_key(key, kind):
    maker = MAKERS[key]
    draft = good_drafts(maker)[kind]()

    proven = proven_by(maker, draft)

    assert proven.kind == draft.request["kind"]
    assert proven.is_confirmed is ("declined" not in kind)
    assert (proven.certificate is not None) is (proven.is_confirmed and proven.kind in {Kind.SIGN, Kind.CREATE})


@pytest.mark.parametrize("algorithm", ["sha256", "sha384", "sha512"])
@pytest.mark.parametrize("maker", MAKERS.values(), ids=MAKERS.keys())
def test_a_hash_of_any_algorithm_is_verified(maker, algorithm):
    proven = proven_by(maker, maker.sign("hash", "pdf", algorithm=algorithm))

    assert {item.to_sign.name for item in proven.documents} == {algorithm}


def test_a_hundred_documents_with_long_names_are_verified():
    maker = MAKERS["P-256"]
    draft = maker.sign(*["pdf"] * 100)
    for item in draft.request["documents"]:
        item["name"] = "ж" * 255

    assert len(proven_by(maker, draft).signatures) == 100


def test_a_signature_says_who_what_when_where_how_and_for_whom():
    maker = MAKERS["P-256"]
    draft = maker.by_further_phone(maker.sign("pdf", "hash"))

    proven = proven_by(maker, draft)

    assert (proven.signer.name, proven.signer.login, proven.signer.id) == ("Олена Коваль", "dss_1", maker.ids["user"])
    assert proven.certificate.subject == "CN=Олена Коваль,C=UA"
    assert [item.document and item.document.name for item in proven.documents] == ["contract 0.pdf", None]
    assert proven.text == "Договір № 7"
    assert (proven.server, proven.channel_key) == (SERVER, thumbprint(jws.public_jwk(maker.channel)))
    assert proven.asked_at == datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
    assert proven.answered_at == datetime.fromtimestamp(ANSWERED, UTC)
    assert proven.logged.at == datetime(2026, 3, 2, 9, 1, 2, 345678, tzinfo=UTC)
    assert (proven.phone.id, proven.phone.name, proven.phone.platform) == (maker.ids["device"], "Pixel 9", "Android 16")
    assert proven.phone.enrolled == datetime(2026, 2, 1, 8, 0, tzinfo=UTC)
    assert proven.phone.active == datetime(2026, 2, 2, 8, 0, tzinfo=UTC)
    assert (proven.verification, proven.decision) == ("pin", Decision.CONFIRM)
    assert proven.relying_application.name == "Shop"
    assert proven.logged.origin == "sign.example/log"
    assert proven.key.id == maker.ids["credential"]


def test_a_refusal_says_why():
    maker = MAKERS["P-256"]

    proven = proven_by(maker, maker.declined(maker.sign(), "Це не мій договір"))

    assert (proven.decision, proven.verification, proven.reason) == (Decision.DECLINE, "", "Це не мій договір")
    assert (proven.signatures, proven.certificate) == ((), None)


def test_other_kinds_say_what_they_change():
    maker = MAKERS["P-256"]

    removed, revoked = (proven_by(maker, maker.change(action)).change for action in ("remove", "revoke"))
    new = proven_by(maker, maker.create(replaces=True)).new_key
    share = proven_by(maker, maker.share()).share

    assert (removed.action, removed.phone.name, removed.key) == (Action.REMOVE, "Old phone", None)
    assert (revoked.action, revoked.reason, revoked.key.id) == (Action.REVOKE, "keyCompromise", maker.ids["credential"])
    assert (new.subject, new.key_type, new.validity_days) == ("CN=Олена Коваль,C=UA", KeySpec.P256, 730)
    assert new.replaces.id == maker.ids["credential"]
    assert (share.phone.name, len(share.keys)) == ("New phone", 2)


def test_a_biometric_answer_is_one_where_the_request_allows_it():
    maker = MAKERS["P-256"]
    draft = maker.sign()
    draft.request["policy"]["answer_by"] = ["pin", "biometric"]
    draft.answer["verification"] = "biometric"

    assert proven_by(maker, draft).verification == "biometric"


def test_optional_members_of_a_signing_are_known():
    maker = MAKERS["P-256"]
    draft = maker.sign()
    draft.request["relock"] = True
    draft.request["credential"]["password"] = maker.change("password").request["change"]["password"]

    assert proven_by(maker, draft).is_confirmed


def test_a_name_of_more_letters_than_bytes_may_be_is_read():
    """RFC 5280 appendix A.1: ub-common-name counts characters; Cyrillic letters take two bytes each."""
    maker = MAKERS["P-256"]
    draft = maker.create(subject=named(LONG_NAME).rfc4514_string())
    draft.chain = usual_chain(name=LONG_NAME)

    assert LONG_NAME in proven_by(maker, draft).certificate.subject


@pytest.mark.parametrize("iat", [ANSWERED - 60 - 60, ANSWERED + 4 * 60 + 60], ids=["slow", "fast"])
def test_a_minute_between_clocks_is_allowed(iat):
    maker = MAKERS["P-256"]
    draft = maker.sign()
    draft.answer["iat"] = iat
    draft.event["at"] = "2026-03-02T09:05:00.000000Z"

    assert proven_by(maker, draft).is_confirmed
