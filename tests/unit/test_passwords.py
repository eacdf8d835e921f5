"""What a password may be, and how it is kept. Source: docs/authorization.md section 7, RFC 9106 section 4 (Q8)."""
# ruff: noqa: RUF001  letters of other scripts are meant

import asyncio
import re
from contextlib import ExitStack

import pytest
from argon2 import Type
from hypothesis import given
from hypothesis import strategies as st

from dss.hsm.servicekeys import KeyName
from dss.hsm.stamps import Stamps
from dss.kernel.errors import Invalid, TooMany
from dss.kernel.ids import UserId
from dss.login.passwords import AT_ONCE, OF_ONE, WAITING, Passwords, normalised, require_acceptable
from tests.world.quick_passwords import IN_EARNEST
from tests.world.servicekeys import SoftwareServiceKeys

OLENA, PETRO = UserId("0" * 25 + "1"), UserId("0" * 25 + "2")


@pytest.mark.parametrize(
    "password",
    [
        "Corr3cth",
        "aB3" + "x" * 125,
        "Тайна-aB3-слово",
        "1 Two three",
        "\N{PILE OF POO}aB3\N{PILE OF POO}xyz",
        "  aB3 xyz  ",
    ],
)
def test_digits_and_latin_letters_of_both_cases_and_anything_besides_are_a_password(password: str):
    require_acceptable(password, "olena")


@pytest.mark.parametrize(
    ("password", "why"),
    [
        ("", "8 to 128"),
        ("aB3xxxx", "8 to 128"),
        ("aB3" + "x" * 126, "8 to 128"),
        ("corr3cthorse", "upper-case"),
        ("CORR3CTHORSE", "lower-case"),
        ("CorrectHorse", "digits"),
        ("Тайна-слово-3-Ж", "Latin"),
        ("١Abcdefghij", "digits"),  # Arabic-Indic
        ("aB3\x00xxxxx", "control"),
        ("aB3\nxxxxx", "control"),
        ("aB3\udcffxxxx", "control"),
        ("1xOLENAx1", "login"),
        ("Password1", "tried first"),
        ("P@ssw0rd123", "tried first"),
        ("!!Qwerty12345", "tried first"),
        ("Welcome2026!", "tried first"),
    ],
)
def test_every_other_text_is_refused_with_what_is_wrong(password: str, why: str):
    with pytest.raises(Invalid, match=why):
        require_acceptable(password, "olena")


def test_a_login_of_three_letters_may_stand_in_a_password():
    require_acceptable("Banana tr33", "ana")


def test_a_password_is_as_long_as_it_is_composed():
    """NFC: a letter and its accent are one character."""
    decomposed = "aB3" + "a\N{COMBINING BREVE}" * 4
    with pytest.raises(Invalid, match="8 to 128"):
        require_acceptable(decomposed, "olena")


@given(st.text())
def test_normalising_any_text_leaves_letters_and_nothing_more_to_do(text: str):
    assert all(map(str.isalpha, normalised(text)))


def passwords() -> Passwords:
    return Passwords(Stamps(SoftwareServiceKeys(), KeyName.LOGIN))


def test_in_earnest_hashes_are_as_rfc_9106_recommends_where_memory_is_short():
    """RFC 9106 section 4: the second recommended option."""
    p = IN_EARNEST
    assert (p.type, p.time_cost, p.memory_cost, p.parallelism) == (Type.ID, 3, 64 * 1024, 4)
    assert (p.salt_len, p.hash_len, p.version) == (16, 32, 19)


async def test_a_hash_fits_its_password_of_its_signer_under_its_key_and_no_other():
    kept = passwords()
    hash = await kept.hash(await kept.peppered(OLENA, "Corr3ct horse"))
    assert re.match(r"\$argon2id\$v=19\$m=\d+,t=\d+,p=\d+\$", hash)
    assert await kept.is_right(await kept.peppered(OLENA, "Corr3ct horse"), hash)

    another_key = passwords()
    for peppered in (
        await kept.peppered(OLENA, "Corr3ct Horse"),
        await kept.peppered(OLENA, "Corr3ct horse "),
        await kept.peppered(PETRO, "Corr3ct horse"),
        await kept.peppered(None, "Corr3ct horse"),
        await another_key.peppered(OLENA, "Corr3ct horse"),
    ):
        assert not await kept.is_right(peppered, hash)


@pytest.mark.parametrize("hash", [None, "", "text", "$argon2id$v=19$m=8,t=1,p=1$AAAA$AAAA", "$argon2i$"])
async def test_nothing_fits_what_is_no_hash(hash: str | None):
    kept = passwords()
    for password in ("", "Corr3ct horse"):
        assert not await kept.is_right(await kept.peppered(OLENA, password), hash)


async def test_a_text_that_nobody_can_have_set_is_not_cut_to_one_that_somebody_has():
    kept = passwords()
    long = "aB3" + "x" * 125
    assert await kept.peppered(OLENA, long) != await kept.peppered(OLENA, long + "x")
    assert await kept.peppered(OLENA, long + "x") == await kept.peppered(OLENA, "\udcff")


async def test_the_line_has_an_end_and_each_who_leaves_makes_room():
    kept = passwords()

    async def one(site: str, seconds_over: asyncio.Event) -> None:
        with kept.place(site):
            await seconds_over.wait()

    over = asyncio.Event()
    line = [asyncio.create_task(one(f"site {number}", over)) for number in range(AT_ONCE + WAITING)]
    await asyncio.sleep(0)
    with pytest.raises(TooMany) as caught, kept.place("another"):
        pass
    over.set()
    await asyncio.gather(*line)
    with kept.place("another"):
        assert caught.value.retry_after


def test_a_site_has_four_places_and_another_has_as_many():
    kept = passwords()
    with ExitStack() as line:
        for site in ("one", "other"):
            for _ in range(OF_ONE):
                line.enter_context(kept.place(site))
            with pytest.raises(TooMany), kept.place(site):
                pass
    with kept.place("one"):
        pass
