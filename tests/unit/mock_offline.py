"""Codes of a phone without a connection, computed by hand, and setting such a phone up."""

import hmac

from mobile_mock.phone import Phone
from tests.unit.mock_server import CREDENTIAL, KEY, PIN, RECIPE, THIRD, FakeServer, unb64


def hkdf(material: bytes, salt: bytes, info: bytes) -> bytes:
    """RFC 5869 for 32 bytes: one block."""
    return hmac.digest(hmac.digest(salt, material, "sha256"), info + b"\x01", "sha256")


def hotp(key: bytes, counter: int = 0) -> str:
    """RFC 4226 section 5.3, with SHA-256 and 8 digits."""
    mac = hmac.digest(key, counter.to_bytes(8, "big"), "sha256")
    offset = mac[-1] & 0x0F
    return f"{(int.from_bytes(mac[offset : offset + 4], 'big') & 0x7FFFFFFF) % 10**8:08}"


def by_hand(secret: bytes, proof: bytes, binding: bytes, said: str) -> str:
    k_offline = hkdf(secret + proof, CREDENTIAL.encode(), b"dss/offline/v1")
    return hotp(hkdf(k_offline, binding, f"dss/offline-code/v1/{said}".encode()))


async def change(server: FakeServer, phone: Phone, action: str, id: str = THIRD, **typed: str) -> str:
    """Open a change of the key, or of the phone, and confirm it."""
    server.opens = id
    of_key = {} if action == "pin" else {"credential": CREDENTIAL}
    members = {"password": RECIPE} if action == "password" else {}
    server.ask_to_change(action, id, credential=KEY if of_key else None, **members)
    shown = await phone.show(await phone.change(action, **of_key))
    return await phone.confirm(shown, PIN, **typed)


async def set_up(server: FakeServer, phone: Phone, id: str = THIRD) -> bytes:
    """Confirm the change, and return what the server keeps of it: `k_offline`."""
    await change(server, phone, "offline", id)
    return unb64(server.opened(server.sent[-1][1])["k_offline"])
