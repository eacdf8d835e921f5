"""docs/evidence.md sections 1a and 2, step 6: the log's key vouches for the channel key."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dss.audit.checkpoint import Checkpoint
from dss.audit.note import Note, NoteRefused
from dss.evidence.channel_key import Statement
from dss.evidence.fields import EvidenceRefused
from dss.evidence.verifying import verify
from dss.infra import jose
from tests.world import jws
from tests.world.evidence_log import ORIGIN, SoftLog
from tests.world.evidence_maker import SERVER, Maker

lines = st.text(st.characters(exclude_categories=["Cc", "Cs"]))
LOG = SoftLog()


@pytest.fixture
def maker() -> Maker:
    return Maker()


def refused(maker: Maker, draft, why: str, **changed: str) -> None:
    record = maker.finish(draft, replace(maker.core(draft), **changed))
    with pytest.raises(EvidenceRefused, match=why):
        verify(record.encoded(), maker.trust())


@given(lines, lines)
def test_what_is_written_is_read_back(server, thumbprint):
    stated = Statement(ORIGIN, server, thumbprint)

    assert Statement.read_signed(LOG.signed(stated.text), LOG.key) == stated


def test_the_text_is_four_lines_and_no_checkpoint():
    text = Statement(ORIGIN, SERVER, "thumb").text

    assert text == f"dss-channel-key/v1\n{ORIGIN}\n{SERVER}\nthumb\n"
    with pytest.raises(NoteRefused):
        Checkpoint.read(text)


@pytest.mark.parametrize("declines", [False, True])
def test_an_invented_channel_key_is_refused_though_its_phone_and_its_receipt_fit(maker, declines):
    """T52: all that somebody without the log's key can make; the word for the true key is in every record."""
    draft = maker.declined(maker.sign()) if declines else maker.sign()
    true = maker.core(draft).channel_key
    maker.channel = jws.new_key()

    refused(maker, draft, "^core.channel_key: it is not about the key that signed", channel_key=true)
    invented = SoftLog().signed(maker.statement(draft))
    refused(maker, draft, "^core.channel_key: the note has no signature line", channel_key=invented)
    assert verify(maker.finish(draft).encoded(), maker.trust()).transaction


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        ("dss-channel-key/v1", "dss-channel-key/v2", "has not the lines"),
        ("dss-channel-key/v1\n", "", "has not the lines"),
        (ORIGIN, "other.example/log", "not of the log whose key signed it"),
        (ORIGIN, "", "not of the log whose key signed it"),
        (SERVER, SERVER + "/", "of another server"),
        (SERVER, "", "of another server"),
        (SERVER, f"{SERVER}\n{SERVER}", "has not the lines"),
        (SERVER + "\n", "", "has not the lines"),
    ],
)
def test_each_line_of_the_statement_is_looked_at(maker, old, new, why):
    draft = maker.sign()
    draft.stated = maker.statement(draft).replace(old, new)

    refused(maker, draft, f"^core.channel_key: .*{why}")


@pytest.mark.parametrize("more", ["\n", "extension\n", "\n\n", " \n"])
def test_nothing_follows_the_four_lines(maker, more):
    draft = maker.sign()
    draft.stated = maker.statement(draft) + more

    refused(maker, draft, "^core.channel_key: it has not the lines")


def test_the_thumbprint_has_one_form(maker):
    draft, thumbprint = maker.sign(), jose.thumbprint(jws.public_jwk(maker.channel))
    for other in (thumbprint + "=", thumbprint.lower(), thumbprint[:-1], " " + thumbprint, ""):
        draft.stated = maker.statement(draft).replace(thumbprint, other)
        refused(maker, draft, "^core.channel_key: it is not about the key that signed")


def test_a_checkpoint_is_no_statement(maker):
    maker.finish(maker.sign())

    refused(maker, maker.sign(), "^core.channel_key: it has not the lines", channel_key=maker.log.checkpoint())


def test_it_has_one_signature_line_which_verifies(maker):
    draft = maker.sign()
    note = Note.read(maker.core(draft).channel_key)
    (line,) = note.lines
    (other,) = Note.read(SoftLog("other.example/log").signed(note.text)).lines
    wrong = replace(line, value=line.value[:-1] + bytes([line.value[-1] ^ 1]))

    for signed in ((line, other), (line, line)):
        refused(maker, draft, "more signature lines than the log's own", channel_key=Note(note.text, signed).written)
    for signed in ((other,), (wrong,)):
        refused(maker, draft, "^core.channel_key: the", channel_key=Note(note.text, signed).written)
    for text in ("", "nonsense", note.text, note.written + "\n"):
        refused(maker, draft, "^core.channel_key: ", channel_key=text)
