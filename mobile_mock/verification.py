"""How the person makes sure that a request is theirs: by a code or a number on the requester's page. Pure.

Source: docs/device-protocol.md section 4.
"""

import re
from dataclasses import dataclass
from typing import Any

from mobile_mock.errors import BadInput, Difference
from mobile_mock.members import Members

NONE, COMPARE, CHOOSE = "none", "compare", "choose"
MEMBERS: dict[str, tuple[str, ...]] = {NONE: (), COMPARE: ("code",), CHOOSE: ("numbers", "commitment")}
CODE, NUMBER = re.compile(r"[0-9]{4}"), re.compile(r"[0-9]{2}")
OFFERED = 3
COMMITMENT_BYTES = 32


@dataclass(frozen=True, slots=True)
class Verification:
    """What the request asks the person to do before they confirm.

    mode:       `none`, `compare` or `choose`.
    code:       `compare`: four digits that the requester's page shows too.
    numbers:    `choose`: two digits each, in the order in which they are offered; the requester's page shows one.
    commitment: `choose`: how the server is bound to that one, 32 bytes.
    """

    mode: str = NONE
    code: str = ""
    numbers: tuple[str, ...] = ()
    commitment: bytes = b""

    def require_answered(self, number: str | None) -> None:
        """Raise BadInput unless this is what a confirmation has to say, no less and no more."""
        if self.mode == NONE and number is not None:
            raise BadInput("this request asks for no number of the requester's page")
        if self.mode == COMPARE and number != self.code:
            raise BadInput(
                "the code is to be compared with the requester's page; decline the request where they differ"
            )
        if self.mode == CHOOSE and number not in self.numbers:
            raise BadInput(f"the requester's page shows one of {', '.join(self.numbers)}; else decline the request")


def read_verification(members: Members) -> Verification:
    """Read the verification of a request. Raises Difference, also on a mode that this phone does not know."""
    given = members.value["verification"]
    mode = given.get("mode") if isinstance(given, dict) else None
    if not isinstance(mode, str) or mode not in MEMBERS:
        raise Difference("the request is to be verified in a way that this phone does not know")
    told = members.object("verification", ("mode", *MEMBERS[mode]))
    if mode == COMPARE:
        return Verification(mode, code=_digits(told.value["code"], CODE))
    if mode == CHOOSE:
        return Verification(mode, numbers=_numbers(told), commitment=told.raw("commitment", COMMITMENT_BYTES))
    return Verification()


def _numbers(told: Members) -> tuple[str, ...]:
    numbers = tuple(_digits(item, NUMBER) for item in told.list("numbers", OFFERED))
    if len(numbers) != OFFERED or len(set(numbers)) != OFFERED:
        raise Difference(f"the request does not offer {OFFERED} different numbers")
    return numbers


def _digits(value: Any, form: re.Pattern[str]) -> str:
    if not isinstance(value, str) or not form.fullmatch(value):
        raise Difference("the request has a code or a number in another form than digits")
    return value
