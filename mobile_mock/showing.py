"""What a phone finds when it looks, and what it shows once it was checked.

Source: docs/device-protocol.md sections 3 and 4.
"""

from dataclasses import dataclass
from datetime import datetime

from mobile_mock.errors import Difference
from mobile_mock.members import ID, Members
from mobile_mock.owned import WaitingPhone, read_waiting
from mobile_mock.request import Request

MOST_NOTICES = 10_000
MOST_KNOWN = 100
MOST_PHONES = 100
KIND_LIMIT = 32


@dataclass(frozen=True, slots=True)
class Notice:
    """One transaction that awaits an answer."""

    id: str
    kind: str
    expires: datetime


@dataclass(frozen=True, slots=True)
class News:
    """What the server tells a phone that looks: transactions that await an answer, and new phones that wait.

    gone: those of the known transactions that await no answer any more.
    """

    transactions: list[Notice]
    phones: list[WaitingPhone]
    gone: list[str]


@dataclass(frozen=True, slots=True)
class Shown:
    """A transaction whose request and documents passed every check of the protocol.

    state:   as the server said with the request.
    fetched: whether the documents were fetched; those of a batch stand in the request only then.
    """

    request: Request
    state: str
    fetched: bool = True

    @property
    def id(self) -> str:
        """The transaction."""
        return self.request.transaction


def read_news(answer: object) -> News:
    """Read the list of what waits. Raises Difference."""
    listed = Members(answer, "the list", ("transactions",), ("gone", "waiting_phones"))
    items = [Members(item, "a notice", ("id", "kind", "expires")) for item in listed.list("transactions", MOST_NOTICES)]
    notices = [Notice(item.id("id"), item.shown("kind", KIND_LIMIT), item.time("expires")) for item in items]
    phones = listed.list("waiting_phones", MOST_PHONES) if "waiting_phones" in listed.value else []
    return News(notices, read_waiting(phones), _gone(listed) if "gone" in listed.value else [])


def _gone(listed: Members) -> list[str]:
    gone = listed.list("gone", MOST_KNOWN)
    if not all(isinstance(id, str) and ID.fullmatch(id) for id in gone):
        raise Difference("the list of what is gone holds something else than ids")
    return gone
