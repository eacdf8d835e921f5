"""What a phone keeps, as one frozen value, and its form as JSON.

Source: docs/device-protocol.md section 8.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from mobile_mock import offline_secret, pins
from mobile_mock.answer import Answer
from mobile_mock.enrolment import Person
from mobile_mock.forms import b64url, read_b64url
from mobile_mock.jose import Jwk
from mobile_mock.offline_secret import OfflineSecret

MOST_ANSWERS = MOST_OPENED = 20


@dataclass(frozen=True, slots=True)
class Share:
    """The phone's share of one credential's key: `k_act`, 32 bytes.

    following: the share that a confirmation offered in its place, until the phone knows which one holds.
    relocking: the transaction of that confirmation.
    """

    k_act: bytes
    following: bytes | None = None
    relocking: str = ""

    def settled(self, *, replaced: bool) -> "Share":
        """Return the share that holds, once it is known whether the following one took its place."""
        return Share(self.following if replaced and self.following else self.k_act)


@dataclass(frozen=True, slots=True)
class NextPin:
    """A new PIN that a confirmation offered, until the phone knows whether it holds.

    salt: of its proof, 16 bytes. proof: only where the owner put the present one behind the biometric, else None.
    transaction: of that confirmation.
    """

    salt: bytes
    transaction: str
    proof: bytes | None = None


@dataclass(frozen=True, slots=True)
class SentAnswer:
    """An answer that was made; taken: what became of it, None while no reply has come."""

    answer: Answer
    taken: bool | None = None


@dataclass(frozen=True, slots=True)
class Kept:
    """All that a phone keeps.

    salt, iterations: of the PIN proof. counter: of the newest answer made. pin_digits: that a PIN has at least.
    pin_proof:        only where the owner put it behind the biometric, else None.
    answers:          the newest last, to send one again when its reply was lost.
    pin_next:         a new PIN that may hold already, or None.
    opened:           what the owner asked for in the transactions that this phone opened, the newest last.
    offline:          by credential, the secrets by which it confirms without a connection.
    """

    server: str
    device: str
    owner: Person
    name: str
    signature_key: Jwk
    encryption_key: Jwk
    channel_key: Jwk
    salt: bytes
    iterations: int
    counter: int
    enrolment: str
    receipt: str
    shares: Mapping[str, Share]
    pin_proof: bytes | None = None
    answers: tuple[SentAnswer, ...] = ()
    pin_digits: int = pins.SHORTEST
    pin_next: NextPin | None = None
    opened: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    offline: Mapping[str, OfflineSecret] = field(default_factory=dict)

    def with_answer(self, answer: Answer) -> "Kept":
        """Return the state after an answer was made, before it is sent."""
        answers = (*self.answers, SentAnswer(answer))[-MOST_ANSWERS:]
        return replace(self, counter=max(self.counter + 1, answer.counter), answers=answers)

    def with_reply(self, answer: Answer, *, taken: bool) -> "Kept":
        """Return the state after the server replied to an answer."""
        answers = tuple(SentAnswer(a.answer, taken) if a.answer == answer else a for a in self.answers)
        return replace(self, answers=answers)

    def with_end(self, transaction: str, *, signed: bool) -> "Kept":
        """Return the state after a transaction ended: what it offered, secrets and PIN, holds only if it signed."""
        shares = {
            credential: share.settled(replaced=signed) if share.relocking == transaction else share
            for credential, share in self.shares.items()
        }
        offline = offline_secret.settled(self.offline, transaction, signed=signed)
        ended = replace(self, shares=shares, offline=offline)
        new = self.pin_next
        if new is None or new.transaction != transaction:
            return ended
        if not signed:
            return replace(ended, pin_next=None)
        return replace(ended, pin_next=None, salt=new.salt, pin_proof=new.proof)

    def with_share(self, credential: str, share: Share) -> "Kept":
        """Return the state with a credential's share."""
        return replace(self, shares={**self.shares, credential: share})

    def with_gift(self, credential: str, k_act: bytes) -> "Kept":
        """Return the state with a share that another phone gave; one that this phone offered itself may still hold."""
        share = self.shares.get(credential, Share(k_act))
        return self.with_share(credential, replace(share, k_act=k_act))

    def with_opened(self, transaction: str, asked: Mapping[str, str]) -> "Kept":
        """Return the state after this phone opened a transaction."""
        opened = {**self.opened, transaction: asked}
        return replace(self, opened=dict(list(opened.items())[-MOST_OPENED:]))

    def unsettled(self, credentials: Collection[str]) -> set[str]:
        """Return the transactions on whose end it depends which PIN and secrets hold, and which share of these keys."""
        shares = {self.shares[id].relocking for id in credentials if id in self.shares}
        offline = {self.offline[id].changing for id in credentials if id in self.offline}
        return (shares | offline | {self.pin_next.transaction if self.pin_next else ""}) - {""}

    def may_be_taken(self, transaction: str) -> bool:
        """Return True when the server took an answer to a transaction, or may take it yet."""
        return any(sent.taken is not False for sent in self.answers if sent.answer.transaction == transaction)

    def newest_answer(self, transaction: str) -> SentAnswer | None:
        """Return the newest answer to a transaction, or None."""
        return next((sent for sent in reversed(self.answers) if sent.answer.transaction == transaction), None)


def to_json(kept: Kept) -> dict[str, Any]:
    """Return the form that is stored."""
    return {
        "answers": [_answer_json(sent) for sent in kept.answers],
        "channel_key": kept.channel_key,
        "counter": kept.counter,
        "device": kept.device,
        "encryption_key": kept.encryption_key,
        "enrolment": kept.enrolment,
        "iterations": kept.iterations,
        "name": kept.name,
        "offline": {credential: _offline_json(secret) for credential, secret in kept.offline.items()},
        "opened": [{"asked": dict(asked), "transaction": id} for id, asked in kept.opened.items()],
        "owner": {"id": kept.owner.id, "login": kept.owner.login, "name": kept.owner.name},
        "pin_digits": kept.pin_digits,
        "pin_next": None if kept.pin_next is None else _next_pin_json(kept.pin_next),
        "pin_proof": _optional(kept.pin_proof),
        "receipt": kept.receipt,
        "salt": b64url(kept.salt),
        "server": kept.server,
        "shares": {credential: _share_json(share) for credential, share in kept.shares.items()},
        "signature_key": kept.signature_key,
    }


def from_json(value: dict[str, Any]) -> Kept:
    """Read the form that is stored. Raises KeyError, TypeError or Difference on any other.

    A phone that knew neither changes nor second phones kept no `opened`, `pin_digits`, `pin_next`, and no `share` of an
    answer; one that knew no codes kept no `offline`.
    """
    next_pin = value.get("pin_next")
    return Kept(
        **{
            **value,
            "answers": tuple(_read_answer(item) for item in value["answers"]),
            "offline": {credential: _read_offline(item) for credential, item in value.get("offline", {}).items()},
            "opened": {item["transaction"]: item["asked"] for item in value.get("opened", [])},
            "owner": Person(**value["owner"]),
            "pin_next": None if next_pin is None else _read_next_pin(next_pin),
            "pin_proof": _read_optional(value["pin_proof"]),
            "salt": read_b64url(value["salt"]),
            "shares": {credential: _read_share(item) for credential, item in value["shares"].items()},
        }
    )


def _answer_json(sent: SentAnswer) -> dict[str, Any]:
    answer = sent.answer
    return {
        "box": answer.box,
        "counter": answer.counter,
        "decision": answer.decision,
        "jws": answer.jws,
        "share": answer.share,
        "taken": sent.taken,
        "transaction": answer.transaction,
    }


def _read_answer(value: dict[str, Any]) -> SentAnswer:
    taken = value["taken"]
    return SentAnswer(Answer(**{name: item for name, item in value.items() if name != "taken"}), taken)


def _share_json(share: Share) -> dict[str, Any]:
    return {"following": _optional(share.following), "k_act": b64url(share.k_act), "relocking": share.relocking}


def _read_share(value: dict[str, Any]) -> Share:
    return Share(read_b64url(value["k_act"]), _read_optional(value["following"]), value["relocking"])


def _next_pin_json(new: NextPin) -> dict[str, Any]:
    return {"proof": _optional(new.proof), "salt": b64url(new.salt), "transaction": new.transaction}


def _read_next_pin(value: dict[str, Any]) -> NextPin:
    return NextPin(read_b64url(value["salt"]), value["transaction"], _read_optional(value["proof"]))


def _offline_json(secret: OfflineSecret) -> dict[str, Any]:
    secrets = {"following": _optional(secret.following), "secret": _optional(secret.secret)}
    return {"changing": secret.changing, **secrets}


def _read_offline(value: dict[str, Any]) -> OfflineSecret:
    return OfflineSecret(_read_optional(value["secret"]), _read_optional(value["following"]), value["changing"])


def _optional(value: bytes | None) -> str | None:
    return None if value is None else b64url(value)


def _read_optional(value: str | None) -> bytes | None:
    return None if value is None else read_b64url(value)
