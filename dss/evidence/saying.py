"""What evidence says to people: what it proves, which documents it is about, and what it does not prove.

Texts of others are set into templates, and never are one. Names that strangers chose stand at the end of a sentence,
behind a colon: none can pretend that the sentence ends and another begins.
Source: docs/evidence.md sections 3 and 4.
"""

import tomllib
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from importlib import resources
from typing import Any, Self

from dss.devices.request import Item, Kind
from dss.evidence.document_check import Given
from dss.evidence.verifying import Proven
from dss.kernel.digest import Digest
from dss.kernel.errors import Invalid
from dss.kernel.text import BLANK, HIDDEN
from dss.notify.model import LOCALES

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


@dataclass(frozen=True, slots=True)
class Words:
    """The texts of a language.

    texts: as they stand in texts/<language>.toml.
    """

    language: str
    texts: Mapping[str, Any]

    @classmethod
    def of(cls, language: str) -> Self:
        """Return the words of one of LOCALES. Raises Invalid."""
        if language not in LOCALES:
            raise Invalid(f"the language is not one of {', '.join(LOCALES)}")
        return cls(language, _texts(language))

    def text(self, section: str, name: str, /, **facts: object) -> str:
        """Return the text `name` of a section, as `proven.how`, with facts in its places."""
        found = self.texts
        for part in section.split("."):
            found = found[part]
        template: str = found[name]
        return template.format(**{place: shown(str(fact)) for place, fact in facts.items()})

    def count(self, thing: str, number: int) -> str:
        """Return so many of a thing of the section `counts`: 1 document, 2 documents."""
        return self.text(f"counts.{thing}", plural(self.language, number), count=number)


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
        Section(words.text("headings", "documents"), tuple(_documents(words, proven.documents))),
        Section(words.text("headings", "unproven"), tuple(_unproven(words, proven, compared))),
    )


def moment(time: datetime) -> str:
    """Write a time as every reader takes it: year first, in UTC, whole seconds."""
    return f"{time.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def shown(text: str) -> str:
    r"""Return text on one line with nothing hidden: line feeds as ¶, what a screen would not draw as \u202E."""
    return "".join(_visible(character) for character in text.replace("\n", " ¶ "))


def hash_name(digest: Digest) -> str:
    """Return the name of a hash algorithm as people write it: SHA-256."""
    return digest.name.replace("sha", "SHA-")


def plural(language: str, count: int) -> str:
    """Return which form a noun has beside a number: one, few or many. Source: the plural rules of Unicode CLDR."""
    ones, tens = count % 10, count % 100
    if language in {"ru", "uk"}:
        if ones == 1 and tens != 11:
            return "one"
        return "few" if 2 <= ones <= 4 and not 12 <= tens <= 14 else "many"
    if count == 1:
        return "one"
    return "few" if count == 0 or 1 <= tens <= 19 else "many"


# --- what is proven ---


def _proven(words: Words, proven: Proven) -> Iterator[str]:
    yield words.text("proven", "confirmed" if proven.is_confirmed else "declined", what=_what(words, proven))
    yield words.text("proven", "signer", login=proven.signer.login, name=proven.signer.name)
    yield from _asked(words, proven)
    yield from _concerned(words, proven)
    yield from _certified(words, proven)
    yield from _answered(words, proven)
    yield from _logged(words, proven)


def _what(words: Words, proven: Proven) -> str:
    change, share = proven.change, proven.share
    return words.text(
        "what",
        change.action if change else proven.kind,
        items=_items(words, proven.documents),
        keys=words.count("keys", len(share.keys) if share else 0),
        reason=words.text("reasons", change.reason) if change and change.reason else "",
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
        yield words.text("proven", "text", text=proven.text)
    yield words.text("proven", "server", server=proven.server)
    yield words.text("proven", "asked", at=moment(proven.asked_at))
    yield words.text("proven", "channel_key", thumbprint=proven.channel_key)


def _concerned(words: Words, proven: Proven) -> Iterator[str]:
    """Name the keys and the other phone that the confirmation was about."""
    change, share, new = proven.change, proven.share, proven.new_key
    for key in (proven.key, change and change.key, *(share.keys if share else ())):
        if key:
            yield words.text("proven", "key", id=key.id, sha256=key.certificate_sha256.hex())
    for phone in (change and change.phone, share and share.phone):
        if phone:
            yield words.text("proven", "other_phone", id=phone.id, name=phone.name)
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
    yield words.text("proven", "answered", at=moment(proven.answered_at))
    if proven.verification:
        yield words.text("proven.how", proven.verification)
    if proven.reason:
        yield words.text("proven", "reason", reason=proven.reason)


def _logged(words: Words, proven: Proven) -> Iterator[str]:
    logged = proven.logged
    yield words.text("proven", "recorded", at=moment(logged.at))
    leaves = words.count("leaves", logged.size)
    yield words.text("proven", "log", origin=logged.origin, leaf=logged.leaf, leaves=leaves)
    if logged.kept is not None:
        yield words.text("proven", "kept", leaves=words.count("leaves", logged.kept))


# --- the documents ---


def _documents(words: Words, items: tuple[Item, ...]) -> Iterator[str]:
    for number, item in enumerate(items, 1):
        document, to_sign = item.document, item.to_sign
        if document is None:
            yield words.text("documents", "hash", number=number, algorithm=hash_name(to_sign), digest=to_sign.hex)
        else:
            size, digest = words.count("bytes", document.size), document.document_digest.hex
            yield words.text("documents", "shown", number=number, bytes=size, digest=digest, name=document.name)


# --- what is not ---


def _unproven(words: Words, proven: Proven, compared: Given | None) -> Iterator[str]:
    certified = proven.certificate is not None
    signed = certified and proven.kind is Kind.SIGN
    named = [number for number, item in enumerate(proven.documents, 1) if item.document]
    yield words.text("unproven", "certified_person" if certified else "person")
    yield words.text("unproven", "read")
    if len(named) < len(proven.documents):
        yield words.text("unproven", "content")
    yield words.text("unproven.hands", proven.verification or "declined")
    if certified:
        yield words.text("unproven", "revoked")
    yield words.text("unproven", "time")
    yield words.text("unproven", "tree")
    if named and compared is None:
        yield words.text("unproven", "file")
    if signed and named and not _all_signed(named, compared):
        yield words.text("unproven", "over")
    yield words.text("unproven", "stopped")
    yield words.text("unproven", "forged_signature" if signed else "forged")


def _all_signed(named: list[int], compared: Given | None) -> bool:
    """Whether the given file shows all the signatures over documents: nothing else ties a name to what was signed."""
    return compared is not None and compared.is_signed and named == [compared.number]


def _visible(character: str) -> str:
    hidden = character in BLANK or unicodedata.category(character) in HIDDEN
    return f"\\u{ord(character):04X}" if hidden else character


@cache
def _texts(language: str) -> dict[str, Any]:
    texts = resources.files("dss.evidence").joinpath(f"texts/{language}.toml")
    return tomllib.loads(texts.read_text(encoding="utf-8"))
