"""The key blob: a wrapped private key, locked under a secret that lives on its owner's phone, and a password if wished.

    blob   = 0x01 | length of the KEK's id, 1 byte | KEK's id, ASCII | nonce, 12 bytes | AES-256-GCM(K_lock, wrapped)
    K_lock = HKDF-SHA-256(K_act, salt = credential id, info = "dss/lock/v1", 32 bytes); for a key with a password
             HKDF-SHA-256(K_act || K_pwd, salt = credential id, info = "dss/lock/password/v1", 32 bytes)

The additional data of the AES-GCM is canonical JSON that names credential, owner, KEK and version, so that a blob opens
in its own row only. Source: RFC 5869 (HKDF), NIST SP 800-38D (GCM).
"""

import secrets
from collections.abc import Callable
from dataclasses import dataclass, field

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from dss.kernel import canonical
from dss.kernel.errors import Forbidden
from dss.kernel.ids import CredentialId, UserId

VERSION = 1
SECRET_BYTES = 32
NONCE_BYTES = 12
TAG_BYTES = 16
INFO, INFO_WITH_PASSWORD = b"dss/lock/v1", b"dss/lock/password/v1"


class BlobRefused(Forbidden):
    """A key blob that does not open: another K_act, another place, or altered bytes."""

    code, title = "blob_refused", "The key cannot be unlocked"


@dataclass(frozen=True, slots=True)
class BlobPlace:
    """Where a blob belongs.

    kek_id: label of the KEK in the HSM that wrapped the key, ASCII, 1 to 255 characters.
    """

    credential_id: CredentialId
    owner: UserId
    kek_id: str


@dataclass(frozen=True, slots=True)
class KeySecret:
    """What locks a blob, 32 bytes each.

    k_act: the phone's share. k_pwd: Argon2id of the key's password, by the phone; empty where the key has none.
    """

    k_act: bytes = field(repr=False)
    k_pwd: bytes = field(default=b"", repr=False)


def lock(
    wrapped: bytes, secret: KeySecret, place: BlobPlace, *, random: Callable[[int], bytes] = secrets.token_bytes
) -> bytes:
    """Lock a wrapped key.

    wrapped: private key under the KEK (AES-KWP, RFC 5649).
    Raises BlobRefused for a secret of another length.
    """
    nonce = random(NONCE_BYTES)
    kek_id = place.kek_id.encode("ascii")
    header = bytes((VERSION, len(kek_id))) + kek_id
    return header + nonce + _cipher(secret, place.credential_id).encrypt(nonce, wrapped, _bound_to(place))


def unlock(blob: bytes, secret: KeySecret, credential_id: CredentialId, owner: UserId) -> tuple[str, bytes]:
    """Return the KEK's id and the wrapped key. Raises BlobRefused unless key, place and bytes are those of `lock`."""
    kek_id, nonce, sealed = _split(blob)
    place = BlobPlace(credential_id, owner, kek_id)
    try:
        return kek_id, _cipher(secret, credential_id).decrypt(nonce, sealed, _bound_to(place))
    except InvalidTag as fault:
        raise BlobRefused("the key blob does not open with this secret at this place") from fault


def _split(blob: bytes) -> tuple[str, bytes, bytes]:
    if len(blob) < 2 or blob[0] != VERSION:
        raise BlobRefused("the key blob has an unknown form")
    nonce_at = 2 + blob[1]
    sealed_at = nonce_at + NONCE_BYTES
    if not blob[1] or len(blob) < sealed_at + TAG_BYTES or not blob[2:nonce_at].isascii():
        raise BlobRefused("the key blob has an unknown form")
    return blob[2:nonce_at].decode("ascii"), blob[nonce_at:sealed_at], blob[sealed_at:]


def _cipher(secret: KeySecret, credential_id: CredentialId) -> AESGCM:
    if len(secret.k_act) != SECRET_BYTES or len(secret.k_pwd) not in (0, SECRET_BYTES):
        raise BlobRefused(f"K_act and K_pwd have {SECRET_BYTES} bytes")
    info = INFO_WITH_PASSWORD if secret.k_pwd else INFO
    return AESGCM(HKDF(SHA256(), 32, salt=credential_id.encode(), info=info).derive(secret.k_act + secret.k_pwd))


def _bound_to(place: BlobPlace) -> bytes:
    members = {"credential": place.credential_id, "kek": place.kek_id, "owner": place.owner, "version": VERSION}
    return canonical.encode(members)
