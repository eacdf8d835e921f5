"""Who can write to the database invents a whole confirmation, and the log seals it: it proves nothing (T52).

The intruder has no key of the server's: so the channel key, the phone, its enrolment and its answer are inventions,
and the server's word for the channel key is one as well, or is copied from true evidence.

Source: docs/evidence.md sections 1a and 2, step 6.
"""

import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field

import pytest
import pytest_asyncio
import sqlalchemy as sa
from cryptography.hazmat.primitives.asymmetric import ec

from dss.audit.note import Note, SignatureLine
from dss.audit.store import recorded
from dss.audit.tables import audit_events
from dss.devices.enrolment import ENROLMENT, RECEIPT
from dss.devices.request import REQUEST
from dss.evidence.fields import EvidenceRefused
from dss.evidence.record import Core, LogProof, Record
from dss.evidence.tables import evidence
from dss.evidence.verifying import verify
from dss.hsm.servicekeys import KeyName
from dss.infra import jose
from dss.kernel import b64, canonical
from dss.kernel.clock import timestamp
from dss.kernel.errors import Tampered
from dss.kernel.ids import Ids
from dss.transactions.tables import transactions
from tests.stories.robbery import Robbery, robbed
from tests.stories.test_answers import OTHER
from tests.world import jws
from tests.world.evidence_log import SoftLog
from tests.world.stranger import sealed_evidence, trust
from tests.world.world import SERVER

__all__ = ["robbed"]


def sha(data: str) -> str:
    return b64.url_encode(hashlib.sha256(data.encode()).digest())


@dataclass
class Forger:
    """Writes an answer that nobody gave, beside a transaction that nobody answered.

    true: evidence to copy from. declines: whether the invented person refuses; else they sign what `true` signs.
    """

    stage: Robbery
    true: Core
    id: str
    declines: bool
    channel: ec.EllipticCurvePrivateKey = field(default_factory=jws.new_key)
    phone: ec.EllipticCurvePrivateKey = field(default_factory=jws.new_key)

    def __post_init__(self) -> None:
        ids = Ids(self.stage.world.clock)
        self.device, self.enrolment = ids.new(), ids.new()

    @property
    def end(self) -> str:
        """The state that the transaction is said to have come to."""
        return "declined" if self.declines else "signed"

    async def core(self, channel_key: str) -> Core:
        """What the server would keep, had all this happened; channel_key: the word for the invented key."""
        request = await self._request()
        enrolment = jws.sign_claims(ENROLMENT, self._introduction(), self.phone)
        receipt = jws.sign_claims(RECEIPT, self._receipt(enrolment), self.channel)
        answer = jws.sign_claims("dss-answer+jws", self._answer(request), self.phone, kid=self.device)
        signed = jws.sign_claims(REQUEST, canonical.decode(request), self.channel)
        fruit = () if self.declines else (self.true.signatures, self.true.certificates)
        return Core(signed, answer, enrolment, receipt, channel_key, *fruit)

    async def write(self, core: Core) -> None:
        """Put the evidence and the end that tells of it into the database, and let the server seal its log."""
        now, world = self.stage.world.clock.now(), self.stage.world
        event = {
            "id": Ids(world.clock).new(),
            "at": now,
            "kind": f"transaction.{self.end}",
            "actor": f"device:{self.device}" if self.declines else "server",
            "subject": f"transaction:{self.id}",
            "outcome": "done",
            "details": {"evidence": b64.url_encode(core.digest())},
            "salt": bytes(32),
        }
        await self.stage.intruder.edit(transactions, self.id, state=self.end)
        await self.stage.intruder.add(evidence, {"transaction_id": self.id, "core": core.encoded(), "made_at": now})
        await self.stage.intruder.add(audit_events, event)
        await world.services.sealer.round()

    async def record(self, core: Core) -> Record:
        """Put the record together without the server's help: the log is public."""
        services = self.stage.world.services
        about, kind = audit_events.c.subject == f"transaction:{self.id}", f"transaction.{self.end}"
        query = sa.select(audit_events).where(about, audit_events.c.kind == kind)
        async with services.database.read() as connection:
            told = recorded((await connection.execute(query)).mappings().one())
        newest = await services.log.newest()
        assert newest is not None
        assert told.leaf is not None
        path = await services.log.inclusion(told.leaf, newest.head.size)
        return Record(core, LogProof(told.members(), told.salt or b"", told.leaf, path, newest.note))

    async def _request(self) -> bytes:
        row = await self.stage.intruder.row(transactions, self.id)
        asked = {
            "text": "Sale of my house",
            "relying_application": {"id": Ids(self.stage.world.clock).new(), "name": "X"},
        }
        signed = canonical.decode(b64.url_decode(self.true.request.split(".")[1]))["documents"]
        documents = {} if self.declines else {"documents": signed}
        return canonical.encode(canonical.decode(row["request"]) | asked | documents)

    def _introduction(self) -> dict[str, object]:
        keys = {"enc": jws.public_jwk(jws.new_key()), "sig": jws.public_jwk(self.phone)}
        named = {"name": "Alice's phone", "platform": "Android 16", "nonce": "AAAA", "keys": keys, "iat": self._now()}
        hashes = {"proof": sha("proof"), "sealed_sha256": sha("box")}
        return {"aud": SERVER, "enrolment": self.enrolment, **named, **hashes}

    def _receipt(self, enrolment: str) -> dict[str, object]:
        alice = self.stage.alice.user
        user = {"id": alice.id, "login": alice.login, "name": "Alice"}
        known = {"server": SERVER, "enrolment": self.enrolment, "enrolment_sha256": sha(enrolment), "user": user}
        return known | {"device": self.device, "counter": 0, "enrolled": timestamp(self.stage.world.clock.now())}

    def _answer(self, request: bytes) -> dict[str, object]:
        binding = b64.url_encode(hashlib.sha256(b"dss/confirmation/v1\x00" + request).digest())
        refusal = {"decision": "decline", "reason": "I never agreed"}
        consent = {"decision": "confirm", "verification": "pin", "sealed_sha256": sha("sealed")}
        answer = refusal if self.declines else consent
        return {"aud": SERVER, "txn": self.id, "binding": binding, "counter": 1, "iat": self._now(), **answer}

    def _now(self) -> int:
        return int(self.stage.world.clock.now().timestamp())


Word = Callable[[Forger], Awaitable[str]]


async def copied(forger: Forger) -> str:
    """The true word, for the true channel key."""
    return forger.true.channel_key


async def by_a_log_of_ones_own(forger: Forger) -> str:
    """A word for the invented key, by an invented log of the same name."""
    thumbprint = jose.thumbprint(jws.public_jwk(forger.channel))
    origin = forger.stage.world.services.settings.log_origin
    return SoftLog(origin).signed(f"dss-channel-key/v1\n{origin}\n{SERVER}\n{thumbprint}\n")


async def of_the_log(forger: Forger) -> str:
    """Something else that the log's key signed."""
    newest = await forger.stage.world.services.log.newest()
    assert newest is not None
    return newest.note


@pytest_asyncio.fixture(params=[False, True], ids=["signs", "declines"])
async def forger(robbed: Robbery, request: pytest.FixtureRequest) -> AsyncIterator[Forger]:
    """One true signature is there to be copied from."""
    signed = await robbed.confirmed(value=OTHER)
    await robbed.world.settle()
    true = (await sealed_evidence(robbed.world.services, signed)).core
    yield Forger(robbed, true, await robbed.open(), request.param)


@pytest.mark.parametrize("word", [copied, by_a_log_of_ones_own, of_the_log])
async def test_t52_an_invented_confirmation_proves_nothing_and_each_try_is_an_alarm(forger: Forger, word: Word) -> None:
    world = forger.stage.world
    core = await forger.core(await word(forger))
    await forger.write(core)
    record = await forger.record(core)

    with pytest.raises(EvidenceRefused, match=r"^core\.channel_key: "):
        verify(record.encoded(), await trust(world.services))
    with pytest.raises(Tampered):
        await world.services.reports.report(record, "en")
    for path in ("", "/report"):
        answer = await forger.stage.application.http.get(f"/v1/signatures/{forger.id}/evidence{path}")
        assert (answer.status_code, answer.json()["type"]) == (423, "urn:dss:error:tampered")
    told = await world.tells(f"transaction:{forger.id}")
    assert told.count("alarm.evidence_altered") == 3


async def test_the_forgery_lacks_nothing_but_the_word_of_the_log(forger: Forger) -> None:
    """So the refusals above are for that alone. Section 4 says that whoever holds the log's key can make this."""
    services = forger.stage.world.services
    text = Note.read(forger.true.channel_key).text
    text = text.replace(text.split("\n")[3], jose.thumbprint(jws.public_jwk(forger.channel)))
    core = await forger.core(await signed_by_the_log(forger, text))
    await forger.write(core)

    proven = verify((await forger.record(core)).encoded(), await trust(services))
    assert (proven.is_confirmed, proven.text, proven.phone.id) == (
        not forger.declines,
        "Sale of my house",
        forger.device,
    )


async def signed_by_the_log(forger: Forger, text: str) -> str:
    """Use the key that no intruder has."""
    services = forger.stage.world.services
    key = (await trust(services)).log_key
    value = await services.tokens.service.sign_ed25519(KeyName.LOG, text.encode())
    return Note(text, (SignatureLine(key.name, key.id, value),)).written
