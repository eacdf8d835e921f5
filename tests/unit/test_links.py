"""docs/device-protocol.md section 10: the code of a second, what it is made of, and how long it is good."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dss.devices import links
from dss.devices.links import Linked, LinkSecrets
from dss.kernel import b64
from dss.kernel.errors import Expired
from dss.kernel.ids import ClientId, TransactionId, UserId
from dss.transactions.browsers import Browser
from mobile_mock.link_code import LinkCode, read_link_code
from tests.world.servicekeys import SoftwareServiceKeys

SECRET = bytes(range(32))
ID, OTHER_ID = TransactionId("01KAJ9T8VX3N5Q7R9S1T2V4W6Y"), TransactionId("01KAJ9T8VX3N5Q7R9S1T2V4W6Z")
SHOP = "01KAJ9T8VX0000000000000000"
LINKED = Linked(ID, SHOP, bytes(range(32, 64)))
TIME = 1795296000
AT = datetime.fromtimestamp(TIME, UTC)


# --- the code ---


@pytest.mark.parametrize(
    ("time", "code"),
    [
        (TIME, "x_miJ1DoEqdSVF0ArC0_NLNtiFQTJK_-n7ohOvbA-VU"),
        (TIME + 1, "1cbrsWnPKpvwINTKUzE8QvgqruezoR9eX6ftoXsR5ZE"),
    ],
)
def test_the_code_of_a_second_is_the_one_that_another_program_computes(time, code):
    """The expected ones were made with `openssl dgst -sha256 -mac HMAC` over the text of the protocol."""
    assert LINKED.code(SECRET, time) == code
    assert LINKED.is_right(SECRET, time, code)


def test_the_code_of_the_page_is_the_one_that_another_program_computes():
    assert links.page_code(SECRET, ID) == "UJXqMmVxnP6YHDW8bwXBOFgUc13NpzzgKB2nRuiiX10"


@pytest.mark.parametrize(
    "other",
    [
        Linked(OTHER_ID, SHOP, LINKED.binding),
        Linked(ID, SHOP[:-1] + "1", LINKED.binding),
        Linked(ID, SHOP, bytes(32)),
    ],
    ids=["transaction", "relying application", "binding"],
)
def test_t10_a_code_is_right_for_one_request_of_one_application_only(other):
    assert not other.is_right(SECRET, TIME, LINKED.code(SECRET, TIME))


def test_t10_a_code_is_right_for_its_second_and_its_secret_only():
    code = LINKED.code(SECRET, TIME)

    assert not LINKED.is_right(SECRET, TIME + 1, code)
    assert not LINKED.is_right(SECRET[::-1], TIME, code)


@given(st.text(max_size=50))
def test_any_other_text_is_no_code(text):
    assert LINKED.is_right(SECRET, TIME, text) is (text == LINKED.code(SECRET, TIME))


# --- its time ---


@pytest.mark.parametrize("age", [-1, 0, 1, 2.5, 3])
def test_a_code_is_good_for_three_seconds_and_one_before_its_time(age):
    links.require_fresh(TIME, AT + timedelta(seconds=age))


@pytest.mark.parametrize("age", [-3600, -1.000001, 3.000001, 4, 3600])
def test_t10_a_code_that_is_older_or_further_ahead_has_expired(age):
    with pytest.raises(Expired):
        links.require_fresh(TIME, AT + timedelta(seconds=age))


# --- the text ---


def test_the_text_of_the_qr_is_read_by_a_phone():
    code = LINKED.code(SECRET, TIME)
    text = links.text("https://sign.example.org", ID, TIME, code)

    assert text == f"dss-link:v1?u=https%3A%2F%2Fsign.example.org&t={ID}&s={TIME}&a={code}"
    assert read_link_code(text) == LinkCode("https://sign.example.org", ID, TIME, code)


# --- the secret ---


async def test_each_transaction_has_a_secret_of_its_own_that_stays_the_same():
    of = LinkSecrets(SoftwareServiceKeys()).of

    first, again, other = await of(ID), await of(ID), await of(OTHER_ID)

    assert first == again != other
    assert [len(first), len(other)] == [32, 32]


def test_the_page_of_a_transaction_gives_away_no_code_of_it():
    assert b64.url_decode(links.page_code(SECRET, ID)) != SECRET
    assert links.page_code(SECRET, ID) != links.page_code(SECRET, OTHER_ID)
    assert links.page("https://sign.example.org", ID, SECRET).startswith(f"https://sign.example.org/wait/{ID}?k=")


# --- browsers ---


def test_a_browser_is_one_of_one_person_at_one_application():
    alice, bob, shop, bank = UserId("A" * 26), UserId("B" * 26), ClientId("C" * 26), ClientId("D" * 26)
    names = [(alice, shop, "chrome-1"), (alice, shop, "chrome-2"), (bob, shop, "chrome-1"), (alice, bank, "chrome-1")]

    assert len({Browser.named(*each).sha256 for each in names}) == len(names)
    assert Browser.named(*names[0]) == Browser.named(*names[0])


def test_a_browser_without_a_name_is_no_browser():
    assert Browser.named(UserId("A" * 26), ClientId("C" * 26), "").sha256 == b""
