"""The phone: enrol, list, show, answer. The command line and the tests of the whole system drive this class.

Source: docs/device-protocol.md.
"""

import asyncio
from collections.abc import Awaitable, Callable, Collection
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import httpx

from mobile_mock import answering, jose, pins, showing
from mobile_mock.answer import CONFIRM, DECLINE, Answer, Refusal
from mobile_mock.channel import check_introduction
from mobile_mock.enrolling import Wish, enrol
from mobile_mock.enrolment import Receipt
from mobile_mock.errors import BadInput, Difference, NothingToDo, Refused, StoreFault
from mobile_mock.invitation import read_invitation
from mobile_mock.jose import Signed
from mobile_mock.kept import Kept
from mobile_mock.keystore import Keystore
from mobile_mock.members import ID, Members
from mobile_mock.misbehave import Misbehaviour
from mobile_mock.request import Expected, read_request
from mobile_mock.server import Clock, Server
from mobile_mock.showing import Keep, Notice, Shown

TRANSACTIONS = "/device/v1/transactions"
ON_THE_WAY = {"awaiting", "confirmed", "signing"}
MOST_NOTICES = 10_000
MOST_KNOWN = 100
STATE_LIMIT = 32
FORBIDDEN = 403
HONEST = Misbehaviour()


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
        self._known_server: Server | None = None

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

    async def waiting(self, known: Collection[str] = (), wait: int = 0) -> list[Notice]:
        """Return the transactions that await an answer, those whose ids are not among the known.

        known: at most MOST_KNOWN of them. wait: seconds to wait for one, 0 to 60.
        """
        query: dict[str, str | int] = {"wait": wait} | ({"known": ",".join(known)} if known else {})
        answer = await self._server().get(TRANSACTIONS, query, wait)
        listed = Members(answer, "the list", ("transactions",)).list("transactions", MOST_NOTICES)
        items = [Members(item, "a notice", ("id", "kind", "expires")) for item in listed]
        return [Notice(item.id("id"), item.shown("kind", STATE_LIMIT), item.time("expires")) for item in items]

    async def show(self, id: str, keep: Keep | None = None) -> Shown:
        """Fetch a request and its documents, and check all that the protocol asks; Difference if one fails.

        keep: is handed each original that passed its checks.
        """
        kept, server = self._store.load(), self._server()
        state, text = await self._fetch(id)
        payload = await self._trusted(jose.read_jws(text, "dss-confirmation-request+jws"))
        request = read_request(payload, Expected(kept.server, id, kept.owner.id), self._now())
        await showing.inspect(server, request, keep)
        return Shown(request, state)

    async def confirm(
        self, shown: Shown, pin: str | None = None, by: str = "pin", misbehave: Misbehaviour | None = None
    ) -> str:
        """Confirm what was shown, and return the transaction's state.

        by: `pin` (needs the PIN) or `biometric` (needs a phone enrolled with it).
        An answer whose reply was lost is sent again, byte for byte; only if that is refused, one is made anew.
        """
        wrong = misbehave or HONEST
        if wrong.replays:
            return await self.replay(shown.id, wrong.replay_of)
        await self._in_time(shown, wrong)
        proof = await self._proof(shown, pin, by, wrong)
        async with self._store.exclusive():
            lost = self._unanswered(shown.id, CONFIRM) if wrong == HONEST else None
            if lost and (state := await self._again(lost)):
                return state
            return await self._deliver(await self._confirmation(shown, by, proof, wrong))

    async def decline(self, shown: Shown, reason: str = "") -> str:
        """Decline what was shown, and return the transaction's state."""
        refusal = Refusal(reason)
        await self._in_time(shown, HONEST)
        async with self._store.exclusive():
            lost = self._unanswered(shown.id, DECLINE)
            if lost and (state := await self._again(lost)):
                return state
            kept, answer = answering.decline(self._store.load(), shown.request, refusal, self._now())
            self._store.save(kept)
            return await self._deliver(answer)

    async def prepare(
        self, shown: Shown, pin: str | None = None, by: str = "pin", misbehave: Misbehaviour | None = None
    ) -> Answer:
        """Make and keep a confirmation without sending it: the first half of `confirm`, for testers of races."""
        wrong = misbehave or HONEST
        proof = await self._proof(shown, pin, by, wrong)
        async with self._store.exclusive():
            return await self._confirmation(shown, by, proof, wrong)

    async def send(self, answer: Answer, transaction: str | None = None) -> str:
        """Send an answer as it is, to its own transaction or another, and return the state that the server tells."""
        path = f"{_path(transaction or answer.transaction)}/answer"
        reply = Members(await self._server().post(path, answer.body()), "the reply", ("state",))
        return reply.shown("state", STATE_LIMIT)

    async def replay(self, id: str, of: str | None = None) -> str:
        """Send the kept answer to a transaction again, or to another that of `of`, and return the state."""
        sent = self._store.load().newest_answer(of or id)
        if sent is None:
            raise NothingToDo(f"no answer to {of or id} is kept")
        return await self.send(sent.answer, id)

    async def state(self, id: str, wait: int = 0) -> str:
        """Return a transaction's state; with `wait`, seconds to wait for it to end, 0 to 60."""
        state, _ = await self._fetch(id, wait)
        async with self._store.exclusive():
            self._note_end(id, state)
        return state

    def _server(self) -> Server:
        if self._known_server is None:
            kept = self._store.load()
            key = jose.read_private(kept.signature_key)
            self._known_server = Server(self._http, kept.server, key, self._now)
        return self._known_server

    async def _fetch(self, id: str, wait: int = 0) -> tuple[str, str]:
        query: dict[str, str | int] = {"wait": wait} if wait else {}
        answer = await self._server().get(_path(id), query, wait)
        members = Members(answer, "the answer", ("state", "request"))
        return members.shown("state", STATE_LIMIT), members.text("request")

    async def _trusted(self, signed: Signed) -> bytes:
        if signed.by != self._store.load().channel_key:
            async with self._store.exclusive():
                await self._pin(signed.by)
        return signed.payload

    async def _pin(self, new: jose.Jwk) -> None:
        kept = self._store.load()
        if new == kept.channel_key:  # another task pinned it meanwhile
            return
        try:
            answer = await self._server().get(f"/device/v1/channel-keys/{jose.thumbprint(new)}")
        except Refused as fault:
            raise Difference("the request is signed by a key that the pinned one did not introduce") from fault
        text = Members(answer, "the answer", ("channel_key",)).text("channel_key")
        check_introduction(text, kept, new, self._now())
        self._store.save(replace(kept, channel_key=new))

    async def _in_time(self, shown: Shown, wrong: Misbehaviour) -> None:
        left = (shown.request.expires - self._now()).total_seconds()
        if wrong.late is not None:
            await self._sleep(max(left, 0) + wrong.late)
        elif left <= 0:
            raise Difference("the request has expired")

    async def _proof(self, shown: Shown, pin: str | None, by: str, wrong: Misbehaviour) -> bytes:
        kept = self._store.load()
        if by not in shown.request.answer_by:
            raise BadInput(f"this request is not to be answered by {by}, but by {' or '.join(shown.request.answer_by)}")
        if by == "biometric":
            if kept.pin_proof is None:
                raise BadInput("this phone was enrolled without the biometric")
            return kept.pin_proof
        if pin is None or not (pin.isascii() and pin.isdigit()):
            raise BadInput("a PIN is needed, of digits alone")
        return await asyncio.to_thread(pins.proof, wrong.pin(pin), kept.salt, kept.iterations)

    def _unanswered(self, transaction: str, decision: str) -> Answer | None:
        """Return an answer whose reply was lost, unless another has overtaken it: its counter would go back."""
        kept = self._store.load()
        sent = kept.newest_answer(transaction)
        if sent is None or sent != kept.answers[-1] or sent.taken is not None:
            return None
        return sent.answer if sent.answer.decision == decision else None

    async def _confirmation(self, shown: Shown, by: str, proof: bytes, wrong: Misbehaviour) -> Answer:
        await self._settle_relock(shown)
        vow = answering.Vow(by, proof, wrong)
        kept, answer = answering.confirm(self._store.load(), shown.request, vow, self._now())
        self._store.save(kept)
        return answer

    async def _settle_relock(self, shown: Shown) -> None:
        share = self._store.load().shares.get(shown.request.credential.id)
        if share is None or share.relocking in {"", shown.id}:
            return
        state, _ = await self._fetch(share.relocking)
        if state in ON_THE_WAY:
            raise NothingToDo(f"transaction {share.relocking} changes this key's share and has not ended yet")
        self._note_end(share.relocking, state)

    async def _again(self, lost: Answer) -> str | None:
        """Send an answer again whose reply was lost; None if the server refuses it, as it may have done before."""
        try:
            return await self._deliver(lost)
        except Refused as refusal:
            if refusal.status != FORBIDDEN:
                raise
            return None

    async def _deliver(self, answer: Answer) -> str:
        try:
            state = await self.send(answer)
        except Refused as fault:
            if fault.status < 500:
                kept = self._store.load().with_reply(answer, taken=False)
                self._store.save(kept.with_end(answer.transaction, signed=False))
            raise
        self._store.save(self._store.load().with_reply(answer, taken=True))
        self._note_end(answer.transaction, state)
        return state

    def _note_end(self, transaction: str, state: str) -> None:
        kept = self._store.load()
        if state not in ON_THE_WAY and any(share.relocking == transaction for share in kept.shares.values()):
            self._store.save(kept.with_end(transaction, signed=state == "signed"))


def _path(id: str) -> str:
    if not ID.fullmatch(id):
        raise BadInput("the id of a transaction has 26 characters, as `list` shows it")
    return f"{TRANSACTIONS}/{id}"
