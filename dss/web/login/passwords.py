"""Passwords: set by the link of a letter, or such a letter asked for."""

from starlette.responses import Response

from dss.kernel.errors import Invalid, NotFound
from dss.web.pages.visit import Visit

LONGEST_LOGIN = 64


async def show_setting(visit: Visit) -> Response:
    """Show the form of a letter's link. A GET changes nothing: mail systems open links to look for harm."""
    if not await visit.services.login.letters.stands(_code(visit)):
        return visit.page("login/letter_over.html", NotFound.status)
    return visit.page("login/set_password.html", fault="")


async def take_setting(visit: Visit) -> Response:
    """Set the password, and let its owner sign in by it."""
    new = visit.form.get("password", "")
    if new != visit.form.get("repeated", ""):
        return visit.page("login/set_password.html", Invalid.status, fault="differs")
    try:
        await visit.services.login.set_by_letter(_code(visit), new, visit.where)
    except NotFound as error:
        return visit.page("login/letter_over.html", error.status)
    except Invalid as error:
        return visit.page("login/set_password.html", error.status, fault="weak")
    return visit.go("/signin", set="1")


async def show_forgotten(visit: Visit) -> Response:
    """Show the form by which a letter is asked for, and that one was."""
    return visit.page("login/forgot.html", sent="sent" in visit.query, then=visit.then)


async def take_forgotten(visit: Visit) -> Response:
    """Send a letter; whoever asks gets the same answer, whether there is such a signer or not."""
    await visit.services.login.forgot(visit.form.get("login", "").strip().lower()[:LONGEST_LOGIN], visit.where)
    return visit.go("/signin/forgot", then=visit.then, sent="1")


def _code(visit: Visit) -> str:
    code: str = visit.request.path_params["mac"]
    return code
