"""The key of the log: in the HSM, and known to others by its text form."""

from dss.audit.note import ED25519, VerifierKey
from dss.hsm.servicekeys import KeyName, ServiceKeys


async def log_key(keys: ServiceKeys, origin: str) -> VerifierKey:
    """Return the public key of the log of this installation. Raises HsmUnavailable."""
    return VerifierKey(origin, ED25519, await keys.ed25519_public_key(KeyName.LOG))
