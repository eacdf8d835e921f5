"""The referee's forms: base64url, times, names, signed attributes, JWS headers."""

import pytest
from cryptography import x509

from tests.referee import canonical, issuing, jws, names, shapes, signatures
from tests.referee.refusing import Refused
from tests.referee.writing import compact, jwk

KEY = issuing.key_of("P-256", "phone")
TYP = "dss-enrolment+jws"
HEADER = {"alg": "ES256", "typ": TYP, "jwk": jwk(KEY)}


@pytest.mark.parametrize("text", ["AA==", "AB", "A", "AA\n", "A A", "+/+/", "ÄA", 0, None])
def test_base64url_has_one_form(text: object):
    with pytest.raises(Refused):
        shapes.bytes_of(text, "it")


@pytest.mark.parametrize(("text", "data"), [("", b""), ("AA", b"\0"), ("-_-_", b"\xfb\xff\xbf")])
def test_base64url_is_read(text: str, data: bytes):
    assert shapes.bytes_of(text, "it") == data


@pytest.mark.parametrize(
    "text",
    [
        "2026-11-21T14:00:00",
        "2026-11-21T14:00:00z",
        "2026-11-21 14:00:00Z",
        "2026-11-21T14:00:60Z",
        "2026-13-21T14:00:00Z",
        "2026-11-21T14:00:00.0Z",
        "0000-11-21T14:00:00Z",
        "2026-11-21T14:00:00Z\n",
        1795269600,
    ],
)
def test_a_time_has_one_form(text: object):
    with pytest.raises(Refused):
        shapes.time(text, "it")


def test_times_are_counted_in_microseconds():
    assert shapes.microseconds("2026-11-21T14:01:00Z") == 1795269660 * shapes.SECOND
    assert shapes.microseconds("1969-12-31T23:59:59.999999Z") == -1


@pytest.mark.parametrize(
    ("attributes", "text"),
    [
        (
            [("C", "GB"), ("O", "Isode Limited"), ("CN", "Steve Kille")],
            "CN=Steve Kille,O=Isode Limited,C=GB",
        ),
        ([("CN", 'James "Jim" Smith, III')], r"CN=James \"Jim\" Smith\, III"),
        ([("CN", "#1 "), ("O", " a+b;<c>\\")], r"O=\ a\+b\;\<c\>\\,CN=\#1\ "),
        ([("SN", "Коваль"), ("serialNumber", "PNOUA-1")], "serialNumber=PNOUA-1,SN=Коваль"),
    ],
)
def test_a_name_is_written_as_rfc_4514_says(attributes: list[tuple[str, str]], text: str):
    """RFC 4514 sections 2.1, 2.4 and 4."""
    oids = {short: x509.ObjectIdentifier(oid) for oid, short in names.SHORT.items()}
    name = x509.Name([x509.NameAttribute(oids[short], value, _validate=False) for short, value in attributes])

    assert names.text_of(name) == text


def test_a_name_of_two_values_in_one_part_joins_them():
    """RFC 4514 section 2.2."""
    part = [x509.NameAttribute(x509.NameOID.COMMON_NAME, "J. Smith")]
    part.append(x509.NameAttribute(x509.NameOID.ORGANIZATIONAL_UNIT_NAME, "Sales"))
    name = x509.Name([x509.RelativeDistinguishedName(part)])

    assert names.text_of(name) in {"CN=J. Smith+OU=Sales", "OU=Sales+CN=J. Smith"}


@pytest.mark.parametrize(("length", "head"), [(0, "0400"), (127, "047f"), (128, "048180"), (256, "04820100")])
def test_der_writes_lengths_as_short_as_they_go(length: int, head: str):
    """X.690 section 10.1."""
    assert signatures.der(signatures.OCTETS, bytes(length)) == bytes.fromhex(head) + bytes(length)


def test_a_jws_is_read_with_the_header_that_its_typ_has():
    text = compact(HEADER, canonical.encode({"a": 1}), KEY)

    letter = jws.read(text, TYP, "jwk")

    letter.require_signed_by(jwk(KEY), "it")
    assert letter.claims == {"a": 1}


@pytest.mark.parametrize(
    "header",
    [
        {**HEADER, "alg": "none"},
        {**HEADER, "alg": "ES384"},
        {**HEADER, "typ": "JWT"},
        {**HEADER, "kid": "x"},
        {"alg": "ES256", "typ": TYP},
        {**HEADER, "jwk": {**jwk(KEY), "y": jwk(KEY)["x"]}},
        {**HEADER, "jwk": {**jwk(KEY), "crv": "P-384"}},
        {**HEADER, "jwk": {**jwk(KEY), "d": jwk(KEY)["x"]}},
        {**HEADER, "jwk": None},
        [],
    ],
)
def test_a_jws_with_another_header_is_refused(header: dict[str, object]):
    with pytest.raises(Refused):
        jws.read(compact(header, b"{}", KEY), TYP, "jwk")


def test_a_header_with_a_member_twice_is_refused():
    """RFC 7515 section 4."""
    header, _, rest = compact(HEADER, b"{}", KEY).partition(".")
    twice = shapes.bytes_of(header, "header").replace(b'"alg":', b'"alg":"none","alg":')

    with pytest.raises(Refused, match="twice"):
        jws.read(f"{shapes.text_of(twice)}.{rest}", TYP, "jwk")
