"""The phone as a second factor: a request that the signer confirms there, for one session."""

from dataclasses import dataclass
from datetime import datetime

from dss.clients.model import Client
from dss.kernel.ids import TransactionId
from dss.kernel.policy import Mode
from dss.login.model import Session, Where
from dss.transactions.logins import Logins, OpenLogin
from dss.transactions.machine import State
from dss.transactions.model import Transaction


@dataclass(frozen=True, slots=True)
class PhoneStanding:
    """How far a request to the phone is.

    mode:   how the person makes sure that it is theirs. number: what the page shows for it, empty where nothing is.
    """

    id: TransactionId
    state: State
    mode: Mode
    number: str
    expires_at: datetime

    @classmethod
    def of(cls, transaction: Transaction) -> "PhoneStanding":
        """Return how far a request is."""
        return cls(transaction.id, transaction.state, transaction.mode, transaction.number, transaction.expires_at)


class PhoneFactor:
    """Asks the phone of who signs in."""

    def __init__(self, logins: Logins) -> None:
        self._logins = logins

    async def is_there(self, session: Session) -> bool:
        """Tell whether the signer has a phone that can answer now."""
        return await self._logins.can_confirm(session.user_id)

    async def ask(self, session: Session, client: Client | None, where: Where) -> PhoneStanding:
        """Ask; what was asked for the session before is given up. client: who wants the person signed in, if not we.

        Raises Conflict without a phone that can answer now, TooMany, and Forbidden where the person stopped the client.
        """
        client_id = None if client is None else client.id
        wish = OpenLogin(session.user_id, client_id, session.id, where.address, where.agent)
        return PhoneStanding.of(await self._logins.open(wish))

    async def standing(self, session: Session, id: TransactionId, wait_s: float = 0) -> PhoneStanding:
        """Return how far a request is; with a wait, once it has ended or the wait is over.

        Raises NotFound, also for another's.
        """
        return PhoneStanding.of(await self._logins.standing(id, session.user_id, wait_s))

    async def proven(self, session: Session, id: TransactionId) -> bool:
        """Tell whether the signer confirmed this session. It completes no other, and this one once.

        Raises Tampered, HsmUnavailable.
        """
        return await self._logins.proven(id, session.user_id, session.id)

    async def give_up(self, session: Session) -> None:
        """End what waits on the phone for a session that ends, or that another factor completes."""
        await self._logins.give_up(session.user_id, session.id)
