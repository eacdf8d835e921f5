"""Second factors of the account: the authenticator app, and passkeys."""

import re
from urllib.parse import parse_qs, urlsplit

from starlette.responses import Response

from dss.kernel.errors import BadRequest, Conflict, Invalid, NotFound
from dss.kernel.ids import is_id
from dss.login.model import Factor
from dss.users.model import User
from dss.web.http.pictures import qr_png
from dss.web.pages.local import ACCOUNT
from dss.web.pages.visit import SignedOut, Visit

BETWEEN = re.compile(r"\s")
AUTHENTICATOR = "/account/authenticator"
SCALE, GROUP = 5, 4


async def begin_authenticator(visit: Visit) -> Response:
    """Make a new secret, and go on to where it is shown."""
    owner = _owner(visit)
    await visit.services.held_factors.begin_authenticator(visit.signed_in(), owner)
    return visit.go(AUTHENTICATOR)


async def show_authenticator(visit: Visit) -> Response:
    """Show the secret until its first code has come: as a QR, and as text for who types it."""
    return await _authenticator(visit)


async def confirm_authenticator(visit: Visit) -> Response:
    """Take the app's first code."""
    session, code = visit.signed_in(), BETWEEN.sub("", visit.form.get("code", ""))
    if not await visit.services.held_factors.confirm_authenticator(session, code):
        return await _authenticator(visit, Invalid.status, fault="wrong")
    return visit.go(ACCOUNT, done="authenticator")


async def remove_authenticator(visit: Visit) -> Response:
    """Forget the app."""
    await visit.services.held_factors.remove(visit.signed_in(), Factor.TOTP)
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
    if not is_id(id):
        raise NotFound
    await visit.services.held_factors.remove(session, id)
    return visit.go(ACCOUNT, done="passkey_removed")


async def _new_passkey(visit: Visit, status: int = 200, fault: str = "") -> Response:
    options = await visit.services.held_factors.passkey_options(visit.signed_in())
    return visit.page("login/passkey.html", status, options=options, fault=fault, name=visit.form.get("name", ""))


async def _authenticator(visit: Visit, status: int = 200, fault: str = "") -> Response:
    uri = await visit.services.authenticators.begun(_owner(visit))
    if uri is None:
        return visit.go(ACCOUNT)
    (secret,) = parse_qs(urlsplit(uri).query)["secret"]
    groups = " ".join(secret[at : at + GROUP] for at in range(0, len(secret), GROUP))
    picture = await qr_png(uri, SCALE)
    return visit.page("login/authenticator.html", status, picture=picture, secret=groups, fault=fault)


def _owner(visit: Visit) -> User:
    """Return the signer who is signed in. Raises SignedOut."""
    visit.signed_in()
    if visit.user is None:
        raise SignedOut
    return visit.user
