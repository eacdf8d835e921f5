"""docs/evidence.md section 1: the record's form, read so strictly that a record has one text only."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dss.evidence.fields import EvidenceRefused
from dss.evidence.record import LARGEST, Consistency, Core, LogProof, Piece, Record
from dss.kernel import canonical
from tests.world.evidence_maker import Maker

HASH = "A" * 43

octets, texts, sizes = (
    st.binary(max_size=80),
    st.text(st.characters(exclude_categories=["Cs"])),
    st.integers(0, 2**53 - 1),
)
hashes = st.lists(st.binary(min_size=32, max_size=32), max_size=5).map(tuple)
pieces = st.lists(st.builds(Piece, sizes, octets, octets), max_size=3).map(tuple)
cores = st.builds(Core, texts, texts, texts, texts, texts, pieces, st.lists(octets, max_size=3).map(tuple))
proofs = st.builds(
    LogProof,
    st.dictionaries(texts, texts, max_size=3),
    st.binary(min_size=32, max_size=32),
    sizes,
    hashes,
    texts,
    st.none() | st.builds(Consistency, sizes, hashes),
)


def a_record() -> bytes:
    maker = Maker()
    return maker.finish(maker.with_consistency(maker.sign("pdf", "hash"))).encoded()


def paths(value: object, at: tuple[object, ...] = ()) -> list[tuple[object, ...]]:
    """Where every member of every object is, whatever it is called."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    here = [(*at, name) for name in value] if isinstance(value, dict) else []
    return here + [path for name, one in inner for path in paths(one, (*at, name))]


def parent(value, path):
    for name in path[:-1]:
        value = value[name]
    return value


@given(cores, proofs)
def test_what_is_written_is_read_back(core, log):
    record = Record(core, log)

    assert Record.read(record.encoded()) == record
    assert Core.read(core.encoded()) == core


def test_the_digest_of_a_core_is_over_its_label_and_its_canonical_json():
    core = Core("q", "a", "e", "r", "k", (Piece(0, b"\x31\x00", b"\x01"),), (b"\x02",))

    assert core.encoded() == (
        b'{"answer":"a","certificates":["Ag"],"channel_key":"k","enrolment":"e","receipt":"r","request":"q",'
        b'"signatures":[{"attributes":"MQA","index":0,"value":"AQ"}]}'
    )
    assert core.digest().hex() == "fe7c6d03a8deedf76645358fe45526145abddf7996b2d78fc403510e581ee87b"


def test_no_member_may_be_missing_and_there_are_no_others():
    whole = a_record()
    where = [path for path in paths(json.loads(whole)) if path[:2] != ("log", "event")]
    assert len(where) > 20

    for path in where:
        without, renamed = json.loads(whole), json.loads(whole)
        del parent(without, path)[path[-1]]
        if path != ("log", "consistency"):
            with pytest.raises(EvidenceRefused, match="lacks the member"):
                Record.read(canonical.encode(without))
        parent(renamed, path)["another"] = 1
        with pytest.raises(EvidenceRefused, match="has a member that it may not have: 'another'"):
            Record.read(canonical.encode(renamed))


@pytest.mark.parametrize(
    "spoil",
    [
        lambda text: text + b"\n",
        lambda text: text + b" ",
        lambda text: b"\n" + text,
        lambda text: b"\xef\xbb\xbf" + text,
        lambda text: text + text,
        lambda text: text[:-1],
        lambda text: text.decode().encode("utf-16"),
        lambda text: b'{"format":"dss-evidence/v1",' + text[1:],
        lambda text: text.replace(b'"leaf":3', b'"leaf":3,"leaf":3'),
        lambda text: text.replace(b'"leaf":3', b'"leaf":3.0'),
        lambda text: text.replace(b'"leaf":3', b'"leaf": 3'),
        lambda text: text.replace(b'"leaf":3', b'"leaf":03'),
        lambda text: text.replace(b"Pixel", b"\\u0050ixel").replace(b'"done"', b'"\\u0064one"'),
        lambda text: json.dumps(dict(reversed(json.loads(text).items())), separators=(",", ":")).encode(),
        lambda text: b"[" * 100_000,
        lambda text: b"",
        lambda text: b"null",
    ],
)
def test_a_record_has_one_text_only(spoil):
    whole = a_record()
    assert spoil(whole) != whole

    with pytest.raises(EvidenceRefused):
        Record.read(spoil(whole))


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("format",), "dss-evidence/v2"),
        (("core",), []),
        (("core", "request"), 1),
        (("core", "signatures"), {}),
        (("core", "signatures"), [{"attributes": "", "index": 0, "value": ""}] * 101),
        (("core", "signatures", 0), "text"),
        (("core", "signatures", 0, "index"), -1),
        (("core", "signatures", 0, "index"), True),
        (("core", "signatures", 0, "value"), "AB"),
        (("core", "signatures", 0, "value"), "AA=="),
        (("core", "certificates"), ["AA"] * 11),
        (("core", "certificates", 0), None),
        (("log", "event"), "text"),
        (("log", "salt"), "AA"),
        (("log", "leaf"), "3"),
        (("log", "leaf"), -3),
        (("log", "path"), [HASH] * 129),
        (("log", "path", 0), "AA"),
        (("log", "path", 0), HASH[:-1] + "B"),
        (("log", "checkpoint"), []),
        (("log", "consistency"), None),
        (("log", "consistency", "size"), -1),
        (("log", "consistency", "path"), HASH),
    ],
)
def test_each_value_has_its_form(path, value):
    spoilt = json.loads(a_record())
    parent(spoilt, path)[path[-1]] = value

    with pytest.raises(EvidenceRefused):
        Record.read(canonical.encode(spoilt))


def test_a_record_of_more_than_16_mib_is_not_looked_at():
    with pytest.raises(EvidenceRefused, match="more than 16 MiB"):
        Record.read(b" " * (LARGEST + 1))


@given(st.binary())
def test_no_bytes_lead_to_anything_but_a_refusal(data):
    with pytest.raises(EvidenceRefused):
        Record.read(data)
