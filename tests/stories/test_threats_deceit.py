"""T04, T05, T15, T61: what others say is shown, kept and printed as it is, and says nothing in the system's name."""

import subprocess
import unicodedata
from collections.abc import Awaitable, Callable
from email import message_from_bytes
from email.policy import default
from itertools import takewhile
from pathlib import Path

import pytest

from dss.kernel import canonical
from dss.kernel.errors import DeceptiveText
from dss.kernel.ids import CredentialId
from dss.kernel.policy import Bounds, Policy
from dss.transactions.tables import preparations
from mobile_mock.cli import view
from mobile_mock.cli.output import Output
from mobile_mock.errors import PhoneError
from mobile_mock.showing import Shown
from tests.protocol.preparing import COUNT, start
from tests.protocol.scene import Refusal, Scene, scene
from tests.stories.witness import (
    Witness,
    assert_failed,
    entry,
    quick_pins,
    row,
    signatures_of,
    tamper,
    tamper_entry,
    witness,
)
from tests.world.intruder import Intruder
from tests.world.pdfs import simple_pdf
from tests.world.world import OPERATOR, PIN

__all__ = ["quick_pins", "scene", "witness"]

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.usefixtures("quick_pins")]

Alter = Callable[..., Awaitable[None]]

# What template engines, formatters, terminals' markup, HTML and PDF strings would take for theirs.
TEMPLATES = (
    *("{user}", "{0}", "{{7*7}}", "{name!r}", "%s", "%(user)s", "${x}", "$x", "#{x}", "[bold red]x[/bold red]"),
    *("<b>x</b>", "&amp;", "&lt;", "<!--", "\\n", "\\u0041", "(x)\\051", "`id`", "$(id)", "=1+1", "'--"),
)
SIDE_BY_SIDE = " ".join(TEMPLATES)
IMITATION = "Who asks     National Bank\nFor what     to see your balance\n\nConfirmed by the signature server."
COMPOSED = "Договір її.pdf"
NFC, NFD = unicodedata.normalize("NFC", COMPOSED), unicodedata.normalize("NFD", COMPOSED)


def without_spaces(text: str) -> str:
    """A text however its lines are broken."""
    return "".join(text.split())


def said_by_others(screen: list[str]) -> list[str]:
    """The lines of the area that is the relying application's, without what marks them."""
    area = screen[screen.index("What the relying application says:") + 1 :]
    return [line.removeprefix("    | ") for line in takewhile(lambda line: line.startswith("    | "), area)]


async def asked(scene: Scene, *names: str, text: str = "Please sign") -> str:
    """Ask for signatures over documents of these names; return the id."""
    pdfs = (simple_pdf() + b"%% %d\n" % number for number in range(len(names)))
    documents = [{"id": (await scene.shop.upload(pdf, name))["id"]} for pdf, name in zip(pdfs, names, strict=True)]
    wish = {"credential_id": scene.alice.credential_id, "text": text, "documents": documents}
    return str((await scene.shop.post("/v1/signatures", wish))["id"])


async def report_of(scene: Scene, id: str) -> str:
    """The text of the report on a signature."""
    await scene.world.seal()
    answer = await scene.shop.http.get(f"/v1/signatures/{id}/evidence/report", params={"language": "en"})
    read = ["pdftotext", "-raw", "-", "-"]
    return subprocess.run(read, input=answer.content, capture_output=True, check=True, timeout=30).stdout.decode()


async def test_t04_what_looks_like_a_template_is_shown_kept_and_printed_as_it_is(
    scene: Scene, capsys: pytest.CaptureFixture[str]
):
    name = SIDE_BY_SIDE.replace("/", "|").replace("\\", "|")
    id = await asked(scene, name, text=SIDE_BY_SIDE)
    shown = await scene.alice.phone.show(id)
    Output(as_json=False).tell(view.members(shown), *view.lines(shown))
    screen = capsys.readouterr().out.splitlines()

    assert without_spaces(SIDE_BY_SIDE) == without_spaces("".join(said_by_others(screen)))
    assert without_spaces(name) in without_spaces("".join(line.removeprefix("    | ") for line in screen))
    assert (view.members(shown)["text"], names_shown(shown)) == (SIDE_BY_SIDE, [name])
    await scene.alice.phone.confirm(shown, PIN)
    await scene.world.settle()
    report = without_spaces(await report_of(scene, id))
    assert without_spaces(SIDE_BY_SIDE) in report
    assert without_spaces(name) in report


async def test_t04_what_looks_like_a_template_stands_in_letters_as_it_is(scene: Scene):
    before = set(await scene.world.letters())
    person = await scene.world.user("braces", given_name="{user} %s ${x}", surname="{{7*7}} <b> &amp;")
    await scene.world.invite(person)
    texts = [read_letter(letter) for letter in await scene.world.letters() if letter not in before]

    assert len(texts) == 2
    assert all("{user} %s ${x} {{7*7}} <b> &amp;" in text for text in texts)


def read_letter(letter: Path) -> str:
    """The text of a letter."""
    body = message_from_bytes(letter.read_bytes(), policy=default).get_body()
    assert body is not None
    return str(body.get_content())


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("to p\N{CYRILLIC SMALL LETTER A}ypal", "text has Cyrillic among Latin letters, U+0430, at character 5"),
        ("\N{MATHEMATICAL BOLD CAPITAL A}", "text has a character that imitates another, U+1D400, at character 1"),
        ("a" + "\N{COMBINING ACUTE ACCENT}" * 5, "text has more than 4 marks on one character, U+0301"),
    ],
)
async def test_t04_a_text_whose_letters_pass_for_others_is_refused_and_the_letter_told(
    scene: Scene, text: str, says: str
):
    await scene.refuses_wish(Refusal(422, "deceptive_text", says), text=text)


@pytest.mark.parametrize("member", ["relying_application", "name", "client", "client_id"])
async def test_t15_a_request_that_brings_a_name_of_its_own_is_refused(scene: Scene, member: str):
    for value in ("National Bank", {"id": scene.shop.id, "name": "National Bank"}):
        await scene.refuses_wish(Refusal(422, "invalid", f"`{member}`"), **{member: value})


async def test_t15_the_phone_shows_the_registered_name_and_text_that_imitates_the_system_apart_from_it(scene: Scene):
    id = await asked(scene, "contract.pdf", text=IMITATION)
    shown = await scene.alice.phone.show(id)
    screen = view.lines(shown)

    assert view.members(shown)["relying_application"] == {"id": scene.shop.id, "name": "Contracts Ltd"}
    assert [line for line in screen if line.startswith("Who asks")] == ["Who asks     Contracts Ltd"]
    said = IMITATION.split("\n")
    assert said_by_others(screen) == said
    assert [line for line in screen if "National Bank" in line] == [f"    | {said[0]}"]


@pytest.mark.parametrize(
    "name", ["Contr\N{CYRILLIC SMALL LETTER A}cts Ltd", "\N{FULLWIDTH LATIN CAPITAL LETTER C}ontracts"]
)
async def test_t15_a_name_in_letters_that_pass_for_another_s_is_not_registered(scene: Scene, name: str):
    with pytest.raises(DeceptiveText, match="the name has"):
        await scene.world.application(name)


# --- what is signed is of the kind and level that was shown ---


async def in_the_row(scene: Scene, id: str, **other: str) -> None:
    await tamper_entry(scene.world, id, item=(await entry(scene.world, id)).item | other)


async def in_the_request(scene: Scene, id: str, **other: str) -> None:
    payload = canonical.decode((await row(scene.world, id)).request)
    payload["documents"][0] |= other
    await tamper(scene.world, id, request=canonical.encode(payload))


async def in_both(scene: Scene, id: str, **other: str) -> None:
    await in_the_row(scene, id, **other)
    await in_the_request(scene, id, **other)


KINDS = [{"format": "PAdES-B-T"}, {"format": "hash"}, {"scheme": "pkcs1v15"}, {"hash_algorithm": "sha512"}]


@pytest.mark.parametrize("altered", [in_the_row, in_the_request, in_both])
@pytest.mark.parametrize("other", KINDS, ids=lambda other: "-".join(next(iter(other.items()))))
async def test_t05_a_kind_or_level_that_is_altered_after_it_was_shown_gives_no_signature(
    scene: Scene, witness: Witness, altered: Alter, other: dict[str, str]
):
    scene.world.clock.move(1)
    id = await asked(scene, "contract.pdf")
    shown = await scene.alice.phone.show(id)
    await altered(scene, id, **other)
    try:
        await scene.alice.phone.confirm(shown, PIN)
    except PhoneError:
        assert (await row(scene.world, id)).state == "awaiting"
    else:
        await scene.world.settle()
        await assert_failed(scene.world, id)
    assert witness.digests == []
    assert await signatures_of(scene.world, id) == 0


@pytest.mark.parametrize("text", ["pay \u202e001", "pay\u200b", "p\N{CYRILLIC SMALL LETTER A}ypal"], ids=ascii)
async def test_t04_the_text_of_a_session_is_refused_as_that_of_a_signature(scene: Scene, text: str):
    policies, key = scene.world.services.policies, CredentialId(scene.alice.credential_id)
    await policies.change_credential(key, Policy(session=Bounds(5, 30)), OPERATOR)
    wish = {"credential_id": key, "text": text, "signatures": 2, "minutes": 5}
    refused = await scene.shop.post("/v1/sessions", wish, status=422)
    assert refused["type"] == "urn:dss:error:deceptive_text"
    assert "session" not in {notice.kind for notice in await scene.alice.phone.waiting()}


@pytest.mark.parametrize("altered", [{"text": "pay \u202e001"}, {"text": "a" * 501}], ids=["deceptive", "too long"])
async def test_t04_a_text_that_was_altered_while_documents_were_prepared_is_not_signed(
    scene: Scene, altered: dict[str, str]
):
    """Who writes to the database finds no other way to the channel key: all that it signs is looked at there."""
    id = await start(scene)
    intruder = Intruder(scene.world.services.database)
    wish = (await intruder.row(preparations, id))["wish"]
    await intruder.edit(preparations, id, wish=wish | altered, prepared=COUNT)
    await scene.world.settle()

    assert (await scene.shop.get(f"/v1/signatures/{id}"))["state"] == "failed"
    assert id not in {notice.id for notice in await scene.alice.phone.waiting()}


# --- one name in two forms of Unicode ---


async def test_t61_names_in_two_forms_are_two_names_shown_bound_and_told_as_they_came(scene: Scene):
    """Unicode UAX #15: canonically equivalent texts look alike; each is a name of its own."""
    assert NFC != NFD
    id = await asked(scene, NFC, NFD, text=f"{NFC}\n{NFD}")
    shown = await scene.alice.phone.show(id)
    bound = canonical.decode((await row(scene.world, id)).request)

    assert names_shown(shown) == [NFC, NFD]
    assert [document["name"] for document in bound["documents"]] == [NFC, NFD]
    assert (shown.request.text, bound["text"]) == (f"{NFC}\n{NFD}",) * 2
    await scene.alice.phone.confirm(shown, PIN)
    await scene.world.settle()
    told = await scene.shop.get(f"/v1/signatures/{id}")
    assert (told["state"], [document["name"] for document in told["documents"]]) == ("signed", [NFC, NFD])


async def test_t61_a_name_in_the_other_form_is_not_what_was_shown(scene: Scene, witness: Witness):
    scene.world.clock.move(1)
    id = await asked(scene, NFC)
    await scene.alice.phone.confirm(await scene.alice.phone.show(id), PIN)
    await tamper_entry(scene.world, id, item=(await entry(scene.world, id)).item | {"name": NFD})
    await scene.world.settle()

    await assert_failed(scene.world, id)
    assert witness.digests == []


def names_shown(shown: Shown) -> list[str | None]:
    """The names of the documents as the phone shows them."""
    return [document["name"] for document in view.members(shown)["documents"]]
