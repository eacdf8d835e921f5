"""What the owner chooses as they answer, held against what the request asks for. Pure.

Source: docs/device-protocol.md sections 4 and 5.
"""

from collections.abc import Collection, Sequence

from mobile_mock.answer import CODE_DIFFERS, Choice, Refusal
from mobile_mock.errors import BadInput
from mobile_mock.request import Request
from mobile_mock.verification import COMPARE
from mobile_mock.vow import Intent


def chosen(request: Request, intent: Intent) -> Choice:
    """Return what the owner chose. Raises BadInput on less than the request asks for, or what it does not offer."""
    number = intent.typed.get("number")
    if not intent.wrong.ignores_numbers:
        request.verification.require_answered(number)
    declined = _declined(request.indexes, intent.typed.get("declined_documents", ()))
    return intent.wrong.choice(Choice(number, declined), request)


def require_fitting(refusal: Refusal, request: Request) -> None:
    """Raise BadInput on a cause that the request cannot be declined for."""
    if refusal.cause == CODE_DIFFERS and request.verification.mode != COMPARE:
        raise BadInput("the request has no code that could differ")


def _declined(there: Sequence[int], declined: Collection[int]) -> tuple[int, ...] | None:
    if not declined:
        return None
    absent = set(declined) - set(there)
    if absent:
        raise BadInput(f"the request has no document {', '.join(map(str, sorted(absent)))}")
    if len(set(declined)) == len(there):
        raise BadInput("no document would be left to sign; decline the request instead")
    return tuple(sorted(set(declined)))
