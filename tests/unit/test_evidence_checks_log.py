"""docs/evidence.md section 2, steps 1 to 5: the log."""

from dataclasses import replace

import pytest

from dss.audit.checkpoint import Checkpoint
from dss.audit.merkle import Head, leaf_hash, root_of
from dss.audit.note import COSIGNATURE, Note, SignatureLine, VerifierKey
from dss.evidence.fields import EvidenceRefused
from dss.evidence.record import Consistency, Record
from dss.evidence.verifying import Trust, verify
from tests.world.evidence_log import ORIGIN, SoftLog
from tests.world.evidence_maker import Maker


def refused(record: Record, trust: Trust, why: str) -> None:
    with pytest.raises(EvidenceRefused, match=why):
        verify(record.encoded(), trust)


@pytest.fixture
def maker() -> Maker:
    return Maker()


def with_log(record: Record, **changed) -> Record:
    return replace(record, log=replace(record.log, **changed))


def test_another_logs_key_is_refused(maker):
    record = maker.finish(maker.sign())

    for origin in (ORIGIN, "other.example/log"):
        trust = replace(maker.trust(), log_key=SoftLog(origin).key)
        refused(record, trust, "^the checkpoint: the note has no signature line")


def test_a_witness_s_key_is_no_log_key(maker):
    key = maker.log.key
    witness = VerifierKey(key.name, COSIGNATURE, key.key)

    refused(maker.finish(maker.sign()), replace(maker.trust(), log_key=witness), "^the checkpoint")


def test_a_further_signature_line_is_refused(maker):
    record = maker.finish(maker.sign())
    note = Note.read(record.log.checkpoint)
    more = Note(note.text, (*note.lines, SignatureLine("witness.example", b"1234", b"x"))).written

    refused(with_log(record, checkpoint=more), maker.trust(), "more signature lines than the log's own")


def test_a_note_of_the_log_that_is_no_checkpoint_is_refused(maker):
    record = maker.finish(maker.sign())
    export = maker.log.signed(f"dss-audit-export/v1\n{ORIGIN}\n")

    refused(with_log(record, checkpoint=export), maker.trust(), "^the checkpoint")


def test_a_checkpoint_of_another_origin_is_refused(maker):
    record = maker.finish(maker.sign())
    other = Checkpoint("other.example/log", Head(6, bytes(32))).text

    refused(with_log(record, checkpoint=maker.log.signed(other)), maker.trust(), "^the checkpoint")


@pytest.mark.parametrize("leaf", [0, 2, 4, 6, 2**53 - 1])
def test_an_event_is_nowhere_but_at_its_leaf(maker, leaf):
    refused(with_log(maker.finish(maker.sign()), leaf=leaf), maker.trust(), "^the inclusion proof")


def test_a_wrong_path_is_refused(maker):
    record = maker.finish(maker.sign())
    path = record.log.path

    for wrong in ((), path[:-1], (*path, bytes(32)), tuple(reversed(path)), (bytes(32), *path[1:])):
        refused(with_log(record, path=wrong), maker.trust(), "^the inclusion proof")


def test_another_salt_is_refused(maker):
    refused(with_log(maker.finish(maker.sign()), salt=bytes(32)), maker.trust(), "^the inclusion proof")


def test_an_event_about_other_evidence_is_refused(maker):
    record, other = (maker.finish(maker.sign()) for _ in range(2))

    refused(replace(record, log=other.log), maker.trust(), "the event in the log is not about this evidence")


@pytest.mark.parametrize("evidence", ["", "A" * 43, "%"])
def test_an_event_that_tells_of_something_else_is_refused(maker, evidence):
    draft = maker.sign()
    draft.event["details"] = {"evidence": evidence}

    refused(maker.finish(draft), maker.trust(), "not about this evidence")


@pytest.mark.parametrize(
    ("details", "why"), [([], "event.details is not an object"), ({"lease": 1}, "the event's detail 'lease'")]
)
def test_the_details_of_the_event_are_texts(maker, details, why):
    record = maker.finish(maker.sign())

    refused(with_log(record, event=record.log.event | {"details": details}), maker.trust(), why)


@pytest.mark.parametrize(
    ("member", "value", "why"),
    [
        ("subject", "transaction:0000000000000000000000000Z", "of another transaction"),
        ("subject", "credential:1", "of another transaction"),
        ("outcome", "failed", "outcome is not done"),
        ("kind", "transaction.declined", "not transaction.signed by server"),
        ("kind", "transaction.opened", "not transaction.signed by server"),
        ("actor", "operator:eve", "not transaction.signed by server"),
        ("at", "2026-03-02T09:01:02Z", "event.at"),
        ("at", "2026-03-02T09:01:02.345Z", "event.at"),
        ("at", "2026-02-30T09:01:02.345678Z", "event.at"),
        ("id", "1", "event.id"),
        ("sealed", {"row": "r", "version": 1}, "lacks the member seal"),
        ("another", "x", "has a member that it may not have"),
    ],
)
def test_the_event_is_the_end_of_this_transaction(maker, member, value, why):
    draft = maker.sign()
    draft.event[member] = value

    refused(maker.finish(draft), maker.trust(), why)


@pytest.mark.parametrize(
    ("member", "value"),
    [("kind", "transaction.signed"), ("actor", "server"), ("actor", "device:0000000000000000000000000Z")],
)
def test_the_event_of_a_refusal_is_by_the_phone(maker, member, value):
    draft = maker.declined(maker.sign())
    draft.event[member] = value

    refused(maker.finish(draft), maker.trust(), "not transaction.declined by device:")


def test_the_event_of_a_sealed_row_is_taken(maker):
    draft = maker.sign()
    draft.event["sealed"] = {"row": "spending:1", "version": 2, "seal": "AA"}

    assert verify(maker.finish(draft).encoded(), maker.trust()).is_confirmed


# --- step 5: a kept checkpoint ---


@pytest.mark.parametrize("kept", [0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
def test_a_kept_checkpoint_older_or_newer_agrees(maker, kept):
    """The record's own tree has 6 leaves."""
    draft = maker.with_consistency(maker.sign(), kept)
    record = maker.finish(draft)
    maker.log.add(*(bytes([n]) * 32 for n in range(4)))
    path = maker.log.consistency(min(kept, 6), max(kept, 6))
    record = with_log(record, consistency=None if kept == 6 else Consistency(kept, path))

    assert verify(record.encoded(), maker.trust(maker.log.checkpoint(kept))).logged.kept == kept


def test_of_equal_sizes_there_is_no_proof(maker):
    """Else anybody could add one, and a record would have two forms."""
    record = maker.finish(maker.sign())
    trust = maker.trust(record.log.checkpoint)

    assert verify(record.encoded(), trust).logged.kept == 6
    for path in ((), (bytes(32),), (root_of([leaf_hash(entry) for entry in maker.log.entries]),)):
        refused(with_log(record, consistency=Consistency(6, path)), trust, "of the same size")
    refused(with_log(record, consistency=Consistency(5, ())), trust, "not for the kept checkpoint of size 6")


def test_a_rewritten_log_is_found(maker):
    """T52: the kept checkpoint is of a log that had other leaves."""
    record = maker.finish(maker.with_consistency(maker.sign(), 2))
    for size in (2, 6):
        lie = maker.log.signed(Checkpoint(ORIGIN, Head(size, b"x" * 32)).text)
        proof = None if size == 6 else Consistency(size, maker.log.consistency(size, 6))
        refused(with_log(record, consistency=proof), maker.trust(lie), "does not agree with the kept checkpoint")


def test_a_proof_for_another_size_is_refused(maker):
    record = maker.finish(maker.with_consistency(maker.sign(), 2))

    refused(record, maker.trust(maker.log.checkpoint(1)), "not for the kept checkpoint of size 1")


def test_a_missing_proof_is_told(maker):
    refused(
        maker.finish(maker.sign()),
        maker.trust(maker.log.checkpoint(2)),
        "of size 2 is missing: ask for the evidence again with .checkpoint=2$",
    )


def test_a_proof_without_a_kept_checkpoint_is_refused(maker):
    refused(maker.finish(maker.with_consistency(maker.sign())), maker.trust(), "give that one, too")


def test_a_kept_checkpoint_of_another_log_is_refused(maker):
    record = maker.finish(maker.with_consistency(maker.sign()))

    refused(record, maker.trust(SoftLog().checkpoint()), "^the kept checkpoint")
    refused(record, maker.trust("nonsense"), "^the kept checkpoint")
