"""What proxies tell of callers is believed from proxies only: RFC 9440, T35."""

from ipaddress import ip_network
from types import SimpleNamespace
from urllib.parse import quote

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from hypothesis import given
from hypothesis import strategies as st
from starlette.requests import Request

from dss.infra.proxies import Proxies
from dss.kernel import b64
from dss.kernel.errors import BadRequest
from dss.oauth.client_certificate import LONGEST, from_header
from dss.web.http.peer import address_of, certificate_of
from tests.world.tls_client import self_signed

PROXY, STRANGER = "10.0.0.7", "203.0.113.9"
PROXIES = Proxies((ip_network("10.0.0.0/24"), ip_network("2001:db8::/64")), "Client-Cert")
DER = self_signed()
FIELD = f":{b64.encode(DER)}:"
PEM = x509.load_der_x509_certificate(DER).public_bytes(Encoding.PEM).decode()


def request(peer: str | None, *headers: tuple[str, str], proxies: Proxies = PROXIES) -> Request:
    raw = [(name.lower().encode(), value.encode("latin-1", "replace")) for name, value in headers]
    state = {"services": SimpleNamespace(settings=SimpleNamespace(proxies=proxies))}
    return Request({"type": "http", "headers": raw, "client": None if peer is None else (peer, 1), "state": state})


@pytest.mark.parametrize("told", [FIELD, quote(PEM), quote(PEM, safe=""), PEM.replace("\n", "%0A")])
def test_a_proxy_hands_on_the_certificate_in_either_form(told: str):
    """RFC 9440 section 2.1, and nginx's escaped PEM."""
    assert certificate_of(request(PROXY, ("Client-Cert", told))) == DER


@pytest.mark.parametrize("peer", [STRANGER, "127.0.0.1", "testclient", "unknown", "", None, "10.0.1.7"])
def test_t35_a_certificate_that_anybody_else_tells_of_is_as_if_it_were_not_there(peer: str | None):
    assert certificate_of(request(peer, ("Client-Cert", FIELD))) is None
    assert certificate_of(request(peer, ("Client-Cert", "malformed"))) is None


def test_without_a_proxy_nobody_is_believed():
    named = Proxies(header="Client-Cert")

    assert not named.tell_certificates
    assert certificate_of(request(PROXY, ("Client-Cert", FIELD), proxies=named)) is None


@pytest.mark.parametrize("name", ["Client-Cert", "X-SSL-Cert", ""])
def test_t35_where_no_header_is_named_no_certificate_is_believed_from_a_proxy_either(name: str):
    """T33: RFC 9700 section 4.13. A proxy that knows nothing of certificates passes a caller's own header through."""
    unnamed = Proxies(PROXIES.networks)

    assert not unnamed.tell_certificates
    assert certificate_of(request(PROXY, (name, FIELD), proxies=unnamed)) is None
    assert certificate_of(request(PROXY, (name, "malformed"), proxies=unnamed)) is None


def test_the_header_is_the_one_that_the_operator_names():
    named = Proxies(PROXIES.networks, "X-Ssl-Cert")

    assert named.tell_certificates
    assert certificate_of(request(PROXY, ("X-SSL-Cert", FIELD), proxies=named)) == DER
    assert certificate_of(request(PROXY, ("Client-Cert", FIELD), proxies=named)) is None


@pytest.mark.parametrize("headers", [(), (("Client-Cert", ""),)])
def test_a_connection_without_a_certificate_has_none(headers: tuple[tuple[str, str], ...]):
    assert certificate_of(request(PROXY, *headers)) is None


@pytest.mark.parametrize("told", [(FIELD, FIELD), (FIELD, ""), ("", FIELD)])
def test_t35_a_certificate_beside_the_one_that_the_proxy_tells_of_is_refused(told: tuple[str, str]):
    """T33: RFC 9700 section 4.13. One of them is the caller's own, also where the proxy says that there is none."""
    with pytest.raises(BadRequest, match="more than once"):
        certificate_of(request(PROXY, *(("Client-Cert", value) for value in told)))


MALFORMED = ["x", ":", "::", ":AA:", ":AA==:", f":{b64.encode(DER)[:-4]}:", f"{FIELD}, {FIELD}", FIELD[1:], FIELD[:-1]]
MALFORMED += [f":{b64.encode(DER + b'x')}:", f": {b64.encode(DER)}:", f":{b64.encode(DER[:-1])}:", quote(PEM + PEM)]
MALFORMED += [
    "%",
    "%0",
    "%zz",
    quote(PEM[:-40]),
    quote(PEM.replace("CERTIFICATE", "PRIVATE KEY")),
    "é",
    "x" * (LONGEST + 1),
]


@pytest.mark.parametrize("told", MALFORMED)
def test_a_malformed_certificate_of_a_proxy_is_refused_and_breaks_nothing(told: str):
    with pytest.raises(BadRequest, match="client certificate"):
        certificate_of(request(PROXY, ("Client-Cert", told)))


@given(text=st.text(max_size=80) | st.binary(max_size=80).map(lambda raw: f":{b64.encode(raw)}:"))
def test_no_header_breaks_the_reader(text: str):
    with pytest.raises(BadRequest):
        from_header(text)


@given(place=st.integers(0, len(DER) - 1), byte=st.integers(0, 255))
def test_no_altered_certificate_breaks_the_reader(place: int, byte: int):
    altered = DER[:place] + bytes([byte]) + DER[place + 1 :]
    try:
        assert from_header(f":{b64.encode(altered)}:") == altered
    except BadRequest as refused:
        assert "client certificate" in refused.detail  # noqa: PT017  some are still certificates


@pytest.mark.parametrize(
    ("peer", "told", "address"),
    [
        (STRANGER, (), STRANGER),
        (STRANGER, ("198.51.100.1",), STRANGER),
        (PROXY, (), PROXY),
        (PROXY, ("198.51.100.1",), "198.51.100.1"),
        (PROXY, ("1.1.1.1, 198.51.100.1",), "198.51.100.1"),
        (PROXY, ("1.1.1.1", "198.51.100.1, 10.0.0.9"), "198.51.100.1"),
        (PROXY, ("10.0.0.8, 10.0.0.9",), "10.0.0.8"),
        (PROXY, ("1.1.1.1, unknown",), PROXY),
        (PROXY, ("1.1.1.1, 198.51.100.1:80",), PROXY),
        (PROXY, ("",), PROXY),
        (PROXY, ("1.1.1.1," * 1000,), PROXY),
        (PROXY, ("2001:db8:1::5",), "2001:db8:1::5"),
        (f"::ffff:{PROXY}", ("::ffff:198.51.100.1",), "198.51.100.1"),
        ("2001:db8::1", ("198.51.100.1",), "198.51.100.1"),
        ("testclient", ("198.51.100.1",), "unknown"),
        (None, ("198.51.100.1",), "unknown"),
    ],
)
def test_the_address_of_a_caller_is_the_last_hop_that_is_no_proxy_of_ours(
    peer: str | None, told: tuple[str, ...], address: str
):
    """What stands before that, the caller wrote."""
    assert address_of(request(peer, *(("X-Forwarded-For", value) for value in told))) == address


@given(text=st.text(max_size=60))
def test_no_forwarded_header_breaks_the_reader(text: str):
    assert address_of(request(PROXY, ("X-Forwarded-For", text)))
