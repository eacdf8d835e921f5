"""Second factors of the account: the authenticator app, and passkeys."""

import io
import re
from urllib.parse import parse_qs, urlsplit

import segno
from starlette.responses import Response

from dss.kernel import b64
from dss.kernel.errors import BadRequest, Conflict, Invalid, NotFound
from dss.kernel.ids import CROCKFORD, LENGTH, PasskeyId
from dss.web.pages.local import ACCOUNT
from dss.web.pages.visit import SignedOut, Visit

ID = re.compile(f"[{CROCKFORD}]{{{LENGTH}}}")
BETWEEN = re.compile(r"\s")
QUIET_ZONE, SCALE, GROUP = 4, 5, 4


async def begin_authenticator(visit: Visit) -> Response:
    """Make a new secret, and show it this once: as a QR, and as text for who types it."""
    visit.signed_in()
    if visit.user is None:
        raise SignedOut
    uri = await visit.services.authenticators.begin(visit.user)
    (secret,) = parse_qs(urlsplit(uri).query)["secret"]
    groups = " ".join(secret[at : at + GROUP] for at in range(0, len(secret), GROUP))
    return visit.page("login/authenticator.html", picture=_picture(uri), secret=groups, fault="")


async def confirm_authenticator(visit: Visit) -> Response:
    """Take the app's first code."""
    session, code = visit.signed_in(), BETWEEN.sub("", visit.form.get("code", ""))
    if not await visit.services.authenticators.confirm(session.user_id, code):
        return visit.page("login/authenticator.html", Invalid.status, picture="", secret="", fault="wrong")
    return visit.go(ACCOUNT, done="authenticator")


async def remove_authenticator(visit: Visit) -> Response:
    """Forget the app."""
    await visit.services.authenticators.remove(visit.signed_in().user_id)
    return visit.go(ACCOUNT, done="authenticator_removed")


async def show_new_passkey(visit: Visit) -> Response:
    """Show the form by which a passkey is made."""
    return await _new_passkey(visit)


async def add_passkey(visit: Visit) -> Response:
    """Keep the passkey that the browser made."""
    session, form = visit.signed_in(), visit.form
    try:
        await visit.services.passkeys.add(session, form.get("passkey", ""), form.get("name", "").strip())
    except (BadRequest, Invalid, Conflict) as error:
        return await _new_passkey(visit, error.status, fault="name" if isinstance(error, Invalid) else "failed")
    return visit.go(ACCOUNT, done="passkey")


async def remove_passkey(visit: Visit) -> Response:
    """Let a passkey open nothing any more."""
    session, id = visit.signed_in(), visit.form.get("id", "")
    if not ID.fullmatch(id):
        raise NotFound
    await visit.services.passkeys.remove(session.user_id, PasskeyId(id))
    return visit.go(ACCOUNT, done="passkey_removed")


async def _new_passkey(visit: Visit, status: int = 200, fault: str = "") -> Response:
    options = await visit.services.passkeys.options(visit.signed_in())
    return visit.page("login/passkey.html", status, options=options, fault=fault, name=visit.form.get("name", ""))


def _picture(text: str) -> str:
    """Return a QR as the address of a picture that is all in it."""
    drawn = io.BytesIO()
    segno.make_qr(text, error="m").save(drawn, kind="png", scale=SCALE, border=QUIET_ZONE)
    return "data:image/png;base64," + b64.encode(drawn.getvalue())
