"""docs/evidence.md sections 1b and 2, step 20: one document of a batch, and its signature in a part."""

from dataclasses import replace

import pytest

from dss.audit.merkle import Head, inclusion, leaf_hash, require_included, root_of
from dss.evidence import document_check
from dss.evidence.document_check import Given
from dss.evidence.fields import EvidenceRefused
from dss.evidence.pieces import Piece, part_of, read_pieces, write_pieces
from dss.evidence.record import Record
from dss.evidence.verifying import verify
from tests.world.evidence_kinds import BATCH, LEAF, PART, batch, without
from tests.world.evidence_maker import PDF, Maker


@pytest.fixture(scope="module")
def maker() -> Maker:
    return Maker()


@pytest.fixture(scope="module")
def record(maker) -> Record:
    return maker.finish(batch(maker))


def with_core(maker, **changes):
    """A record whose core has changes that the log tells of."""
    draft = batch(maker)
    return maker.finish(draft, replace(maker.core(draft), **changes))


def refused(maker, record, why):
    with pytest.raises(EvidenceRefused, match=why):
        verify(record.encoded(), maker.trust())


def test_a_record_is_of_one_document_of_the_batch(maker, record):
    proven = verify(record.encoded(), maker.trust())

    assert [item.index for item in proven.documents] == [piece.index for piece in proven.signatures] == [LEAF]
    assert (proven.count, proven.is_of_batch) == (BATCH, True)
    assert record.core.part == Head(len(PART), record.core.part.root)
    assert record.core.signatures == ()


@pytest.mark.parametrize("index", PART)
def test_every_document_of_a_part_is_proven_by_the_same_core(maker, index):
    draft = batch(maker)
    draft.leaf = index
    proven = verify(maker.finish(draft).encoded(), maker.trust())

    assert proven.documents[0].index == index


def test_a_given_file_is_told_by_its_number_in_the_batch(maker, record):
    assert document_check.check(PDF, verify(record.encoded(), maker.trust())) == Given(LEAF + 1, is_signed=False)


def test_what_was_declined_in_a_batch_is_told(maker):
    proven = verify(maker.finish(without(batch(maker), 0, 10)).encoded(), maker.trust())

    assert proven.declined == (0, 10)


def test_a_document_that_was_declined_has_no_record(maker, record):
    draft = batch(maker)
    core = replace(maker.core(draft), answer=maker.core(without(draft, LEAF)).answer)

    draft.answer.pop("declined_documents")
    maker.core(draft)
    made = maker.finish(draft, replace(core, part=part_of(draft.pieces)))
    refused(maker, made, "not those of the request's documents")


def test_leaf_and_part_are_there_for_a_confirmed_batch_alone(maker, record):
    refused(maker, replace(record, leaf=None), "has no leaf")
    refused(maker, with_core(maker, part=None), "of no part of it")
    refused(maker, replace(maker.finish(maker.sign()), leaf=record.leaf), "a part of a batch, though of none")
    draft = maker.sign()
    refused(maker, maker.finish(draft, replace(maker.core(draft), part=record.core.part)), "though of none")


def test_signatures_stand_in_the_part_and_not_beside_it(maker, record):
    refused(maker, with_core(maker, signatures=(record.leaf.piece,)), "beside those of the part")


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"item_path": ()}, "^leaf.item_path"),
        ({"piece_path": ()}, "^leaf.piece_path"),
        ({"piece_number": 0}, "^leaf.piece_path"),
        ({"piece_number": 5}, "^leaf.piece_path: a tree of 5 leaves has no leaf 5"),
        ({"item": {}}, "^leaf.item_path"),
        ({"piece": Piece(LEAF, b"", b"value")}, "^leaf.piece_path"),
        ({"piece": Piece(BATCH, b"", b"value")}, f"^leaf.item_path: a tree of {BATCH} leaves has no leaf {BATCH}"),
    ],
)
def test_document_and_signature_have_their_places(maker, record, change, why):
    refused(maker, replace(record, leaf=replace(record.leaf, **change)), why)


@pytest.mark.parametrize(("count", "why"), [(100, "count is not above 100"), (10_001, "at most 10000"), (300, "path")])
def test_a_batch_is_of_as_many_as_it_says(maker, count, why):
    draft = batch(maker)
    draft.request["batch"]["count"] = count

    refused(maker, maker.finish(draft), why)


def test_a_batch_names_no_documents_besides(maker):
    draft = batch(maker)
    draft.request["documents"] = draft.items[:1]

    refused(maker, maker.finish(draft), "a batch and documents besides")


@pytest.mark.parametrize(("make", "kind"), [(batch, "signed"), (Maker.sign, "part_signed")])
def test_a_part_is_told_as_a_part_and_an_end_as_an_end(maker, make, kind):
    draft = make(maker)
    draft.event["kind"] = f"transaction.{kind}"

    refused(maker, maker.finish(draft), "the event in the log is not transaction")


def test_signatures_of_a_part_are_written_and_read_back():
    pieces = (Piece(3, b"\x31\x00", b"\x01"), Piece(7, b"", b""))

    assert read_pieces(write_pieces(pieces)) == pieces
    for spoilt in (b"", b"{}", b"[1]", write_pieces(pieces) + b" "):
        with pytest.raises(EvidenceRefused):
            read_pieces(spoilt)


@pytest.mark.parametrize("size", range(1, 35))
def test_the_path_of_every_leaf_leads_to_the_root(size):
    """RFC 6962 section 2.1.1."""
    hashes = [leaf_hash(b"%d" % leaf) for leaf in range(size)]

    for leaf in range(size):
        require_included(leaf, b"%d" % leaf, inclusion(leaf, hashes), Head(size, root_of(hashes)))
