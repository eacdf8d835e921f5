"""The device channel: what the server signs for phones, by the key that they pinned when they enrolled."""

from dss.hsm.servicekeys import KeyName, ServiceKeys
from dss.infra import jose


async def sign(keys: ServiceKeys, typ: str, payload: bytes) -> str:
    """Sign canonical JSON as a JWS of a type, by the channel key. Raises HsmUnavailable."""
    jwk = jose.write_jwk(await keys.public_key(KeyName.DEVICE_CHANNEL))
    return await jose.write_jws(typ, jwk, payload, lambda data: keys.sign_es256(KeyName.DEVICE_CHANNEL, data))
