"""A credential's key blob: opened with what a confirmation brings, and locked anew. Pure."""

from dataclasses import replace
from typing import Any

from dss.credentials.model import Credential
from dss.devices.boxes import Opened
from dss.hsm import keyblob
from dss.hsm.keyblob import BlobPlace, KeySecret
from dss.hsm.userkeys import WrappedKey
from dss.kernel.ids import DeviceId


def unlock(credential: Credential, opened: Opened) -> WrappedKey:
    """Return the key, still wrapped by the HSM. Raises BlobRefused unless share and password are right."""
    secret = KeySecret(opened.k_act, opened.k_pwd)
    kek_id, wrapped = keyblob.unlock(credential.key_blob, secret, credential.id, credential.user_id)
    return WrappedKey(kek_id, wrapped, credential.key_spec)


def under_new_share(credential: Credential, opened: Opened, holder: DeviceId) -> Credential:
    """Return the credential locked under the fresh share of one phone: what others hold opens it no more.

    Raises BlobRefused.
    """
    secret = KeySecret(opened.k_act_next, opened.k_pwd)
    blob = _locked(credential, unlock(credential, opened), secret)
    return replace(credential, key_blob=blob, holders=(holder,), relock=False)


def under_new_password(credential: Credential, opened: Opened, password: dict[str, Any]) -> Credential:
    """Return the credential locked under the same share and a new password.

    password: how its secret is made, as phones are told. Raises BlobRefused.
    """
    blob = _locked(credential, unlock(credential, opened), KeySecret(opened.k_act, opened.k_pwd_next))
    return replace(credential, key_blob=blob, password=password, password_failures=0)


def _locked(credential: Credential, key: WrappedKey, secret: KeySecret) -> bytes:
    return keyblob.lock(key.wrapped, secret, BlobPlace(credential.id, credential.user_id, key.kek_id))
