"""The phone: enrol, list, show, answer, change, share. The command line and the tests of the whole system drive it.

Source: docs/device-protocol.md.
"""

from collections.abc import Collection

from mobile_mock import fetching, history, jose, opening, pins, showing
from mobile_mock.decider import Decider
from mobile_mock.enrolling import Wish, enrol
from mobile_mock.enrolment import Receipt
from mobile_mock.errors import StoreFault
from mobile_mock.fetching import Keep
from mobile_mock.invitation import read_invitation
from mobile_mock.link import TRANSACTIONS
from mobile_mock.misbehave import HONEST, Misbehaviour
from mobile_mock.offline import Unconnected
from mobile_mock.owned import WaitingPhone
from mobile_mock.request import Expected, read_request
from mobile_mock.scanning import Scanner
from mobile_mock.server import Server
from mobile_mock.sharer import Sharer
from mobile_mock.showing import News, Notice, Shown


class Phone(Decider, Sharer, Scanner, Unconnected):
    """One phone: all its verbs."""

    async def enrol(
        self, qr_text: str, code: str, pin: str, name: str = "Key 1", *, biometric: bool = False
    ) -> Receipt:
        """Enrol this phone by the text of the QR and the activation code.

        biometric: keep the PIN proof, so that `confirm` may answer by the biometric without a PIN.
        """
        wish = Wish(read_invitation(qr_text), code, pin, name, biometric)
        pins.require_acceptable(pin)
        async with self._store.exclusive():
            if self._store.exists():
                raise StoreFault(f"a phone is enrolled in {self._store.folder} already; choose another store")
            server = Server(self._http, wish.invitation.server, None, self._now)
            kept, receipt = await enrol(server, wish, self._now)
            self._store.save(kept)
        return receipt

    # --- look ---

    async def news(self, known: Collection[str] = (), wait: int = 0) -> News:
        """Return the transactions that await an answer, those whose ids are not among the known, and new phones.

        known: at most MOST_KNOWN of them. wait: seconds to wait for one, 0 to 60.
        """
        query: dict[str, str | int] = {"wait": wait} | ({"known": ",".join(known)} if known else {})
        return showing.read_news(await self._link.server.get(TRANSACTIONS, query, wait))

    async def waiting(self, known: Collection[str] = (), wait: int = 0) -> list[Notice]:
        """Return the transactions of `news`."""
        return (await self.news(known, wait)).transactions

    async def waiting_phones(self) -> list[WaitingPhone]:
        """Return the new phones of the owner that are not active yet."""
        return (await self.news()).phones

    async def show(self, id: str, keep: Keep | None = None, misbehave: Misbehaviour | None = None) -> Shown:
        """Fetch a request and its documents, and check all that the protocol asks; Difference if one fails.

        keep: is handed each original that passed its checks.
        """
        wrong = misbehave or HONEST
        kept, named = self._store.load(), not wrong.unnamed
        state, text = await self._link.fetch(id)
        payload = await self._link.trusted(jose.read_jws(text, "dss-confirmation-request+jws"))
        expected = Expected(kept.server, id, kept.owner.id, kept.device if named else None)
        request = read_request(payload, expected, self._now())
        if named:
            opening.check_asked(request, kept.opened.get(id))
        if not wrong.unseen:
            request = await fetching.inspect(self._link.server, request, keep)
        return Shown(request, state, fetched=not wrong.unseen)

    async def state(self, id: str, wait: int = 0) -> str:
        """Return a transaction's state; with `wait`, seconds to wait for it to end, 0 to 60."""
        state, _ = await self._link.fetch(id, wait)
        async with self._store.exclusive():
            self._delivery.note_end(id, state)
        return state

    # --- what was ---

    async def history(self, limit: int = history.PAGE, after: str | None = None) -> history.Page:
        """Return what has ended of the owner's, newest first; after: the transaction behind which it goes on."""
        return await history.page(self._link.server, limit, after)

    async def evidence(self, id: str, checkpoint: int | None = None, index: int | None = None) -> bytes:
        """Return the record of a transaction, once it is sealed; checkpoint: the size of one that the owner kept."""
        return await history.evidence(self._link.server, id, self._sleep, checkpoint=checkpoint, index=index)
