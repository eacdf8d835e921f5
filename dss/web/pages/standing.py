"""How a transaction stands, on the pages where people wait for their phone: in words, in pictures, and by its codes."""

import re

from starlette.responses import Response

from dss.devices.request import Kind
from dss.transactions.machine import ENDED, State
from dss.transactions.preparation import Stage
from dss.transactions.waiting import WaitView
from dss.web.http.pictures import PNG, qr_png

TYPED, BETWEEN = re.compile("[0-9]{8}"), re.compile("[ -]")
SCALE, SCALE_OF_REQUESTS = 6, 3
# A code to scan is good for three seconds: without the script the page is loaded anew while it is.
RELOAD_QR_S, RELOAD_S = 2, 5
GOES_ON = frozenset({Stage.PREPARING, State.AWAITING, State.CONFIRMED, State.SIGNING})


def topic(view: WaitView) -> str:
    """Return what a page is about, by the state and how it came to be: a key of the titles in `standing.html`."""
    if view.has_run and view.state in ENDED:
        return "ended"
    if view.state is State.AWAITING:
        return "linked" if view.is_linked else "pushed" if view.is_pushed else "scan"
    if view.state is State.CANCELLED and view.wrong_number:
        return "wrong_number"
    if view.state is State.DECLINED:
        return view.cause or "declined"
    if view.state is State.CONFIRMED and view.kind is Kind.SESSION:
        return "going_on"
    named: dict[str, str] = {State.CONFIRMED: "working", State.SIGNING: "working", State.SIGNED: "done"}
    return named.get(view.state, view.state.value)


def reload_s(view: WaitView) -> int | None:
    """Return after how many seconds a page is loaded anew that no script changes; None once nothing changes."""
    if view.shows_link:
        return RELOAD_QR_S
    return RELOAD_S if view.state in GOES_ON else None


def code_of(typed: str) -> str | None:
    """Return the 8 digits that a phone without a connection showed; None of what is no code, and counts as no try."""
    digits = BETWEEN.sub("", typed)
    return digits if TYPED.fullmatch(digits) else None


async def picture_of_link(text: str) -> Response:
    """Draw the QR of this second."""
    return Response(await qr_png(text, SCALE), media_type=PNG)


async def picture_of_request(text: str) -> Response:
    """Draw the QR for a phone without a connection."""
    return Response(await qr_png(text, SCALE_OF_REQUESTS), media_type=PNG)
