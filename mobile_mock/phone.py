"""The phone: enrol, list, show, answer, change, share. The command line and the tests of the whole system drive it.

Source: docs/device-protocol.md.
"""

import asyncio
from collections.abc import Awaitable, Callable, Collection
from datetime import UTC, datetime
from pathlib import Path
from typing import Unpack

import httpx

from mobile_mock import answering, history, jose, opening, owned, pins, showing, taking
from mobile_mock.answer import CONFIRM, DECLINE, Answer, Refusal
from mobile_mock.delivering import Delivery
from mobile_mock.enrolling import Wish, enrol
from mobile_mock.enrolment import Receipt
from mobile_mock.errors import BadInput, Difference, NothingToDo, StoreFault
from mobile_mock.invitation import read_invitation
from mobile_mock.kept import Kept
from mobile_mock.keystore import Keystore
from mobile_mock.link import TRANSACTIONS, Link
from mobile_mock.members import Members, require_id
from mobile_mock.misbehave import Misbehaviour
from mobile_mock.owned import OwnCredential, OwnPhone, WaitingPhone
from mobile_mock.request import Expected, read_request
from mobile_mock.server import Clock, Server
from mobile_mock.share_code import ShareCode, read_share_code
from mobile_mock.showing import Keep, News, Notice, Shown
from mobile_mock.vow import Intent, Typed, prove

HONEST = Misbehaviour()
SHARES = "/device/v1/shares"


def utc_now() -> datetime:
    """Return the time of this machine, aware, in UTC."""
    return datetime.now(UTC)


class Phone:
    """One phone, with its store in a folder.

    http:  how to reach the server; the phone sets its own timeouts.
    now:   the phone's clock, aware, in UTC. sleep: how it waits, in seconds.
    Every verb raises children of PhoneError only.
    """

    def __init__(
        self,
        folder: Path,
        http: httpx.AsyncClient,
        *,
        now: Clock = utc_now,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._store = Keystore(folder)
        self._http = http
        self._now = now
        self._sleep = sleep
        self._link = Link(self._store, http, now)
        self._delivery = Delivery(self._link)

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

    def kept(self) -> Kept:
        """Return all that the phone keeps, secrets among it."""
        return self._store.load()

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
        kept, named = self._store.load(), not (misbehave or HONEST).unnamed
        state, text = await self._link.fetch(id)
        payload = await self._link.trusted(jose.read_jws(text, "dss-confirmation-request+jws"))
        expected = Expected(kept.server, id, kept.owner.id, kept.device if named else None)
        request = read_request(payload, expected, self._now())
        if named:
            opening.check_asked(request, kept.opened.get(id))
        await showing.inspect(self._link.server, request, keep)
        return Shown(request, state)

    async def state(self, id: str, wait: int = 0) -> str:
        """Return a transaction's state; with `wait`, seconds to wait for it to end, 0 to 60."""
        state, _ = await self._link.fetch(id, wait)
        async with self._store.exclusive():
            self._delivery.note_end(id, state)
        return state

    # --- answer ---

    async def confirm(
        self,
        shown: Shown,
        pin: str | None = None,
        by: str = "pin",
        misbehave: Misbehaviour | None = None,
        **typed: Unpack[Typed],
    ) -> str:
        """Confirm what was shown, and return the transaction's state.

        by: `pin` (needs the PIN) or `biometric` (needs a phone enrolled with it).
        typed: `key_password`, `new_key_password` and `new_pin`, where the request asks for them.
        An answer whose reply was lost is sent again, byte for byte; only if that is refused, one is made anew.
        """
        intent = Intent(pin, by, misbehave or HONEST, typed)
        if intent.wrong.replays:
            return await self.replay(shown.id, intent.wrong.replay_of)
        await self._in_time(shown, intent.wrong)
        async with self._store.exclusive():
            if intent.wrong == HONEST and (state := await self._delivery.again(shown.id, CONFIRM)):
                return state
            return await self._delivery.deliver(await self._confirmation(shown, intent))

    async def decline(self, shown: Shown, reason: str = "") -> str:
        """Decline what was shown, and return the transaction's state."""
        refusal = Refusal(reason)
        await self._in_time(shown, HONEST)
        async with self._store.exclusive():
            if state := await self._delivery.again(shown.id, DECLINE):
                return state
            kept, answer = answering.decline(self._store.load(), shown.request, refusal, self._now())
            self._store.save(kept)
            return await self._delivery.deliver(answer)

    async def prepare(
        self,
        shown: Shown,
        pin: str | None = None,
        by: str = "pin",
        misbehave: Misbehaviour | None = None,
        **typed: Unpack[Typed],
    ) -> Answer:
        """Make and keep a confirmation without sending it: the first half of `confirm`, for testers of races."""
        async with self._store.exclusive():
            return await self._confirmation(shown, Intent(pin, by, misbehave or HONEST, typed))

    async def send(self, answer: Answer, transaction: str | None = None) -> str:
        """Send an answer as it is, to its own transaction or another, and return the state that the server tells."""
        return await self._delivery.send(answer, transaction)

    async def replay(self, id: str, of: str | None = None) -> str:
        """Send the kept answer to a transaction again, or to another that of `of`, and return the state."""
        sent = self._store.load().newest_answer(of or id)
        if sent is None:
            raise NothingToDo(f"no answer to {of or id} is kept")
        return await self.send(sent.answer, id)

    # --- what is the owner's ---

    async def phones(self) -> list[OwnPhone]:
        """Return the owner's phones, oldest first."""
        return await owned.phones(self._link.server)

    async def block(self, phone_id: str) -> str:
        """Stop a phone of the owner at once, without a PIN, and return its state."""
        return await self._link.told_state(f"{owned.PHONES}/{require_id(phone_id, 'phone')}/block")

    async def credentials(self) -> list[OwnCredential]:
        """Return the owner's credentials, oldest first."""
        return await owned.credentials(self._link.server)

    async def suspend(self, credential_id: str) -> str:
        """Block a key of the owner at once, without a PIN, and return its state."""
        return await self._link.told_state(f"{owned.CREDENTIALS}/{require_id(credential_id, 'credential')}/suspend")

    async def change(
        self, action: str, *, credential: str | None = None, phone: str | None = None, reason: str | None = None
    ) -> str:
        """Open a change, and return the id of its transaction: to be shown and confirmed like any other.

        action, and what goes with it: the table of section 6.
        """
        body = opening.change_body(action, {"credential": credential, "phone": phone, "reason": reason})
        return await self._open("/device/v1/changes", body, body)

    # --- what was ---

    async def history(self, limit: int = history.PAGE, after: str | None = None) -> history.Page:
        """Return what has ended of the owner's, newest first; after: the transaction behind which it goes on."""
        return await history.page(self._link.server, limit, after)

    async def evidence(self, id: str, checkpoint: int | None = None) -> bytes:
        """Return the record of a transaction, once it is sealed; checkpoint: the size of one that the owner kept."""
        return await history.evidence(self._link.server, id, checkpoint, self._sleep)

    # --- a second phone ---

    async def share_code(self) -> str:
        """Return the text of the QR by which this phone asks another one of the owner for its shares."""
        kept = self._store.load()
        keys = jose.thumbprint(kept.signature_key), jose.thumbprint(kept.encryption_key)
        return ShareCode(kept.server, kept.device, *keys).text()

    async def share(self, code_text: str) -> str:
        """Open the sharing with the phone whose QR was scanned, and return the id of its transaction.

        It is to be shown and confirmed like any other; `show` compares the new phone's keys with the QR.
        """
        code, kept = read_share_code(code_text), self._store.load()
        if code.server != kept.server or code.phone == kept.device:
            raise BadInput("the QR is of a phone at another server, or of this phone")
        return await self._open(SHARES, {"phone": code.phone}, {opening.CODE: code_text})

    async def take_shares(self) -> list[str]:
        """Take what other phones shared with this one, and return the ids of the credentials."""
        listed = Members(await self._link.server.get(SHARES), "the list", ("shares",))
        taken: set[str] = set()
        for item in listed.list("shares", owned.MOST):
            taken |= await self._take(taking.read_parcel(item))
        return sorted(taken)

    # --- how ---

    async def _take(self, parcel: taking.Parcel) -> set[str]:
        payload = await self._link.trusted(jose.read_jws(parcel.request, "dss-confirmation-request+jws"))
        async with self._store.exclusive():
            kept = self._store.load()
            shares = taking.open_parcel(parcel, payload, kept)
            for credential, k_act in shares.items():
                kept = kept.with_gift(credential, k_act)
            self._store.save(kept)
        state = await self._link.told_state(f"{SHARES}/{parcel.id}/taken")
        if state != "taken":
            raise Difference(f"the server says of a share that was taken: {state}")
        return set(shares)

    async def _open(self, path: str, body: dict[str, str], asked: dict[str, str]) -> str:
        opened = Members(await self._link.server.post(path, body), "the reply", ("id", "expires"))
        opened.time("expires")
        id = opened.id("id")
        async with self._store.exclusive():
            self._store.save(self._store.load().with_opened(id, asked))
        return id

    async def _in_time(self, shown: Shown, wrong: Misbehaviour) -> None:
        left = (shown.request.expires - self._now()).total_seconds()
        if wrong.late is not None:
            await self._sleep(max(left, 0) + wrong.late)
        elif left <= 0:
            raise Difference("the request has expired")

    async def _confirmation(self, shown: Shown, intent: Intent) -> Answer:
        await self._delivery.settle(shown.request)
        vow = await prove(self._store.load(), shown.request, intent)
        held = [one.id for one in await self.credentials() if one.held] if shown.request.share else []
        kept, answer = answering.confirm(self._store.load(), shown.request, vow, self._now(), held)
        self._store.save(kept)
        return answer
