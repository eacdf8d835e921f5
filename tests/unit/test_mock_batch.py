"""docs/device-protocol.md section 4: more than 100 documents stand in the request as a count and a Merkle root."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mobile_mock.batch import FEWEST, LARGEST_LINE, Batch, root, split_lines
from mobile_mock.errors import Difference
from mobile_mock.request import Expected, read_request
from tests.unit.mock_batch import altered, bare, merkle_root
from tests.unit.mock_server import BASE, DEVICE, FIRST, USER, FakeServer, b64, canonical, sha

EXPECTED = Expected(BASE, FIRST, USER, DEVICE)
ROOT = b64(bytes(32))


def read(**changes):
    server = FakeServer()
    return read_request(canonical(server.ask(**{"documents": [], **changes})), EXPECTED, server.clock.now())


# --- the root ---


def test_the_root_of_three_leaves_is_made_as_the_rfc_says():
    """RFC 9162 section 2.1.1: leaves and nodes begin with other bytes, and the left half is a power of two."""
    a, b, c = (sha(b"\x00" + leaf) for leaf in (b"a", b"b", b"c"))
    assert root([b"a", b"b", b"c"]) == sha(b"\x01" + sha(b"\x01" + a + b) + c)


@given(st.lists(st.binary(max_size=8), min_size=1, max_size=300))
def test_the_root_is_that_of_another_way_to_make_it(leaves):
    assert root(leaves) == merkle_root(leaves)


@given(st.lists(st.binary(max_size=3), min_size=2, max_size=40, unique=True), st.data())
def test_another_order_another_leaf_or_one_leaf_less_has_another_root(leaves, data):
    """T06."""
    place = data.draw(st.integers(0, len(leaves) - 2))
    swapped = [*leaves[:place], leaves[place + 1], leaves[place], *leaves[place + 2 :]]
    changed = [*leaves[:place], leaves[place] + b"!", *leaves[place + 1 :]]
    shorter = leaves[:place] + leaves[place + 1 :]

    assert len({root(leaves), root(swapped), root(changed), root(shorter), root([*leaves, leaves[-1]])}) == 5


# --- the request ---


def test_a_batch_stands_in_the_place_of_documents():
    request = read(batch={"count": 101, "root": ROOT})

    assert (request.batch, request.documents) == (Batch(101, bytes(32)), ())
    assert (list(request.indexes[:2]), len(request.indexes)) == ([0, 1], 101)


@pytest.mark.parametrize(
    "changes",
    [
        *({"batch": {"count": count, "root": ROOT}} for count in (100, 10_001, -1, True, "101")),
        *({"batch": {"count": 101, "root": root}} for root in (b64(bytes(31)), 7)),
        *({"batch": 7}, {"batch": {}}, {"batch": {"count": 101, "root": ROOT, "more": 1}}),
        {"batch": {"count": 101, "root": ROOT}, "documents": [bare(0)]},
        {"batch": {"count": 101, "root": ROOT}, "credential": None},
    ],
    ids=str,
)
def test_a_batch_in_another_form_is_refused(changes):
    with pytest.raises(Difference):
        read(**changes)


@pytest.mark.parametrize("kind", ["create", "session"])
def test_a_batch_is_to_be_signed_and_nothing_else(kind):
    server = FakeServer()
    members = {"kind": kind} if kind == "create" else {"kind": kind, "session": {"signatures": 1, "minutes": 1}}
    asked = server.ask_to_create() if kind == "create" else server.ask(documents=[], **members)
    payload = canonical({**asked, "batch": {"count": 101, "root": ROOT}})

    with pytest.raises(Difference, match="batch"):
        read_request(payload, EXPECTED, server.clock.now())


# --- the lines ---


def test_a_page_is_lines_each_with_its_end():
    """NDJSON."""
    assert split_lines(b"{}\n7\n", 2) == [b"{}", b"7"]


@pytest.mark.parametrize("page", [b"", b"\n", b"{}", b"{}\n{}", b"\n{}\n", b"{}\n\n{}\n", b"{}\n\n", b"{}\n{}\n{}\n"])
def test_a_page_with_an_empty_line_without_an_end_or_too_long_is_refused(page):
    with pytest.raises(Difference, match="page of the batch"):
        split_lines(page, 2)


@given(st.binary(max_size=30), st.integers(1, 4))
def test_whatever_a_page_holds_it_is_split_into_full_lines_or_refused(page, most):
    """No other exception than Difference leaves the reader, and nothing of a page is lost."""
    with suppress(Difference):
        lines = split_lines(page, most)
        assert b"".join(line + b"\n" for line in lines) == page
        assert 1 <= len(lines) <= most
        assert all(lines)


LINES = [canonical(bare(index)) for index in range(FEWEST)]


def batch_of(lines: list[bytes]) -> Batch:
    return Batch(len(lines), merkle_root(lines))


def test_the_lines_of_the_root_are_read_into_documents():
    documents = batch_of(LINES).read(LINES)

    assert [document.index for document in documents] == list(range(FEWEST))


@pytest.mark.parametrize(
    "lines",
    [
        LINES[:-1],
        [*LINES, canonical(bare(FEWEST))],
        [LINES[1], LINES[0], *LINES[2:]],
        [*LINES[:-1], LINES[-2]],
        [altered(LINES[0], to_sign=b64(bytes(32))), *LINES[1:]],
    ],
    ids=["one less", "one more", "swapped", "one twice", "another document"],
)
def test_lines_that_are_not_those_of_the_root_are_refused(lines):
    """T06."""
    with pytest.raises(Difference, match="the batch has"):
        batch_of(LINES).read(lines)


@pytest.mark.parametrize(
    "first",
    [
        b"{}",
        b"7",
        b"[]",
        LINES[0].replace(b":", b": ", 1),
        LINES[0] + b" ",
        altered(LINES[0], more=1),
        altered(LINES[0], index=7),
        altered(LINES[0], format="CAdES-B-B"),
        altered(LINES[0], hash_algorithm="md5"),
        b'"' + b"x" * LARGEST_LINE + b'"',
    ],
    ids=lambda line: line[:24].decode(),
)
def test_a_line_in_another_form_is_refused_even_if_the_root_has_it(first):
    """T61: canonical JSON of the members that a phone knows, in the order of the indexes."""
    lines = [first, *LINES[1:]]
    with pytest.raises(Difference):
        batch_of(lines).read(lines)


def test_the_indexes_of_a_batch_have_no_gap():
    lines = [canonical(bare(index + 1)) for index in range(FEWEST)]
    with pytest.raises(Difference, match="without a gap"):
        batch_of(lines).read(lines)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(["index", "format"]), inner),
    max_leaves=4,
)


@given(
    st.binary(max_size=40)
    | JSON.map(canonical)
    | st.builds(
        lambda name, value: altered(LINES[0], **{name: value}),
        st.sampled_from(["index", "format", "scheme", "to_sign", "name"]),
        JSON,
    )
)
def test_whatever_a_line_says_it_is_read_or_refused_and_nothing_else_happens(line):
    """No other exception than Difference leaves the reader."""
    lines = [line, *LINES[1:]]
    with suppress(Difference):
        assert len(batch_of(lines).read(lines)) == FEWEST
