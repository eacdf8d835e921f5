"""The steps about the log (docs/evidence.md section 2, steps 1 to 5)."""

from hashlib import sha256
from typing import Any

from tests.referee import canonical, merkle, shapes
from tests.referee.notes import Checkpoint, LogKey, Note
from tests.referee.phone import SLACK, Talk
from tests.referee.refusing import Refused, require
from tests.referee.shapes import SECOND, members

LONGEST_WAIT = 48 * 3600 * SECOND  # from the end of a request to its event

EVENT = members(
    {
        "id": shapes.id,
        "at": shapes.time_of_event,
        "kind": shapes.text,
        "actor": shapes.text,
        "subject": shapes.text,
        "outcome": shapes.text,
        "details": shapes.texts_by_name,
    },
    {"sealed": members({"row": shapes.text, "version": shapes.number, "seal": shapes.data})},
)
PATH = shapes.many(shapes.digest)
PROOF = members(
    {
        "event": EVENT,
        "salt": shapes.digest,
        "leaf": shapes.number,
        "path": PATH,
        "checkpoint": shapes.text,
    },
    {"consistency": members({"size": shapes.number, "path": PATH})},
)


def require_logged(log: dict[str, Any], core: Any, key: LogKey, kept: str | None) -> None:
    """Follow the core into the event, the event into the tree, the tree into the checkpoint, and on to the kept one."""
    PROOF(log, "log")
    note = Note.read(log["checkpoint"])
    require(len(note.lines) == 1, "the checkpoint has lines of others")
    checkpoint = Checkpoint.read(note, key)
    salt = shapes.bytes_of(log["salt"], "salt")
    entry = sha256(b"dss/event/v1\x00" + salt + canonical.encode(log["event"])).digest()
    root = merkle.root_by_inclusion(log["leaf"], merkle.leaf_hash(entry), checkpoint.size, _path(log))
    require(root == checkpoint.root, "the event is not in the log")
    told = log["event"]["details"].get("evidence")
    digest = sha256(b"dss/evidence/v1\x00" + canonical.encode(core)).digest()
    require(told == shapes.text_of(digest), "the event tells of other evidence")
    _require_kept(log.get("consistency"), checkpoint, None if kept is None else Checkpoint.read(Note.read(kept), key))


def require_told(event: dict[str, Any], talk: Talk) -> None:
    """Check that the event is the end of the transaction that was confirmed or declined, or of a part of it."""
    asked = talk.request.claims
    end = ("transaction.part_signed" if "batch" in asked else "transaction.signed", "server")
    if not talk.confirmed:
        end = ("transaction.declined", f"device:{talk.receipt.claims['device']}")
    require(event["subject"] == f"transaction:{asked['transaction']}", "the event is of another transaction")
    require((event["kind"], event["actor"]) == end, "the event tells of another end")
    require(event["outcome"] == "done", "the event tells of a failure")
    at = shapes.microseconds(event["at"])
    require(talk.answer is None or at >= talk.said["iat"] * SECOND - SLACK, "the event is before the answer")
    latest = shapes.microseconds(asked["expires"]) + LONGEST_WAIT
    require(at <= latest, "the event is long after the request's end")


def _require_kept(proof: dict[str, Any] | None, now: Checkpoint, kept: Checkpoint | None) -> None:
    if kept is None:
        require(proof is None, "a proof of consistency proves nothing without a kept checkpoint")
        return
    if kept.size == now.size:
        require(proof is None and kept.root == now.root, "two checkpoints of one size are one, and need no proof")
        return
    if proof is None:
        raise Refused("the log is not shown to agree with the kept checkpoint")
    require(proof["size"] == kept.size, "the proof of consistency is for another checkpoint")
    first, second = sorted(((kept.size, kept.root), (now.size, now.root)))
    merkle.require_consistent(first, second, _path(proof))


def _path(proof: dict[str, Any]) -> list[bytes]:
    return [shapes.bytes_of(one, "path") for one in proof["path"]]
