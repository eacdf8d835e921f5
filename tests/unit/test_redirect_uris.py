"""Redirect URIs are registered in one strict form, and a request's is compared as text (RFC 9700, RFC 8252)."""

from urllib.parse import urlsplit

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from dss.clients.redirect_uris import LONGEST, matches, require_registrable
from dss.kernel.errors import Invalid

WEB = "https://shop.example/cb"
ADDRESSES = ("http://127.0.0.1", "http://[::1]")
LOOPBACK = tuple(f"{address}{rest}" for address in ADDRESSES for rest in ("/cb", ":8000/cb", "", "/cb?a=1", "?a=1"))
REGISTERED = st.sampled_from((WEB, "https://shop.example:8443/cb?a=1", "http://localhost:8000/cb", "app.example:/cb"))
PATHS = ("/", "//", "/cb", "/..", "/%2e%2e", "\\", "%2f", "%00", "#", "?", "?a=1", "&a=1", " ", "\t", "\n")
HOSTS = ("@", "@evil.example", ".", ".evil.example", "127.0.0.1", "[::1]", "localhost", "shop.example", "SHOP.EXAMPLE")
PORTS = (":", ":0", ":1", ":080", ":65535", ":65536", ":٣", "https://", "http://", "HTTP://", "。")
PIECES = st.sampled_from((*PATHS, *HOSTS, *PORTS))


@pytest.mark.parametrize(
    "uri",
    [
        WEB,
        "https://shop.example",
        "https://shop.example/",
        "https://shop.example:8443/a/b?from=dss&x=%20",
        "https://10.0.0.1/cb",
        "https://xn--80ak6aa92e.example/cb",
        "https://shop.example/a@b/...",
        "http://localhost:3000/cb",
        *LOOPBACK,
    ],
)
def test_https_and_http_of_the_same_machine_may_be_registered(uri: str) -> None:
    require_registrable(uri)
    require_registrable(uri, public=True)


@pytest.mark.parametrize("uri", ["com.example.app:/done", "com.example.app:/", "org.acme-2.x1:/a/b?c=d"])
def test_a_private_use_scheme_is_for_public_clients(uri: str) -> None:
    """RFC 8252 section 7.1; any app may claim it, so nothing behind it keeps a secret."""
    require_registrable(uri, public=True)
    with pytest.raises(Invalid):
        require_registrable(uri)


@pytest.mark.parametrize(
    "uri",
    [
        "",
        "/cb",
        "//shop.example/cb",
        "shop.example/cb",
        "https:",
        "https:///cb",
        "https:/shop.example/cb",
        "http://shop.example/cb",
        "http://127.0.0.2/cb",
        "http://127.1/cb",
        "http://2130706433/cb",
        "http://localhost.evil.example/cb",
        "http://127.0.0.1.evil.example/cb",
        "ftp://shop.example/cb",
        "javascript:alert(1)",
        "data:text/html,x",
        "myapp:/cb",
        "app.example:",
        "app.example:?a=1",
        "app.example:cb",
        "app.example://cb",
        "app.example:///cb",
        "https://shop.example/cb#",
        "https://shop.example/cb#a",
        "https://a@shop.example/cb",
        "https://a:b@shop.example/cb",
        "https://*.shop.example/cb",
        "https://shop.example/*",
        "https://shop.example./cb",
        "https://Shop.example/cb",
        "HTTPS://shop.example/cb",
        "https://-shop.example/cb",
        "https://shop..example/cb",
        "https://shop.example\\cb",
        "https://shop.example/a b",
        "https://shop.example/cb\n",
        "https://shop.example/%zz",
        "https://shop.example/é",
        "https://шоп.example/cb",
        "https://shop.example:0/cb",
        "https://shop.example:65536/cb",
        "https://shop.example:/cb",
        "https://shop.example/a/../b",
        "https://shop.example/./b",
        "https://shop.example/a/%2e%2E/b",
        "https://shop.example/a%2f..%2fb",
        "https://shop.example/a%5c..",
        "https://shop.example/cb?code=1",
        "https://shop.example/cb?a=1&st%61te=2",
        "https://shop.example/cb?iss",
        "https://shop.example/" + "a" * LONGEST,
    ],
)
def test_no_other_form_may_be_registered(uri: str) -> None:
    """RFC 6749 section 3.1.2, RFC 9700 section 2.1: what parsers could read in two ways is not taken."""
    for public in (False, True):
        with pytest.raises(Invalid):
            require_registrable(uri, public=public)


def test_the_longest_one_is_taken() -> None:
    require_registrable("https://shop.example/".ljust(LONGEST, "a"))


@given(st.text())
@example("\ud800")
def test_no_text_fails_in_another_way_or_is_taken_with_an_odd_character(text: str) -> None:
    for uri in (text, f"https://{text}", f"https://shop.example/{text}", f"app.example:/{text}"):
        try:
            require_registrable(uri, public=True)
        except Invalid:
            continue
        assert uri.isascii()
        assert not set(uri) & set(' #*\\"<>^`{|}\x7f') | {one for one in uri if one < "!"}
        assert urlsplit(uri).username is None


@pytest.mark.parametrize(
    "asked",
    [
        "",
        "https://shop.example/cb/",
        "https://shop.example/cb?",
        "https://shop.example/cb?a=1",
        "https://shop.example/cb#",
        "https://shop.example/cb/../evil",
        "https://shop.example/./cb",
        "https://shop.example/%63b",
        "https://shop.example/CB",
        "https://SHOP.example/cb",
        "HTTPS://shop.example/cb",
        "https://shop.example./cb",
        "https://shop.example:443/cb",
        "https://shop.example:8443/cb",
        "http://shop.example/cb",
        "https://evil@shop.example/cb",
        "https://shop.example@evil.example/cb",
        "https://shop.example:x@evil.example/cb",
        "https://shop.example.evil.example/cb",
        "https://evil.example/cb",
        "https://evil.example\\@shop.example/cb",
        "https:\\\\shop.example\\cb",
        "https:/shop.example/cb",
        "//shop.example/cb",
        " https://shop.example/cb",
        "https://shop.example/cb\n",
        "https://shop.example/cb\x00",
        "https://shop.example/c\tb",
        "https://shop。example/cb",
        "https%3A%2F%2Fshop.example%2Fcb",
        "https://shop.example/cb https://evil.example/cb",
    ],
)
def test_no_trick_makes_another_uri_a_registered_one(asked: str) -> None:
    """RFC 9700 section 4.1.3: exact matching of text; open redirects begin with anything else."""
    assert not matches((WEB, "https://shop.example/other"), asked)


@pytest.mark.parametrize("registered", [one for one in LOOPBACK if one.endswith("/cb")])
def test_a_native_app_listens_on_any_port_of_a_loopback_address(registered: str) -> None:
    """RFC 8252 section 7.3."""
    address = next(one for one in ADDRESSES if registered.startswith(one))
    for port in ("", ":1", ":8000", ":51004", ":65535"):
        assert matches((registered,), f"{address}{port}/cb")
    for port in (":", ":0", ":65536", ":99999999", ":08000", ":+1", ":-1", ":٣", ":1:2", ":1@evil.example", ":8000."):
        assert not matches((registered,), f"{address}{port}/cb")
    for rest in ("", "/", "/cb/", "/cb?", "/cb?a=1", "/cb#", "/cb\n", "/x/../cb"):
        assert not matches((registered,), f"{address}:51004{rest}")


def test_the_name_localhost_and_the_other_address_are_not_the_same_machine_on_any_port() -> None:
    """RFC 8252 section 8.3: a name may lead elsewhere."""
    assert matches(("http://localhost:8000/cb",), "http://localhost:8000/cb")
    for asked in ("http://localhost:8001/cb", "http://127.0.0.1:8000/cb", "http://localhost/cb"):
        assert not matches(("http://localhost:8000/cb",), asked)
    assert not matches(("http://127.0.0.1/cb",), "http://[::1]/cb")
    assert not matches(("http://127.0.0.1/cb",), "http://127.0.0.1.evil.example/cb")


def test_without_registered_ones_nothing_matches() -> None:
    assert not matches((), "")


@given(st.lists(REGISTERED | st.sampled_from(LOOPBACK), min_size=1), st.lists(PIECES | st.text(max_size=3)), st.data())
def test_only_a_registered_text_or_another_port_of_a_loopback_address_matches(
    registered: list[str], pieces: list[str], data: st.DataObject
) -> None:
    base = data.draw(st.sampled_from(registered))
    place = data.draw(st.integers(0, len(base)))
    cut = data.draw(st.integers(place, len(base)))
    asked = base[:place] + "".join(pieces) + base[cut:]

    others = {with_port(one, port_of(asked)) for one in registered if one.startswith(ADDRESSES)}
    assert matches(registered, asked) == (asked in registered or asked in others)


@given(st.sampled_from(LOOPBACK), st.integers(1, 65535) | st.none())
def test_every_port_of_a_loopback_address_matches(registered: str, port: int | None) -> None:
    assert matches((registered,), with_port(registered, port))


def with_port(uri: str, port: int | None) -> str:
    """The URI of a loopback address with another port, or without one."""
    address = next(one for one in ADDRESSES if uri.startswith(one))
    rest = uri.removeprefix(address).removeprefix(":8000")
    return f"{address}{'' if port is None else f':{port}'}{rest}"


def port_of(uri: str) -> int | None:
    """The port of a URI by the standard library, None where it sees none that is possible."""
    try:
        return urlsplit(uri).port or None
    except ValueError:
        return None
