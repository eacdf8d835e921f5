"""Stories of the page of the server itself: a person follows it from the code that is scanned to the end."""

import httpx
import pytest

from dss.kernel.ids import CredentialId
from dss.kernel.policy import Mode, Policy
from mobile_mock.scanning import text_of
from tests.protocol.html_reading import Reading
from tests.stories.bank import Bank, always, bank_of, scanning
from tests.world.owners import Owner, alice, street
from tests.world.pdfs import simple_pdf
from tests.world.world import OPERATOR, PIN, SERVER

__all__ = ["alice", "street"]

in_the_street = pytest.mark.asyncio(loop_scope="module")


async def read(bank: Bank, url: str) -> Reading:
    """A page as a browser that nobody knows gets it."""
    async with bank.world.http() as browser:
        answer = await browser.get(url)
    assert answer.status_code == 200
    return Reading(answer.text)


async def asked(bank: Bank, **wish: object) -> tuple[str, str]:
    """Ask for a signature of a hash; return its id and its page."""
    right = {"credential_id": bank.owner.credential_id, "text": "Rent, March", "hashes": ["A" * 43 + "="]}
    told = await bank.application.post("/v1/signatures", right | wish)
    return told["id"], told["page"]


@in_the_street
async def test_the_page_goes_with_the_request_from_the_scan_to_its_end(alice: Owner):
    bank = await always(alice)
    id, url = await asked(bank)
    assert url.startswith(f"{SERVER}/wait/{id}?k=")
    titles = [(await read(bank, url)).text("h1")]

    await scanning(alice.phone, await bank.link(id))
    titles.append((await read(bank, url)).text("h1"))
    await alice.phone.confirm(await alice.phone.show(id), PIN)
    titles.append((await read(bank, url)).text("h1"))
    await alice.world.settle()
    titles.append((await read(bank, url)).text("h1"))

    assert titles == ["Scan this code", "Confirm on your phone", "Confirmed", "Done"]
    assert (await read(bank, url)).main.texts["bdi"] == [f"Bank of {alice.user.login}", "Rent, March"]


@in_the_street
async def test_the_page_shows_the_one_number_that_is_right_until_it_was_answered(alice: Owner):
    bank = await bank_of(alice, Policy(verification={"sign": Mode.CHOOSE}))
    id, url = await asked(bank)
    number = (await read(bank, url)).text("strong")

    await alice.phone.confirm(await alice.phone.show(id), PIN, number=number)

    assert "strong" not in (await read(bank, url)).tags()
    await alice.world.settle()
    assert (await read(bank, url)).text("h1") == "Done"


@in_the_street
async def test_the_page_says_why_a_request_was_declined(alice: Owner):
    bank = await bank_of(alice, Policy())
    id, url = await asked(bank)

    await alice.phone.decline(await alice.phone.show(id), "the sum is wrong", "wrong_data")

    page = await read(bank, url)
    assert "what it shows is not right" in page.text("p")
    assert page.texts["bdi"][-1] == "the sum is wrong"


@in_the_street
async def test_the_page_says_that_a_wrong_number_ended_the_request(alice: Owner):
    bank = await bank_of(alice, Policy(verification={"sign": Mode.CHOOSE}))
    id, url = await asked(bank)
    right = (await read(bank, url)).text("strong")
    shown = await alice.phone.show(id)
    wrong = next(number for number in shown.request.verification.numbers if number != right)

    await alice.phone.confirm(shown, PIN, number=wrong)

    assert "Another number was chosen" in (await read(bank, url)).text("p")


@in_the_street
async def test_the_page_of_what_nobody_answered_says_so(alice: Owner):
    bank = await always(alice)
    _, url = await asked(bank, expires_in=10)

    alice.world.clock.move(10)

    page = await read(bank, url)
    assert page.text("h1") == "The time is over"
    assert "img" not in page.tags()


@in_the_street
async def test_the_page_of_many_documents_says_that_they_are_prepared(alice: Owner):
    bank = await always(alice)
    document = await bank.application.upload(simple_pdf())
    id, url = await asked(bank, hashes=[], documents=[{"id": document["id"]}] * 101)

    page = await read(bank, url)

    assert page.text("h1") == "It is being prepared"
    assert "Documents: 101" in page.texts["dd"]
    assert await bank.application.get(f"/v1/transactions/{id}/device-link", status=409)


@in_the_street
async def test_a_phone_without_a_connection_answers_by_a_code_that_is_typed_on_the_page(alice: Owner):
    """docs/device-protocol.md section 12."""
    key = CredentialId(alice.credential_id)
    await alice.world.services.policies.change_credential(key, Policy(offline=True), OPERATOR)
    assert await alice.confirms(await alice.of_key("offline")) == "signed"
    bank = await bank_of(alice, Policy())
    id, url = await asked(bank)
    links = [given["href"] or "" for tag, given in (await read(bank, url)).main.found if tag == "a"]
    form = httpx.URL(url).join(next(link for link in links if "/code?" in link))
    async with bank.world.http() as browser:
        picture = await browser.get(form.join(f"offline.png?{form.query.decode()}"))
        codes = await alice.phone.offline_codes(alice.phone.show_offline(text_of(picture.content)), PIN)
        wrong = await browser.post(form, data={"code": "00000000" if codes.confirm != "00000000" else "11111111"})
        right = await browser.post(form, data={"code": codes.confirm})

    assert (wrong.status_code, right.status_code) == (403, 303)
    assert form.join(right.headers["location"]) == httpx.URL(url)
    await alice.world.settle()
    assert (await bank.application.get(f"/v1/signatures/{id}"))["state"] == "signed"
    assert (await read(bank, url)).text("h1") == "Done"
