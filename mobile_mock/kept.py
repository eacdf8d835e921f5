"""What a phone keeps, as one frozen value, and its form as JSON.

Source: docs/device-protocol.md section 6.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from mobile_mock.answer import Answer
from mobile_mock.enrolment import Person
from mobile_mock.forms import b64url, read_b64url
from mobile_mock.jose import Jwk

MOST_ANSWERS = 20


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
class SentAnswer:
    """An answer that was made; taken: what became of it, None while no reply has come."""

    answer: Answer
    taken: bool | None = None


@dataclass(frozen=True, slots=True)
class Kept:
    """All that a phone keeps.

    salt, iterations: of the PIN proof. counter: of the newest answer made.
    pin_proof:        only where the owner put it behind the biometric, else None.
    answers:          the newest last, to send one again when its reply was lost.
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

    def with_answer(self, answer: Answer) -> "Kept":
        """Return the state after an answer was made, before it is sent."""
        answers = (*self.answers, SentAnswer(answer))[-MOST_ANSWERS:]
        return replace(self, counter=self.counter + 1, answers=answers)

    def with_reply(self, answer: Answer, *, taken: bool) -> "Kept":
        """Return the state after the server replied to an answer."""
        answers = tuple(SentAnswer(a.answer, taken) if a.answer == answer else a for a in self.answers)
        return replace(self, answers=answers)

    def with_end(self, transaction: str, *, signed: bool) -> "Kept":
        """Return the state after a transaction ended: a share that its confirmation offered holds only if it signed."""
        shares = {
            credential: share.settled(replaced=signed) if share.relocking == transaction else share
            for credential, share in self.shares.items()
        }
        return replace(self, shares=shares)

    def with_share(self, credential: str, share: Share) -> "Kept":
        """Return the state with a credential's share."""
        return replace(self, shares={**self.shares, credential: share})

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
        "owner": {"id": kept.owner.id, "login": kept.owner.login, "name": kept.owner.name},
        "pin_proof": _optional(kept.pin_proof),
        "receipt": kept.receipt,
        "salt": b64url(kept.salt),
        "server": kept.server,
        "shares": {credential: _share_json(share) for credential, share in kept.shares.items()},
        "signature_key": kept.signature_key,
    }


def from_json(value: dict[str, Any]) -> Kept:
    """Read the form that is stored. Raises KeyError, TypeError or Difference on any other."""
    return Kept(
        **{
            **value,
            "answers": tuple(_read_answer(item) for item in value["answers"]),
            "owner": Person(**value["owner"]),
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


def _optional(value: bytes | None) -> str | None:
    return None if value is None else b64url(value)


def _read_optional(value: str | None) -> bytes | None:
    return None if value is None else read_b64url(value)
