"""Confirming without a connection: reading a request from its QR, and making the codes that the person types.

Nothing here reaches a server.
Source: docs/device-protocol.md section 12.
"""

import asyncio

from mobile_mock import jose, offline_code, pins
from mobile_mock.enrolled import Enrolled
from mobile_mock.errors import BadInput, Difference
from mobile_mock.forms import read_canonical
from mobile_mock.kept import Kept
from mobile_mock.matter import SIGN, Credential
from mobile_mock.members import ID
from mobile_mock.misbehave import HONEST, Misbehaviour
from mobile_mock.offline_code import REQUEST_TYPE, Codes, read_offline_request
from mobile_mock.offline_secret import OfflineSecret
from mobile_mock.request import Expected, Request, read_request
from mobile_mock.showing import Shown

STATE = "not asked: this phone has no connection"


class Unconnected(Enrolled):
    """The verbs of a phone without a connection."""

    def show_offline(self, text: str) -> Shown:
        """Read a request from the text of its QR, and check all of it but the documents, which cannot be fetched.

        Raises Difference unless the pinned channel key signed it, BadInput on another QR.
        """
        kept = self._store.load()
        signed = jose.read_jws(read_offline_request(text).jws(kept.channel_key), REQUEST_TYPE)
        expected = Expected(kept.server, _transaction(signed.payload), kept.owner.id, kept.device)
        return Shown(read_request(signed.payload, expected, self._now()), STATE, fetched=False)

    async def offline_codes(
        self, shown: Shown, pin: str, number: str | None = None, misbehave: Misbehaviour = HONEST
    ) -> Codes:
        """Return both codes for what was shown. Raises BadInput where they cannot be made.

        number: what the person chose or compared, None where the request asks for none. A wrong PIN makes wrong codes:
        nothing on the phone can tell.
        """
        shown.request.verification.require_answered(number)
        return offline_code.codes(await self._k_offline(shown, pin, misbehave), shown.request.binding, number or "")

    async def offline_decline(self, shown: Shown, pin: str) -> str:
        """Return the code to decline alone, which takes no number. Raises BadInput where it cannot be made."""
        return offline_code.codes(await self._k_offline(shown, pin, HONEST), shown.request.binding, "").decline

    async def _k_offline(self, shown: Shown, pin: str, wrong: Misbehaviour) -> bytes:
        if self._now() >= shown.request.expires:
            raise Difference("the request has expired")
        kept = self._store.load()
        credential, secret = _secret(kept, shown.request)
        if not (pin.isascii() and pin.isdigit()):
            raise BadInput("a PIN is needed, of digits alone")
        proof = await asyncio.to_thread(pins.proof, wrong.pin(pin), kept.salt, kept.iterations)
        return offline_code.seal_secret(secret, proof, credential)


def _transaction(payload: bytes) -> str:
    request = read_canonical(payload)
    id = request.get("transaction") if isinstance(request, dict) else None
    if not isinstance(id, str) or not ID.fullmatch(id):
        raise Difference("the request in the QR names no transaction")
    return id


def _secret(kept: Kept, request: Request) -> tuple[str, bytes]:
    credential = request.credential
    if request.kind != SIGN or request.relock or not isinstance(credential, Credential) or credential.password:
        raise BadInput("this request takes more than a code: confirm it with a connection")
    if request.batch:
        raise BadInput("a batch names no documents without a connection: confirm it with one")
    if "pin" not in request.answer_by:
        raise BadInput("this request is not to be answered by the PIN")
    found = kept.offline.get(credential.id, OfflineSecret(None))
    # The server may have taken the first one that a confirmation offered, though the phone has not learnt it yet.
    secret = found.secret or found.following
    if secret is None:
        raise BadInput("this phone has no offline secret for the key: see the change `offline`")
    return credential.id, secret
