"""What evidence says to people: what it proves, which documents it is about, and what it does not prove.

Names that strangers chose stand at the end of a sentence,
behind a colon: none can pretend that the sentence ends and another begins.
Source: docs/evidence.md sections 3 and 4.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from dss.devices.items import Item
from dss.devices.request import Kind
from dss.evidence.confirmation_check import BY_CODE
from dss.evidence.document_check import Given
from dss.evidence.verifying import Proven
from dss.evidence.words import Words, hash_name, moment
from dss.kernel.policy import Mode

MOST_NUMBERS = 20  # of documents that were declined
BY_OWNER, BY_OPERATOR = "owner", "operator"  # in place of a relying application's id


@dataclass(frozen=True, slots=True)
class Section:
    """Sentences under a heading, each a line of its own."""

    heading: str
    sentences: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Said:
    """Evidence in words.

    language:  one of LOCALES.
    documents: no sentences where the confirmation was about none.
    unproven:  what a reader might take for proven, though it is not.
    """

    language: str
    title: str
    proven: Section
    documents: Section
    unproven: Section

    @property
    def sections(self) -> tuple[Section, ...]:
        """The sections that have something to say, in the order of reading."""
        return tuple(section for section in (self.proven, self.documents, self.unproven) if section.sentences)


def say(proven: Proven, language: str, compared: Given | None = None) -> Said:
    """Put into words what a record proves.

    compared: which document a given file was found to be; None where no file was given.
    Raises Invalid for a language that is not one of LOCALES.
    """
    words = Words.of(language)
    return Said(
        language,
        words.text("headings", "confirmed" if proven.is_confirmed else "declined"),
        Section(words.text("headings", "proven"), tuple(_proven(words, proven))),
        Section(words.text("headings", "documents"), tuple(_documents(words, proven))),
        Section(words.text("headings", "unproven"), tuple(_unproven(words, proven, compared))),
    )


# --- what is proven ---


def _proven(words: Words, proven: Proven) -> Iterator[str]:
    yield words.text("proven", _outcome(proven), what=_what(words, proven))
    yield words.text("proven", "signer", login=proven.signer.login, name=proven.signer.name)
    yield from _asked(words, proven)
    yield from _in_session(words, proven)
    yield from _concerned(words, proven)
    yield from _certified(words, proven)
    yield from _answered(words, proven)
    yield from _logged(words, proven)


def _outcome(proven: Proven) -> str:
    """Return which sentence comes first: what was done, and who or what stands for it."""
    if proven.within:
        return "in_session"
    outcome = "confirmed" if proven.is_confirmed else "declined"
    return f"{outcome}_by_code" if proven.is_by_code else outcome


def _what(words: Words, proven: Proven) -> str:
    change, share, session = proven.change, proven.share, proven.session
    if proven.is_of_batch:
        number = proven.documents[0].index + 1 if proven.documents else 0
        return words.text("what", "leaf" if number else "batch", number=number, count=proven.count)
    return words.text(
        "what",
        change.action if change else proven.kind,
        items=_items(words, tuple(item for item in proven.documents if item.index not in proven.declined)),
        keys=words.count("keys", len(share.keys) if share else 0),
        reason=words.text("reasons", change.reason) if change and change.reason else "",
        signatures=words.count("signatures", session.signatures if session else 0),
        minutes=words.count("minutes", session.minutes if session else 0),
    )


def _items(words: Words, items: tuple[Item, ...]) -> str:
    """Count documents and bare hashes apart: of a hash nobody saw a document."""
    documents = sum(item.document is not None for item in items)
    hashes = len(items) - documents
    if not hashes:
        return words.count("documents", documents)
    if not documents:
        return words.count("hashes", hashes)
    return words.text("counts", "and", one=words.count("documents", documents), other=words.count("hashes", hashes))


def _asked(words: Words, proven: Proven) -> Iterator[str]:
    by = proven.relying_application
    who = by.id if by.id in {BY_OWNER, BY_OPERATOR} else "application"
    yield words.text("proven", who, id=by.id, name=by.name)
    if proven.text:
        yield words.text("proven", "unshown" if proven.within else "text", text=proven.text)
    yield words.text("proven", "server", server=proven.server)
    yield words.text("proven", "asked", at=moment(proven.asked_at))
    yield words.text("proven", "channel_key", thumbprint=proven.channel_key)


def _in_session(words: Words, proven: Proven) -> Iterator[str]:
    """Tell of the session that was confirmed in place of what was signed."""
    within = proven.within
    if within is None:
        return
    signatures = words.count("signatures", within.session.signatures)
    minutes, place = words.count("minutes", within.session.minutes), within.place
    yield words.text("proven", "session", id=place.session, signatures=signatures, minutes=minutes, place=place.first)
    if within.text:
        yield words.text("proven", "session_text", text=within.text)


def _concerned(words: Words, proven: Proven) -> Iterator[str]:
    """Name the keys and the other phone that the confirmation was about."""
    change, share, new = proven.change, proven.share, proven.new_key
    for key in (proven.key, change and change.key, *(share.keys if share else ())):
        if key:
            yield words.text("proven", "key", id=key.id, sha256=key.certificate_sha256.hex())
    for phone in (change and change.phone, share and share.phone):
        if phone:
            yield words.text("proven", "other_phone", id=phone.id, name=phone.name)
    if change and change.application:
        yield words.text("proven", "allowed", id=change.application.id, name=change.application.name)
    if new:
        days = words.count("days", new.validity_days)
        yield words.text("proven", "new_key", id=new.id, key_type=new.key_type, days=days, subject=new.subject)
        if new.replaces:
            yield words.text("proven", "replaces", id=new.replaces.id)


def _certified(words: Words, proven: Proven) -> Iterator[str]:
    if proven.certificate:
        what = "signed" if proven.kind is Kind.SIGN else "certified"
        yield words.text("proven", what, subject=proven.certificate.subject)


def _answered(words: Words, proven: Proven) -> Iterator[str]:
    phone = proven.phone
    yield words.text("proven", "phone", device=phone.id, name=phone.name, platform=phone.platform)
    yield words.text("proven", "enrolled", at=moment(phone.enrolled))
    if proven.answered_at is not None:
        yield words.text("proven", "answered", at=moment(proven.answered_at))
    if proven.verification:
        yield words.text("proven.how", proven.verification)
    if proven.is_confirmed and proven.mode is not Mode.NONE:
        yield words.text("proven.mode", BY_CODE if proven.is_by_code else proven.mode)
    yield from _left_out(words, proven)
    if proven.cause is not None:
        yield words.text("proven.causes", proven.cause)
    if proven.reason:
        yield words.text("proven", "reason", reason=proven.reason)


def _left_out(words: Words, proven: Proven) -> Iterator[str]:
    """Name the documents that were declined, by their numbers; of many the first."""
    if not proven.declined:
        return
    numbers = [str(index + 1) for index in proven.declined[:MOST_NUMBERS]]
    more = ["…"] if len(proven.declined) > MOST_NUMBERS else []
    yield words.text("proven", "left_out", count=len(proven.declined), numbers=", ".join(numbers + more))


def _logged(words: Words, proven: Proven) -> Iterator[str]:
    logged = proven.logged
    yield words.text("proven", "recorded", at=moment(logged.at))
    leaves = words.count("leaves", logged.size)
    yield words.text("proven", "log", origin=logged.origin, leaf=logged.leaf, leaves=leaves)
    if logged.kept is not None:
        yield words.text("proven", "kept", leaves=words.count("leaves", logged.kept))


# --- the documents ---


def _documents(words: Words, proven: Proven) -> Iterator[str]:
    for item in proven.documents:
        document, to_sign, number = item.document, item.to_sign, item.index + 1
        if document is None:
            yield words.text("documents", "hash", number=number, algorithm=hash_name(to_sign), digest=to_sign.hex)
        else:
            size, digest = words.count("bytes", document.size), document.document_digest.hex
            yield words.text("documents", "shown", number=number, bytes=size, digest=digest, name=document.name)
        if item.index in proven.declined:
            yield words.text("documents", "declined", number=number)


# --- what is not ---


def _unproven(words: Words, proven: Proven, compared: Given | None) -> Iterator[str]:
    certified = proven.certificate is not None
    signed = certified and proven.kind is Kind.SIGN
    yield words.text("unproven", "certified_person" if certified else "person")
    yield from _unseen(words, proven)
    yield words.text("unproven.hands", BY_CODE if proven.is_by_code else proven.verification or "declined")
    if certified:
        yield words.text("unproven", "revoked")
    yield words.text("unproven", "time")
    yield words.text("unproven", "tree")
    yield from _uncompared(words, proven, compared, signed=signed)
    yield words.text("unproven", "stopped")
    yield words.text("unproven", "forged_signature" if signed else "forged")


def _unseen(words: Words, proven: Proven) -> Iterator[str]:
    """Tell what the person may not have seen."""
    yield words.text("unproven", "unshown" if proven.within else "read")
    if proven.within:
        yield words.text("unproven", "places")
    if any(item.document is None for item in proven.documents):
        yield words.text("unproven", "content")
    if proven.is_confirmed and proven.mode is not Mode.NONE:
        yield words.text("unproven", "page")


def _uncompared(words: Words, proven: Proven, compared: Given | None, *, signed: bool) -> Iterator[str]:
    """Tell what a given file would show."""
    named = [item.index + 1 for item in proven.documents if item.document]
    if named and compared is None:
        yield words.text("unproven", "file")
    over = [number for number in named if number - 1 not in proven.declined]
    if signed and over and not _all_signed(over, compared):
        unseen = proven.within or proven.is_by_code
        yield words.text("unproven", "over_unseen" if unseen else "over")


def _all_signed(named: list[int], compared: Given | None) -> bool:
    """Whether the given file shows all the signatures over documents: nothing else ties a name to what was signed."""
    return compared is not None and compared.is_signed and named == [compared.number]
