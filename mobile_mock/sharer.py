"""A second phone: what the owner does on the old one and on the new one.

Source: docs/device-protocol.md section 7.
"""

from mobile_mock import jose, opening, owned, taking
from mobile_mock.enrolled import Enrolled
from mobile_mock.errors import BadInput, Difference
from mobile_mock.members import Members
from mobile_mock.share_code import ShareCode, read_share_code

SHARES = "/device/v1/shares"


class Sharer(Enrolled):
    """The verbs of sharing keys."""

    async def share_code(self) -> str:
        """Return the text of the QR by which this phone asks another one of the owner for its shares."""
        kept = self._store.load()
        keys = jose.thumbprint(kept.signature_key), jose.thumbprint(kept.encryption_key)
        return ShareCode(kept.server, kept.device, *keys).text()

    async def share(self, code_text: str) -> str:
        """Open the sharing with the phone whose QR was scanned, and return the id of its transaction.

        It is to be shown and confirmed like any other; `show` compares the new phone's keys with the QR.
        """
        code, kept = read_share_code(code_text), self._store.load()
        if code.server != kept.server or code.phone == kept.device:
            raise BadInput("the QR is of a phone at another server, or of this phone")
        return await self._open(SHARES, {"phone": code.phone}, {opening.CODE: code_text})

    async def take_shares(self) -> list[str]:
        """Take what other phones shared with this one, and return the ids of the credentials."""
        listed = Members(await self._link.server.get(SHARES), "the list", ("shares",))
        taken: set[str] = set()
        for item in listed.list("shares", owned.MOST):
            taken |= await self._take(taking.read_parcel(item))
        return sorted(taken)

    async def _take(self, parcel: taking.Parcel) -> set[str]:
        payload = await self._link.trusted(jose.read_jws(parcel.request, "dss-confirmation-request+jws"))
        async with self._store.exclusive():
            kept = self._store.load()
            shares = taking.open_parcel(parcel, payload, kept)
            for credential, k_act in shares.items():
                kept = kept.with_gift(credential, k_act)
            self._store.save(kept)
        state = await self._link.told_state(f"{SHARES}/{parcel.id}/taken")
        if state != "taken":
            raise Difference(f"the server says of a share that was taken: {state}")
        return set(shares)
