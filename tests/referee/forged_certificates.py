"""Forgeries of the path: all is signed over it, and it does not lead from the person to the root as it must."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

from cryptography import x509
from cryptography.x509.oid import ExtensionOID

from tests.referee import issuing, shapes
from tests.referee.forging import Draft, Stage
from tests.referee.issuing import CERT_SIGN, COMMITMENT, NOTHING, STRANGE, Station, key_of, named, with_station
from tests.referee.mutations import forgery, of_kind, with_document

CERTIFIED = of_kind("sign", "create")
SECOND = timedelta(seconds=1)
OTHER_NAMES = x509.NameConstraints([x509.DirectoryName(named("Somebody Else"))], None)
NO_CA = x509.BasicConstraints(ca=False, path_length=None)
OTHER_USES = {
    "nothing": x509.KeyUsage(**NOTHING),
    "certificates": CERT_SIGN,
    "keys": x509.KeyUsage(**{**NOTHING, "key_encipherment": True, "key_agreement": True}),
}
NARROWING = {
    "other_names": OTHER_NAMES,
    "all_names": x509.NameConstraints([x509.DirectoryName(x509.Name([]))], None),
    "names_that_nobody_can_read": x509.UnrecognizedExtension(ExtensionOID.NAME_CONSTRAINTS, b"\x05\x00"),
}
LAST_CA = x509.BasicConstraints(ca=True, path_length=0)

# --- one certificate of the path is wrong ---


def wrong_at(name: str, index: int, fits: Callable[[Draft], bool] = CERTIFIED, **changes: Any) -> None:
    """Enter a path in which one certificate is another: 0 the person's, 1 the issuing CA's, 2 the root."""

    def change(draft: Draft) -> None:
        draft.stations = with_station(draft.stations, index, **changes)

    change.__name__ = name
    forgery(Stage.CERTIFY, fits)(change)


wrong_at("an_expired_certificate", 0, ends=-SECOND)
wrong_at("an_expired_issuer", 1, ends=-SECOND)
wrong_at("an_expired_root", 2, ends=-SECOND)
wrong_at("a_certificate_of_tomorrow", 0, begins=timedelta(seconds=2))
wrong_at("an_issuer_of_tomorrow", 1, begins=timedelta(seconds=2))
wrong_at("a_root_of_tomorrow", 2, begins=timedelta(seconds=2))
wrong_at("an_issuer_that_is_no_ca", 1, constraints=NO_CA)
wrong_at("an_issuer_without_basic_constraints", 1, constraints=None)
wrong_at("an_issuer_that_may_not_sign_certificates", 1, usage=COMMITMENT)
wrong_at("an_issuer_that_does_not_say_what_its_key_may", 1, usage=None)
wrong_at("an_issuer_for_other_names_only", 1, more=(OTHER_NAMES,))
wrong_at("a_root_that_does_not_say_what_its_key_may", 2, usage=None)
wrong_at("a_root_that_is_no_ca", 2, constraints=NO_CA)
wrong_at("a_root_that_may_not_sign_certificates", 2, usage=COMMITMENT)
wrong_at("a_root_that_allows_no_issuer", 2, constraints=LAST_CA)
wrong_at("a_certificate_with_a_strange_extension", 0, more=(STRANGE,))
wrong_at("an_issuer_with_a_strange_extension", 1, more=(STRANGE,))
wrong_at("a_root_with_a_strange_extension", 2, more=(STRANGE,))
wrong_at("a_certificate_by_another_key", 0, signer=key_of("P-256", "stranger"))
wrong_at("an_issuer_by_another_key", 1, signer=key_of("P-256", "stranger"))
wrong_at("a_certificate_that_names_another_issuer", 0, issuer=named("Another CA"))
wrong_at("an_issuer_that_names_another_root", 1, issuer=named("Another CA"))

for place, whose in enumerate(("a_certificate", "an_issuer", "a_root")):
    for name, narrowing in NARROWING.items():
        wrong_at(f"{whose}_with_a_word_about_{name}", place, notes=(narrowing,))

for type in ("RSA-1024", "secp256k1", "Ed25519"):
    wrong_at(f"an_issuer_with_a_key_of_{type}", 1, key=key_of(type, "weak"))
    wrong_at(f"a_root_with_a_key_of_{type}", 2, key=key_of(type, "weak"))
wrong_at("a_signer_with_a_weak_key", 0, fits=with_document(scheme="p"), key=key_of("RSA-1024", "weak"))
wrong_at("a_signer_with_an_unknown_key", 0, fits=with_document(scheme="ecdsa"), key=key_of("secp256k1", "weak"))

for name, usage in OTHER_USES.items():
    wrong_at(f"a_signer_whose_key_is_for_{name}", 0, fits=of_kind("sign"), usage=usage)

# --- the path is another ---


def longer(draft: Draft, **changes: Any) -> None:
    """Put a second issuing CA into the path."""
    second = Station(named("Second CA"), key_of("P-256", "second"), LAST_CA)
    draft.stations.insert(1, replace(second, **changes))


@forgery(Stage.CERTIFY, CERTIFIED)
def a_path_with_more_cas_than_an_issuer_allows(draft: Draft) -> None:
    longer(draft)
    draft.stations[3] = replace(draft.stations[3], constraints=x509.BasicConstraints(ca=True, path_length=None))


@forgery(Stage.CERTIFY, CERTIFIED)
def a_path_with_more_cas_than_the_root_allows(draft: Draft) -> None:
    longer(draft)
    draft.stations[2] = replace(draft.stations[2], constraints=x509.BasicConstraints(ca=True, path_length=None))


@forgery(Stage.CERTIFY, CERTIFIED)
def a_path_with_a_ca_that_issued_to_itself(draft: Draft) -> None:
    issuing = draft.stations[1]
    draft.stations.insert(2, replace(issuing, key=key_of("P-256", "older")))


@forgery(Stage.CERTIFY, CERTIFIED)
def a_path_through_another_person(draft: Draft) -> None:
    longer(draft, constraints=None, usage=COMMITMENT)
    draft.stations[2:] = [
        replace(one, constraints=x509.BasicConstraints(ca=True, path_length=None)) for one in draft.stations[2:]
    ]


@forgery(Stage.CERTIFY, CERTIFIED)
def a_person_who_is_the_root(draft: Draft) -> None:
    draft.stations = [replace(draft.stations[0], constraints=x509.BasicConstraints(ca=True, path_length=None))]


def rearranged(name: str, change: Callable[[list[bytes]], list[bytes]]) -> None:
    """Enter a path that is arranged in another way after all was signed over it."""

    def rearrange(draft: Draft) -> None:
        draft.chain = change(draft.chain)

    rearrange.__name__ = name
    forgery(Stage.KEEP, CERTIFIED)(rearrange)


rearranged("a_path_without_its_root", lambda chain: chain[:-1])
rearranged("a_path_without_its_issuer", lambda chain: [chain[0], chain[-1]])
rearranged("a_path_without_the_person", lambda chain: chain[1:])
rearranged("a_path_that_is_empty", lambda chain: [])
rearranged("a_path_the_other_way_round", lambda chain: chain[::-1])
rearranged("a_path_with_the_root_twice", lambda chain: [*chain, b"", chain[-1]])
rearranged("a_path_with_the_person_twice", lambda chain: [chain[0], *chain])
rearranged("a_path_with_something_behind_a_certificate", lambda chain: [chain[0], chain[1] + b"\x00", chain[2]])
rearranged("a_path_of_garbage", lambda chain: [b"\x30\x00", *chain[1:]])


@forgery(Stage.WRITE, CERTIFIED)
def a_path_to_another_root(draft: Draft) -> None:
    """The same name and the same key, and another certificate."""
    draft.root = issuing.path([replace(draft.stations[-1], begins=-SECOND)], draft.at)[-1]


@forgery(Stage.KEEP, of_kind("declined", "change", "share"))
def certificates_of_nothing(draft: Draft) -> None:
    draft.chain = issuing.path(draft.stations, draft.at)
    draft.root = draft.chain[-1]


# --- the certificate is another person's ---


@forgery(Stage.SIGN, of_kind("sign"))
def a_certificate_of_another_credential(draft: Draft) -> None:
    draft.claims["request"]["credential"]["certificate_sha256"] = shapes.text_of(bytes(32))


@forgery(Stage.KEEP, of_kind("sign"))
def a_certificate_of_another_person(draft: Draft) -> None:
    other = with_station(draft.stations, 0, subject=named("Somebody Else"))
    draft.chain[0] = other[0].signed(other[1], draft.at)


@forgery(Stage.CERTIFY, of_kind("create"))
def a_new_certificate_of_another_person(draft: Draft) -> None:
    draft.stations = with_station(draft.stations, 0, subject=named("Somebody Else"))


@forgery(Stage.CERTIFY, of_kind("create"))
def a_new_certificate_of_another_kind_of_key(draft: Draft) -> None:
    other = "P-384" if draft.claims["request"]["credential"]["key_type"] == "P-256" else "P-256"
    draft.stations = with_station(draft.stations, 0, key=key_of(other, "person"))


@forgery(Stage.ASK, of_kind("create"))
def a_new_certificate_of_a_kind_of_key_that_nobody_knows(draft: Draft) -> None:
    draft.claims["request"]["credential"]["key_type"] = "Ed25519"


def wanted_validity(draft: Draft) -> timedelta:
    """How long the new certificate of a `create` is to be valid."""
    return timedelta(days=draft.claims["request"]["credential"]["validity_days"])


@forgery(Stage.CERTIFY, of_kind("create"))
def a_new_certificate_that_is_valid_for_too_long(draft: Draft) -> None:
    draft.stations = with_station(draft.stations, 0, ends=wanted_validity(draft) + SECOND)


@forgery(Stage.ASK, of_kind("create"))
def a_new_certificate_for_a_year_in_place_of_a_week(draft: Draft) -> None:
    draft.claims["request"]["credential"]["validity_days"] = 7
