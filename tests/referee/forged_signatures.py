"""Forgeries of what the HSM signed: attributes, values, and which of them a record has."""

from collections.abc import Callable
from hashlib import sha256

from cryptography.hazmat.primitives.asymmetric import utils

from tests.referee import issuing, shapes
from tests.referee.forging import Draft, Stage, piece
from tests.referee.mutations import forgery, of_kind, with_document
from tests.referee.signatures import (
    CONTENT_TYPE,
    DATA,
    MESSAGE_DIGEST,
    OCTETS,
    SEQUENCE,
    SET,
    SIGNING_CERTIFICATE_V2,
    attribute,
    attributes_of,
    der,
    issuer_serial,
)
from tests.referee.writing import value_of

SIGNING_TIME = bytes.fromhex("06092a864886f70d010905")
SHA256 = bytes.fromhex("0609608648016503040201")
PADES, ECDSA = with_document(format="PAdES"), with_document(scheme="ecdsa")
PSS, PKCS1 = with_document(scheme="pss"), with_document(scheme="pkcs1v15")


def of_several(draft: Draft) -> bool:
    """Fits a confirmed `sign` of more than one document."""
    return draft.kind == "sign" and len(draft.claims["request"]["documents"]) > 1


def identified(certificate: bytes, before: bytes = b"", behind: bytes = b"") -> bytes:
    """A signing-certificate-v2 that says more than it has to."""
    one = der(SEQUENCE, before + der(OCTETS, sha256(certificate).digest()) + behind)
    return attribute(SIGNING_CERTIFICATE_V2, der(SEQUENCE, der(SEQUENCE, one)))


def usual(draft: Draft) -> list[bytes]:
    """The three attributes of the first document, in their order."""
    digest = draft.digests[0][: {"sha256": 32, "sha384": 48, "sha512": 64}[algorithm(draft)]]
    return sorted(
        [
            attribute(CONTENT_TYPE, DATA),
            attribute(MESSAGE_DIGEST, der(OCTETS, digest)),
            identified(draft.chain[0]),
        ]
    )


def algorithm(draft: Draft) -> str:
    """The hash of the first document."""
    return str(draft.claims["request"]["documents"][0]["hash_algorithm"])


def signed_over(draft: Draft, attributes: bytes) -> None:
    """Sign other attributes for the first document; request and answer are written over it."""
    draft.pieces[0] = piece(draft, draft.claims["request"]["documents"][0], attributes)


@forgery(Stage.ENROL, PADES)
def attributes_of_another_certificate(draft: Draft) -> None:
    signed_over(draft, attributes_of(draft.digests[0][:32], draft.chain[1]))


@forgery(Stage.ENROL, PADES)
def attributes_with_the_signing_time(draft: Draft) -> None:
    more = attribute(SIGNING_TIME, der(0x17, b"261121140000Z"))
    signed_over(draft, der(SET, b"".join(sorted([*usual(draft), more]))))


@forgery(Stage.ENROL, PADES)
def attributes_with_one_twice(draft: Draft) -> None:
    signed_over(draft, der(SET, b"".join(sorted([*usual(draft), attribute(CONTENT_TYPE, DATA)]))))


@forgery(Stage.ENROL, PADES)
def attributes_without_the_certificate(draft: Draft) -> None:
    signed_over(draft, der(SET, b"".join(one for one in usual(draft) if SIGNING_CERTIFICATE_V2 not in one)))


@forgery(Stage.ENROL, PADES)
def attributes_of_other_content(draft: Draft) -> None:
    other = [one.replace(DATA, DATA[:-1] + b"\x02") for one in usual(draft)]
    signed_over(draft, der(SET, b"".join(other)))


@forgery(Stage.ENROL, PADES)
def attributes_with_a_short_digest(draft: Draft) -> None:
    signed_over(draft, attributes_of(bytes(20), draft.chain[0]))


@forgery(Stage.ENROL, PADES)
def attributes_out_of_order(draft: Draft) -> None:
    signed_over(draft, der(SET, b"".join(reversed(usual(draft)))))


@forgery(Stage.ENROL, PADES)
def attributes_as_a_sequence(draft: Draft) -> None:
    signed_over(draft, der(SEQUENCE, b"".join(usual(draft))))


@forgery(Stage.ENROL, PADES)
def attributes_with_their_implicit_tag(draft: Draft) -> None:
    signed_over(draft, der(0xA0, b"".join(usual(draft))))


@forgery(Stage.ENROL, PADES)
def attributes_with_a_long_length(draft: Draft) -> None:
    content = b"".join(usual(draft))
    signed_over(draft, bytes([SET, 0x82]) + len(content).to_bytes(2) + content)


@forgery(Stage.ENROL, PADES)
def attributes_with_something_behind(draft: Draft) -> None:
    signed_over(draft, der(SET, b"".join(usual(draft))) + b"\x05\x00")


@forgery(Stage.ENROL, PADES)
def attributes_that_write_a_default(draft: Draft) -> None:
    other = [one for one in usual(draft) if SIGNING_CERTIFICATE_V2 not in one]
    more = identified(draft.chain[0], before=der(SEQUENCE, SHA256))
    signed_over(draft, der(SET, b"".join(sorted([*other, more]))))


def naming(draft: Draft, behind: bytes, more: bytes = b"") -> None:
    """Sign attributes that name the certificate by its hash, something behind that, and something behind all."""
    one = der(SEQUENCE, der(OCTETS, sha256(draft.chain[0]).digest()) + behind)
    named = attribute(SIGNING_CERTIFICATE_V2, der(SEQUENCE, der(SEQUENCE, one + more)))
    others = [other for other in usual(draft) if SIGNING_CERTIFICATE_V2 not in other]
    signed_over(draft, der(SET, b"".join([*others, named])))


@forgery(Stage.ENROL, PADES)
def attributes_that_name_the_issuer_of_another(draft: Draft) -> None:
    naming(draft, issuer_serial(draft.chain[-1]))


@forgery(Stage.ENROL, PADES)
def attributes_that_name_two_certificates(draft: Draft) -> None:
    naming(draft, b"", der(SEQUENCE, der(OCTETS, sha256(draft.chain[1]).digest())))


@forgery(Stage.ENROL, PADES)
def attributes_that_name_a_certificate_and_a_policy(draft: Draft) -> None:
    certificate = der(SEQUENCE, der(SEQUENCE, der(OCTETS, sha256(draft.chain[0]).digest())))
    policy = der(SEQUENCE, der(SEQUENCE, DATA))
    named = attribute(SIGNING_CERTIFICATE_V2, der(SEQUENCE, certificate + policy))
    others = [other for other in usual(draft) if SIGNING_CERTIFICATE_V2 not in other]
    signed_over(draft, der(SET, b"".join([*others, named])))


@forgery(Stage.ENROL, PADES)
def attributes_that_were_not_to_be_signed(draft: Draft) -> None:
    document = draft.claims["request"]["documents"][0]
    document["to_sign"] = shapes.text_of(bytes(len(shapes.bytes_of(document["to_sign"], "to_sign"))))
    draft.pieces[0]["value"] = shapes.text_of(value_of(draft.stations[0].key, document))


@forgery(Stage.KEEP, PADES)
def no_attributes(draft: Draft) -> None:
    draft.pieces[0]["attributes"] = ""


@forgery(Stage.KEEP, with_document(format="hash"))
def attributes_of_a_bare_hash(draft: Draft) -> None:
    draft.pieces[0]["attributes"] = shapes.text_of(attributes_of(bytes(32), draft.chain[0]))


# --- values ---


@forgery(Stage.KEEP, of_kind("sign"))
def a_value_by_another_persons_key(draft: Draft) -> None:
    name = "P-256" if ECDSA(draft) else "RSA-2048"
    document = draft.claims["request"]["documents"][0]
    draft.pieces[0]["value"] = shapes.text_of(value_of(issuing.key_of(name, "stranger"), document))


@forgery(Stage.KEEP, of_kind("sign"))
def a_value_over_another_hash(draft: Draft) -> None:
    document = draft.claims["request"]["documents"][0]
    length = len(shapes.bytes_of(document["to_sign"], "to_sign"))
    other = {**document, "to_sign": shapes.text_of(bytes(length))}
    draft.pieces[0]["value"] = shapes.text_of(value_of(draft.stations[0].key, other))


@forgery(Stage.KEEP, ECDSA)
def a_value_of_two_bare_numbers(draft: Draft) -> None:
    raw = shapes.bytes_of(draft.pieces[0]["value"], "value")
    r, s = utils.decode_dss_signature(raw)
    draft.pieces[0]["value"] = shapes.text_of(r.to_bytes(66) + s.to_bytes(66))


@forgery(Stage.KEEP, ECDSA)
def a_value_with_something_behind(draft: Draft) -> None:
    raw = shapes.bytes_of(draft.pieces[0]["value"], "value")
    draft.pieces[0]["value"] = shapes.text_of(raw + b"\x00")


@forgery(Stage.KEEP, PSS)
def a_value_of_the_other_padding(draft: Draft) -> None:
    other = {**draft.claims["request"]["documents"][0], "scheme": "pkcs1v15"}
    draft.pieces[0]["value"] = shapes.text_of(value_of(draft.stations[0].key, other))


@forgery(Stage.KEEP, PSS)
def a_value_of_another_salt_length(draft: Draft) -> None:
    other = {**draft.claims["request"]["documents"][0], "scheme": "pss-20"}
    draft.pieces[0]["value"] = shapes.text_of(value_of(draft.stations[0].key, other))


@forgery(Stage.KEEP, PKCS1)
def a_value_of_pss(draft: Draft) -> None:
    other = {**draft.claims["request"]["documents"][0], "scheme": "pss-32"}
    draft.pieces[0]["value"] = shapes.text_of(value_of(draft.stations[0].key, other))


@forgery(Stage.ENROL, of_kind("sign"))
def a_scheme_of_another_kind_of_key(draft: Draft) -> None:
    document = draft.claims["request"]["documents"][0]
    document["scheme"] = "pkcs1v15" if ECDSA(draft) else "ecdsa"


@forgery(Stage.ENROL, of_kind("sign"))
def a_scheme_that_nobody_knows(draft: Draft) -> None:
    draft.claims["request"]["documents"][0]["scheme"] = "pss"


@forgery(Stage.ENROL, of_kind("sign"))
def a_hash_that_nobody_knows(draft: Draft) -> None:
    draft.claims["request"]["documents"][0]["hash_algorithm"] = "sha1"


# --- which there are ---


@forgery(Stage.KEEP, of_kind("sign"))
def a_signature_that_is_missing(draft: Draft) -> None:
    draft.pieces.pop()


@forgery(Stage.KEEP, of_kind("sign"))
def a_signature_more(draft: Draft) -> None:
    draft.pieces.append({**draft.pieces[-1], "index": draft.pieces[-1]["index"] + 1})


@forgery(Stage.KEEP, of_kind("sign"))
def a_signature_twice(draft: Draft) -> None:
    draft.pieces.append(draft.pieces[-1])


@forgery(Stage.KEEP, of_several)
def signatures_out_of_order(draft: Draft) -> None:
    draft.pieces.reverse()


@forgery(Stage.KEEP, of_kind("sign"))
def a_signature_of_another_index(draft: Draft) -> None:
    draft.pieces[0]["index"] += 1


def counted(name: str, index: Callable[[int, int], int], fits: Callable[[Draft], bool]) -> None:
    """Enter documents, and signatures with them, whose indexes are others; index: of a place and of how many."""

    def change(draft: Draft) -> None:
        documents = draft.claims["request"]["documents"]
        for place, document in enumerate(documents):
            document["index"] = index(place, len(documents))

    change.__name__ = name
    forgery(Stage.SIGN, fits)(change)


counted("documents_that_are_counted_from_one", lambda place, _: place + 1, of_kind("sign"))
counted("documents_that_are_counted_backwards", lambda place, many: many - 1 - place, of_several)
counted("documents_that_are_all_the_first", lambda *_: 0, of_several)


@forgery(Stage.KEEP, of_kind("sign"))
def a_signature_with_a_member_more(draft: Draft) -> None:
    draft.pieces[0]["algorithm"] = "ecdsa"


@forgery(Stage.KEEP, of_kind("declined", "create", "change", "share"))
def a_signature_that_nobody_confirmed(draft: Draft) -> None:
    draft.pieces.append({"attributes": "", "index": 0, "value": shapes.text_of(bytes(64))})
