"""Two phones of one owner at the server of mock_server, and what one shares with the other."""

from pathlib import Path
from typing import Any

from mobile_mock.phone import Phone
from tests.unit.mock_server import CREDENTIAL, FIRST, KEY, OTHER_DEVICE, PIN, FakeServer, sign

SHARES = "/device/v1/shares"


def own_key(id: str, **changes: Any) -> dict[str, Any]:
    """A credential as the server lists it."""
    return {
        "id": id,
        "state": "active",
        "key_type": "P-256",
        "subject": "CN=Alice Example",
        "certificate_sha256": KEY["certificate_sha256"],
        "not_after": "2027-03-02T09:00:00Z",
        "has_password": False,
        "relock": False,
        "held": True,
        **changes,
    }


async def two_phones(server: FakeServer, folder: Path) -> tuple[Phone, Phone]:
    """The old phone, which holds a share of a key, and a new one, which holds nothing."""
    server.pages["GET /device/v1/credentials"] = {"credentials": [own_key(CREDENTIAL)]}
    old = await server.with_share(folder / "old")
    first, server.change_receipt = server.device_key, {"device": OTHER_DEVICE}
    new = await server.enrolled(folder / "new")
    server.device_key = first
    server.sent.clear()
    return old, new


async def opened(server: FakeServer, old: Phone, new: Phone, **changes: Any) -> str:
    """Scan the new phone's QR with the old one; the request may differ from the right one."""
    server.ask_to_share(new, **changes)
    return await old.share(await new.share_code())


async def parcel(server: FakeServer, old: Phone, new: Phone) -> dict[str, Any]:
    """What the server hands the new phone after the old one confirmed."""
    await old.confirm(await old.show(await opened(server, old, new)), PIN)
    body = server.sent[-1][1]
    request = sign("dss-confirmation-request+jws", server.requests[FIRST], server.channel)
    return {"id": FIRST, "request": request, "answer": body["answer"], "share": body["share"]}


def hand_out(server: FakeServer, *parcels: dict[str, Any]) -> None:
    """Have the new phone find these parcels."""
    server.pages[f"GET {SHARES}"] = {"shares": list(parcels)}
    server.pages[f"POST {SHARES}/{FIRST}/taken"] = {"state": "taken"}
