"""Choices of the operator that are values of a capability, each read from its variables."""

from starlette.config import Config

from dss.infra.config import seconds, whole, word
from dss.kernel.errors import Invalid
from dss.kernel.policy import Bounds, Mode, modes_of, read_modes
from dss.notify.model import LOCALES, Reader
from dss.transactions.asking import USUAL, AskLimits
from dss.transactions.parts import WAITING
from dss.users.model import is_mailbox

CEILING = Bounds(signatures=100, minutes=60)


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
