"""T62: two ECDSA signatures with one r give the key away to whoever subtracts them (FIPS 186-5 section 6.3)."""

import asyncio
import faulthandler
import os

from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from dss.hsm.userkeys import UserKeys, WrappedKey
from dss.kernel.digest import Digest
from dss.kernel.keyspec import KeySpec, Padding, Scheme

SOAK = bool(os.environ.get("DSS_SOAK"))
SIGNATURES = 100_000 if SOAK else 2_000
AT_ONCE = 8
ECDSA = Scheme(Padding.ECDSA)


async def nonce_points(keys: UserKeys, key: WrappedKey, numbers: range) -> list[int]:
    """The r of a signature over each number."""
    signatures = [await keys.sign(key, ECDSA, Digest.of(number.to_bytes(8))) for number in numbers]
    return [decode_dss_signature(signature)[0] for signature in signatures]


async def test_t62_no_two_signatures_of_a_key_share_a_nonce_also_when_made_at_once(user_keys: UserKeys):
    if SOAK:  # it takes longer than a test that does not hang may take
        faulthandler.cancel_dump_traceback_later()
    key = (await user_keys.generate(KeySpec.P256)).key

    parts = [nonce_points(user_keys, key, range(first, SIGNATURES, AT_ONCE)) for first in range(AT_ONCE)]
    points = [r for part in await asyncio.gather(*parts) for r in part]

    assert len(points) == SIGNATURES
    assert len(set(points)) == SIGNATURES
