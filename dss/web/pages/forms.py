"""Forms that only our own pages send: a code of the browser and the session in each, and no sender from elsewhere.

Source: RFC 9700 section 4.7; Fetch Metadata section 2.1 (Sec-Fetch-Site); RFC 6454 section 7 (Origin).
"""

import hashlib
import hmac
from collections.abc import Mapping
from urllib.parse import urlsplit

from starlette.requests import Request

from dss.hsm.stamps import Stamps
from dss.kernel import b64
from dss.kernel.errors import Forbidden
from dss.web.http.reading import FORM, read_body

FIELD = "form"
LABEL = "dss/forms/v1"
LONGEST_FORM = 16_000
OURS = frozenset({"same-origin", "none"})


class ForeignForm(Forbidden):
    """A form that was not sent from a page of this server, in this browser and session."""

    code, title = "foreign_form", "The form is no longer good"


class Forms:
    """Makes and checks the codes; their key is made once by the HSM, and lives in this process.

    stamps: by the key of what has to do with signing in.
    """

    def __init__(self, stamps: Stamps) -> None:
        self._stamps = stamps
        self._key = b""

    async def code(self, browser: str, session: str) -> str:
        """Return the code of a browser's cookie and of its session's, or of no session. Raises HsmUnavailable."""
        self._key = self._key or await self._stamps.mac(LABEL)
        text = f"{browser}.{session}".encode()
        return b64.url_encode(hmac.digest(self._key, text, hashlib.sha256))

    async def read(self, request: Request, code: str, public_url: str) -> dict[str, str]:
        """Return what a form says. Raises ForeignForm, and as `read_body`; code: that it must carry."""
        require_own(request.headers, public_url)
        fields: dict[str, str] = await read_body(request, dict[str, str], (FORM,), LONGEST_FORM)
        if not hmac.compare_digest(fields.pop(FIELD, "").encode(), code.encode()):
            raise ForeignForm("the form's code is not this browser's")
        return fields


def require_own(headers: Mapping[str, str], public_url: str) -> None:
    """Raise ForeignForm where the browser says that another site sends this; old browsers tell the origin only."""
    site, origin = headers.get("sec-fetch-site"), headers.get("origin")
    foreign = site not in OURS if site is not None else origin not in {None, origin_of(public_url)}
    if foreign:
        raise ForeignForm("the form comes from another site")


def origin_of(url: str) -> str:
    """Return scheme and host of an address, as browsers write them."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}".lower()
