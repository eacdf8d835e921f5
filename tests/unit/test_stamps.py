"""Texts that prove by a code of the HSM's key that this server wrote them: docs/authorization.md section 5."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from dss.hsm.servicekeys import KeyName
from dss.hsm.stamps import Stamped, Stamps
from dss.kernel.errors import BadRequest
from tests.world.servicekeys import SoftwareServiceKeys

ID, LABEL = "01KAJ9T8VX3N5Q7R9S1T2V4W6Y", "dss/test/v1"
MAC = "A" * 43
STAMPS = Stamps(SoftwareServiceKeys(), KeyName.AUTHORIZATION)
CHARACTERS = "0123456789ABCDEFGHJKMNPQRSTVWXYZILOUabz-_.=+/ \n\x00\u0660é"


@pytest.mark.parametrize("number", [None, 0, 7, 999_999_999])
async def test_what_was_written_is_right_under_its_own_label_and_for_its_own_parts_only(number: int | None) -> None:
    stamped = Stamped(await STAMPS.write(LABEL, ID, number, "more"))

    assert (stamped.id, stamped.number) == (ID, number)
    assert await STAMPS.is_right(LABEL, stamped, "more")
    assert not await STAMPS.is_right("dss/other/v1", stamped, "more")
    assert not await STAMPS.is_right(LABEL, stamped, "mor", "e")
    assert not await STAMPS.is_right(LABEL, stamped)


async def test_another_key_makes_another_code() -> None:
    """T30: what is written for signing in is no code of an authorization."""
    others = Stamps(SoftwareServiceKeys(), KeyName.LOGIN)

    assert not await STAMPS.is_right(LABEL, Stamped(await others.write(LABEL, ID)))


@given(place=st.integers(0, 71), put=st.sampled_from(CHARACTERS))
async def test_a_text_with_another_character_is_none_or_wrong(place: int, put: str) -> None:
    text = await STAMPS.write(LABEL, ID, 7)
    changed = text[:place] + put + text[place + 1 :]
    try:
        stamped = Stamped(changed)
    except BadRequest:
        return
    assert changed == text or not await STAMPS.is_right(LABEL, stamped)


@given(st.text() | st.text(alphabet=CHARACTERS, max_size=80))
@example("")
@example(f"{ID}.{MAC}\n")
@example(f"{ID}.-1.{MAC}")
@example(f"{ID}.\u0661.{MAC}")
@example(f"{ID}.0000000001.{MAC}")
@example(f"{ID.lower()}.{MAC}")
@example(f"{ID}.{MAC}=")
def test_any_other_text_is_refused(text: str) -> None:
    with pytest.raises(BadRequest):
        Stamped(text)
