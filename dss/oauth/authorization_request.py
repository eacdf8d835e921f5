"""The parameters of an authorization request: read strictly, and nothing else is done with them.

Source: RFC 6749 sections 3.1 and 4.1.1 with appendix A, RFC 7636 section 4.3, RFC 9449 section 10, RFC 9396 section 2,
OpenID Connect Core 1.0 section 3.1.2.1 (prompt, max_age, ui_locales, login_hint); docs/authorization.md section 4.
"""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from urllib.parse import parse_qsl, urlencode

from dss.clients.model import SIGNERS, Client
from dss.clients.profile import GrantType
from dss.clients.redirect_uris import matches
from dss.kernel.ids import LENGTH, ClientId, is_id
from dss.oauth import pkce, rar
from dss.oauth.authorization_errors import (
    InvalidAuthorizationDetails,
    PageFault,
    RequestNotSupported,
    UnsupportedResponseType,
)
from dss.oauth.errors import InvalidRequest, InvalidScope, UnauthorizedClient
from dss.oauth.rar import Detail
from dss.oauth.scopes import granted
from dss.transactions.model import Limits

STATE = re.compile(r"[\x20-\x7e]*")
THUMBPRINT = re.compile("[A-Za-z0-9_-]{43}")
SECONDS = re.compile("[0-9]{1,9}")
LONGEST_QUERY = 8 * 1024
MOST_FIELDS = 100

# When the person was first asked, as `asked_at` writes it: what pages carry where a sign-in must be younger than that.
ASKED_AT = "asked_at"

# What is read, and how many characters each may have. What is not named here means nothing (RFC 6749 section 3.1).
LONGEST = {
    "client_id": LENGTH,
    "redirect_uri": 2000,
    "response_type": 64,
    "response_mode": 64,
    "scope": 1000,
    "state": 2000,
    "code_challenge": 128,
    "code_challenge_method": 16,
    "authorization_details": rar.LONGEST,
    "login_hint": 254,
    "prompt": 64,
    "max_age": 9,
    "ui_locales": 254,
    "dpop_jkt": 43,
    "request": rar.LONGEST,
    "request_uri": 500,
    ASKED_AT: 55,
}
# Those that decide where an answer goes: of two values nobody knows the right one.
DECIDING = frozenset({"client_id", "redirect_uri", "request_uri"})
JSON = frozenset({"authorization_details"})

SERVICE, CREDENTIAL = SIGNERS


class Prompt(StrEnum):
    """What the client wishes the person to be asked, or not to be."""

    LOGIN = "login"
    CONSENT = "consent"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Query:
    """The parameters that were given, by name; repeated: the names of those that stand twice."""

    values: Mapping[str, str]
    repeated: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class AuthorizationRequest:
    """What a client asks a signer for.

    scope:          `service` or `credential`; detail: of the latter, what is to be signed.
    code_challenge: by S256. state: the client's own, or empty. dpop_jkt: the key that the code is bound to, or empty.
    max_age:        how old the sign-in may be; zero for `prompt=login`, None for as old as any.
    ui_locales:     languages that the person prefers, the dearest first.
    """

    client_id: ClientId
    redirect_uri: str
    scope: str
    code_challenge: str
    state: str = ""
    detail: Detail | None = None
    dpop_jkt: str = ""
    login_hint: str = ""
    prompt: frozenset[Prompt] = field(default_factory=frozenset)
    max_age: timedelta | None = None
    ui_locales: tuple[str, ...] = ()

    @property
    def scopes(self) -> tuple[str, ...]:
        """The scope, as grants keep them."""
        return (self.scope,)


def read_query(query: bytes) -> Query:
    """Read a query (application/x-www-form-urlencoded, UTF-8). Raises PageFault for what cannot be read.

    A parameter without a value counts as absent (RFC 6749 section 3.1).
    """
    if len(query) > LONGEST_QUERY:
        raise PageFault(f"a request that is not pushed has at most {LONGEST_QUERY} bytes")
    try:
        pairs = parse_qsl(query.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=MOST_FIELDS)
    except ValueError as fault:
        raise PageFault(f"the query is not percent-encoded UTF-8 of at most {MOST_FIELDS} parameters") from fault
    names = [name for name, _ in pairs]
    repeated = frozenset(name for name in names if names.count(name) > 1)
    if repeated & DECIDING:
        raise PageFault("client_id, redirect_uri or request_uri stands twice")
    return Query({name: value for name, value in pairs if value and name not in repeated}, repeated)


def known(values: Mapping[str, str]) -> dict[str, str]:
    """Return the parameters that mean something here."""
    return {name: value for name, value in values.items() if name in LONGEST}


def written(values: Mapping[str, str]) -> str:
    """Return parameters as a query."""
    return urlencode(sorted(values.items()))


def client_id_of(values: Mapping[str, str]) -> ClientId:
    """Return the id of the client. Raises PageFault: what is no id is never asked of the database."""
    named = values.get("client_id", "")
    if not is_id(named):
        raise PageFault
    return ClientId(named)


def redirect_uri_of(values: Mapping[str, str], client: Client) -> str:
    """Return where the answers go. Raises InvalidRequest unless it is named, and a registered one of the client's."""
    uri = values.get("redirect_uri", "")
    if not uri or not matches(client.profile.redirect_uris, uri) or len(uri) > LONGEST["redirect_uri"]:
        raise InvalidRequest("redirect_uri is missing, or none that the client has registered")
    return uri


def state_of(values: Mapping[str, str]) -> str:
    """Return the state as it came, or nothing where it has no right form: it is not given back then."""
    state = values.get("state", "")
    return state if STATE.fullmatch(state) and len(state) <= LONGEST["state"] else ""


def require_code_client(client: Client) -> None:
    """Raise UnauthorizedClient unless a client is registered for codes."""
    if GrantType.AUTHORIZATION_CODE not in client.profile.grants:
        raise UnauthorizedClient("the client is not registered for authorization codes")


def read(query: Query, client: Client, limits: Limits) -> AuthorizationRequest:
    """Read the request of a client.

    limits: of what is signed at once.
    Raises InvalidRequest, UnauthorizedClient, UnsupportedResponseType, InvalidScope, InvalidAuthorizationDetails,
    RequestNotSupported.
    """
    values = known(query.values)
    require_code_client(client)
    _require_form(values, query.repeated)
    scope, prompt, max_age = _scope(values, client), _prompt(values), _max_age(values)
    return AuthorizationRequest(
        client_id=client.id,
        redirect_uri=redirect_uri_of(values, client),
        scope=scope,
        code_challenge=_challenge(values),
        state=values.get("state", ""),
        detail=_detail(values, scope, limits),
        dpop_jkt=_thumbprint(values),
        login_hint=values.get("login_hint", ""),
        prompt=prompt,
        max_age=timedelta(0) if Prompt.LOGIN in prompt else max_age,
        ui_locales=tuple(values.get("ui_locales", "").split()),
    )


def _require_form(values: Mapping[str, str], repeated: frozenset[str]) -> None:
    if repeated:
        raise InvalidRequest("a parameter stands twice")
    for name, value in values.items():
        _require_text(name, value)
    if "request" in values:
        raise RequestNotSupported("request objects are not supported: push the request")
    if "response_type" not in values:
        raise InvalidRequest("response_type is missing")
    if values["response_type"] != "code":
        raise UnsupportedResponseType("the one response_type is code")
    if values.get("response_mode", "query") != "query":
        raise InvalidRequest("the one response_mode is query")


def _require_text(name: str, value: str) -> None:
    if len(value) > LONGEST[name]:
        raise InvalidRequest(f"{name} has at most {LONGEST[name]} characters")
    if name not in JSON and any(unicodedata.category(character) in {"Cc", "Cs"} for character in value):
        raise InvalidRequest(f"{name} has a control character")
    if name == "state" and not STATE.fullmatch(value):
        raise InvalidRequest("state has other characters than printable ASCII ones")


def _challenge(values: Mapping[str, str]) -> str:
    """Return the challenge: always, and by S256 (RFC 9700 section 2.1.1)."""
    if values.get("code_challenge_method") != pkce.METHOD:
        raise InvalidRequest(f"code_challenge_method must be {pkce.METHOD}")
    challenge = values.get("code_challenge", "")
    if not pkce.CHALLENGE.fullmatch(challenge):
        raise InvalidRequest("code_challenge must be a SHA-256 in base64url, 43 characters")
    return challenge


def _scope(values: Mapping[str, str], client: Client) -> str:
    if "scope" not in values:
        raise InvalidScope(f"scope is missing: it is {SERVICE} or {CREDENTIAL}")
    scopes = granted(values["scope"], set(SIGNERS) & set(client.scopes))
    if len(scopes) != 1:
        raise InvalidScope(f"scope is one of {SERVICE} and {CREDENTIAL}, not both")
    return scopes[0]


def _detail(values: Mapping[str, str], scope: str, limits: Limits) -> Detail | None:
    text = values.get("authorization_details")
    if (text is None) is (scope == CREDENTIAL):
        told = "needs" if scope == CREDENTIAL else "takes no"
        raise InvalidAuthorizationDetails(f"scope {scope} {told} authorization_details")
    return None if text is None else rar.read(text, limits)


def _thumbprint(values: Mapping[str, str]) -> str:
    jkt = values.get("dpop_jkt", "")
    if jkt and not THUMBPRINT.fullmatch(jkt):
        raise InvalidRequest("dpop_jkt is a SHA-256 in base64url, 43 characters")
    return jkt


def _prompt(values: Mapping[str, str]) -> frozenset[Prompt]:
    words = frozenset(values.get("prompt", "").split(" ")) - {""}
    if not words <= set(Prompt) or (Prompt.NONE in words and len(words) > 1):
        raise InvalidRequest("prompt is none alone, or of login and consent one or both")
    return frozenset(Prompt(word) for word in words)


def _max_age(values: Mapping[str, str]) -> timedelta | None:
    text = values.get("max_age")
    if text is None:
        return None
    if not SECONDS.fullmatch(text):
        raise InvalidRequest("max_age is a number of seconds")
    return timedelta(seconds=int(text))
