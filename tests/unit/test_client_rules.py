"""What may be registered of an application together: how it proves itself, and what it may ask for."""

import hashlib
from contextlib import suppress
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dss.clients.change import Change, told
from dss.clients.model import OPERATORS, OWN, RELYING, SCOPES, SIGNERS, Client, require_acceptable
from dss.clients.profile import GrantType, Profile
from dss.kernel.errors import Invalid
from dss.kernel.ids import ClientId
from tests.unit.test_client_keys import curve_key
from tests.unit.test_client_logos import PICTURE
from tests.world.clock import START

CODE, REFRESH, OWN_GRANT = GrantType.AUTHORIZATION_CODE, GrantType.REFRESH_TOKEN, GrantType.CLIENT_CREDENTIALS
URI = "https://bank.example/cb"
OWN_ONLY = Client(ClientId("B" * 26), "Bank", RELYING, None, "$argon2id$", "", START)
WEB = replace(
    OWN_ONLY, scopes=(*RELYING, *SIGNERS), profile=Profile(redirect_uris=(URI,), grants=(OWN_GRANT, CODE, REFRESH))
)
APP = replace(
    OWN_ONLY, scopes=SIGNERS, secret_hash=None, profile=Profile((URI, "example.bank:/cb"), (CODE, REFRESH), public=True)
)


def with_profile(client: Client, **more: Any) -> Client:
    """The client with another profile."""
    return replace(client, profile=replace(client.profile, **more))


def test_the_scopes_are_of_two_kinds() -> None:
    """docs/authorization.md section 3."""
    assert set(SCOPES) == {*RELYING, OPERATORS, *SIGNERS}
    assert not set(OWN) & set(SIGNERS)


@pytest.mark.parametrize(
    "client",
    [
        OWN_ONLY,
        WEB,
        APP,
        replace(OWN_ONLY, scopes=(OPERATORS,)),
        with_profile(replace(OWN_ONLY, scopes=("service",)), grants=(GrantType.PASSWORD,)),
        with_profile(APP, par=True, dpop=True, grants=(CODE,)),
        with_profile(
            WEB, introspects=True, grants=tuple(GrantType), redirect_uris=tuple(URI + str(n) for n in range(10))
        ),
        replace(with_profile(WEB, certificates=("0" * 64, "a" * 64)), secret_hash=None),
        replace(with_profile(WEB, tls_subject="CN=bank.example,O=Bank\\, Ltd,C=EE"), secret_hash=None),
        replace(WEB, secret_hash=None, jwks={"keys": [curve_key()]}, logo=PICTURE),
    ],
)
def test_what_goes_together_is_taken(client: Client) -> None:
    require_acceptable(client)


@pytest.mark.parametrize(
    ("client", "why"),
    [
        (replace(WEB, secret_hash=None), "needs public keys, a secret or a certificate"),
        (replace(APP, secret_hash="$argon2id$"), "a public client has no"),
        (replace(APP, jwks={"keys": [curve_key()]}), "a public client has no"),
        (with_profile(APP, certificates=("0" * 64,)), "a public client has no"),
        (with_profile(APP, tls_subject="CN=bank"), "a public client has no"),
        (with_profile(APP, introspects=True), "does not introspect"),
        (with_profile(APP, grants=(CODE, OWN_GRANT)), "codes and refresh tokens only"),
        (with_profile(APP, grants=(CODE, GrantType.TOKEN_EXCHANGE)), "codes and refresh tokens only"),
        (with_profile(APP, grants=(CODE, GrantType.PASSWORD)), "codes and refresh tokens only"),
        (with_profile(WEB, redirect_uris=("example.bank:/cb",)), "a redirect URI is"),
        (with_profile(WEB, redirect_uris=()), "needs a redirect URI"),
        (with_profile(WEB, redirect_uris=(URI, URI)), "each once"),
        (with_profile(WEB, redirect_uris=tuple(URI + str(n) for n in range(11))), "at most 10"),
        (with_profile(WEB, redirect_uris=("http://bank.example/cb",)), "a redirect URI is"),
        (with_profile(WEB, grants=()), "the grants are"),
        (with_profile(WEB, grants=(OWN_GRANT, CODE, CODE)), "the grants are"),
        (with_profile(OWN_ONLY, grants=(OWN_GRANT, REFRESH)), "refresh_token needs authorization_code"),
        (with_profile(WEB, grants=(CODE,)), "need the grant client_credentials"),
        (replace(APP, scopes=(OPERATORS, *SIGNERS)), "need the grant client_credentials"),
        (replace(OWN_ONLY, scopes=("signatures", "service")), "needs the grant authorization_code"),
        (replace(OWN_ONLY, scopes=("signatures", "credential")), "needs the grant authorization_code"),
        (with_profile(replace(OWN_ONLY, scopes=("credential",)), grants=(GrantType.PASSWORD,)), "needs the grant"),
        (with_profile(WEB, certificates=("A" * 64,)), "64 lower-case"),
        (with_profile(WEB, certificates=("a" * 63,)), "64 lower-case"),
        (with_profile(WEB, certificates=("a" * 64 + "\n",)), "64 lower-case"),
        (with_profile(WEB, certificates=("a" * 64, "a" * 64)), "each once"),
        (with_profile(WEB, certificates=("a" * 64, "b" * 64, "c" * 64)), "at most 2"),
        (with_profile(WEB, tls_subject="bank.example"), "RFC 4514"),
        (with_profile(WEB, tls_subject="CN=" + "b" * 400), "limit is 400"),
        (with_profile(WEB, tls_subject="CN=#zz"), "RFC 4514"),
        (replace(WEB, logo=b"GIF89a"), "not a PNG"),
        (replace(WEB, logo=b""), "whole|not a PNG"),
    ],
)
def test_what_does_not_go_together_is_refused(client: Client, why: str) -> None:
    """RFC 6749 section 2.1, RFC 9700 sections 2.1 and 2.2, RFC 7591 section 2."""
    with pytest.raises(Invalid, match=why):
        require_acceptable(client)


@given(st.text(alphabet='CNO=,+\\"#;<> 0a1.2.840é\ud800\x00', max_size=20))
def test_no_subject_fails_in_another_way(text: str) -> None:
    for subject in (text, f"CN={text}"):
        with suppress(Invalid):
            require_acceptable(with_profile(WEB, tls_subject=subject))


@given(
    st.builds(
        Profile,
        st.lists(st.text(), max_size=3).map(tuple),
        st.lists(st.sampled_from(GrantType)).map(tuple),
        st.booleans(),
        st.booleans(),
        st.booleans(),
        st.booleans(),
        st.lists(st.text(), max_size=3).map(tuple),
        st.text(),
        st.booleans(),
    )
)
def test_a_profile_is_read_as_it_was_stored(profile: Profile) -> None:
    assert Profile.of_member(profile.member()) == profile


def test_a_client_of_a_version_without_profiles_uses_its_own_credentials_only() -> None:
    assert Profile.of_member(None) == Profile()
    assert Profile().grants == (OWN_GRANT,)


def test_a_change_sets_what_it_names_and_nothing_else() -> None:
    changed = Change(contact="it@bank.example", par=True, logo=PICTURE).over(WEB)
    assert changed == replace(with_profile(WEB, par=True), contact="it@bank.example", logo=PICTURE)
    assert Change(par=False, logo=b"", contact="").over(changed) == WEB
    assert Change().over(changed) == changed
    assert (Change().is_empty, Change(par=False).is_empty) == (True, False)


def test_the_log_is_told_what_differs_and_a_logo_by_its_digest() -> None:
    new = replace(with_profile(WEB, dpop=True), logo=PICTURE)
    digest = hashlib.sha256(PICTURE).hexdigest()
    assert told(WEB, new) == {"old": '{"dpop":false,"logo":""}', "new": f'{{"dpop":true,"logo":"{digest}"}}'}
