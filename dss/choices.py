"""Choices of the operator that are values of a capability, each read from its variables."""

import re
from ipaddress import ip_network
from pathlib import Path

from starlette.config import Config

from dss.infra.config import seconds, whole, word
from dss.infra.proxies import Proxies
from dss.kernel.errors import Invalid
from dss.kernel.policy import Bounds, Mode, modes_of, read_modes
from dss.login.model import SECOND, Factor
from dss.login.model import Limits as LoginLimits
from dss.notify.model import LOCALES, Reader
from dss.oauth.issuer import Lifetimes
from dss.transactions.asking import USUAL, AskLimits
from dss.transactions.parts import WAITING
from dss.users.model import is_mailbox

CEILING = Bounds(signatures=100, minutes=60)
HEADER = re.compile("[A-Za-z0-9-]{1,64}")


def verification(read: Config) -> dict[str, Mode]:
    """Read how people make sure that a request is theirs, by the kind of transaction."""
    words: str = read("VERIFICATION", default="")
    try:
        return modes_of(read_modes(words.split()).items())
    except Invalid as fault:
        raise Invalid(f"DSS_VERIFICATION: {fault.detail}") from fault


def session_ceiling(read: Config) -> Bounds:
    """Read what no session exceeds."""
    signatures = whole(read, "SESSION_SIGNATURES", CEILING.signatures, 10_000)
    return Bounds(signatures, whole(read, "SESSION_MINUTES", CEILING.minutes, 480))


def asking(read: Config) -> AskLimits:
    """Read how often one application may ask one person."""
    return AskLimits(
        most=whole(read, "ASK_MOST", USUAL.most, 10_000),
        within=seconds(read, "ASK_WITHIN_S", 600, most=24 * 3600),
        waiting=whole(read, "ASK_WAITING", USUAL.waiting, WAITING),
        unanswered=whole(read, "ASK_UNANSWERED", USUAL.unanswered, 100),
        pause=seconds(read, "ASK_PAUSE_S", 30, most=24 * 3600),
        longest_pause=seconds(read, "ASK_LONGEST_PAUSE_S", 3600, most=24 * 3600),
        on_collision=word(read, "ON_COLLISION", USUAL.on_collision),
    )


def operators(read: Config) -> Reader | None:
    """Read where letters to the operators go, and in which language."""
    mail, locale = read("OPERATORS_MAIL", default=""), read("OPERATORS_LOCALE", default="en")
    if locale not in LOCALES:
        raise Invalid(f"DSS_OPERATORS_LOCALE is {locale}; it must be one of {', '.join(LOCALES)}")
    if mail and not is_mailbox(mail):
        raise Invalid("DSS_OPERATORS_MAIL is not an address of mail")
    return Reader(mail, locale, "") if mail else None


def lifetimes(read: Config) -> Lifetimes:
    """Read how long tokens are good for."""
    return Lifetimes(
        token=seconds(read, "TOKEN_LIFETIME_S", 600, least=60, most=3600),
        refresh=seconds(read, "REFRESH_LIFETIME_S", 30 * 24 * 3600, least=3600),
    )


def login(read: Config) -> LoginLimits:
    """Read how signers sign in."""
    words: str = read("SECOND_FACTORS", default=",".join(SECOND))
    named = [word.strip() for word in words.split(",")]
    if not named or len(set(named)) != len(named) or not set(named) <= set(SECOND):
        raise Invalid(f"DSS_SECOND_FACTORS is one or more of {', '.join(SECOND)}, each once, with commas between")
    return LoginLimits(
        second=tuple(Factor(name) for name in named),
        idle=seconds(read, "SESSION_IDLE_S", 1800, least=60, most=24 * 3600),
        lifetime=seconds(read, "SESSION_LIFETIME_S", 12 * 3600, least=300, most=7 * 24 * 3600),
    )


def proxies(read: Config) -> Proxies:
    """Read which proxies are believed, and in what."""
    words, header = read("TRUSTED_PROXIES", default=""), read("CLIENT_CERT_HEADER", default="")
    try:
        networks = tuple(ip_network(word.strip()) for word in words.split(",") if word.strip())
    except ValueError as fault:
        raise Invalid(f"DSS_TRUSTED_PROXIES: {fault}") from fault
    if header and not HEADER.fullmatch(header):
        raise Invalid("DSS_CLIENT_CERT_HEADER is the name of a header")
    return Proxies(networks, header, read("CLIENT_CAS", cast=Path, default=None))
