"""The phone's store: two files and a lock.

`platform.key` holds 32 random bytes and stands for the platform's key store, which on a real phone never gives its key
away. `phone.store` holds everything else, under AES-256-GCM with that key. No PIN and nothing made from a PIN goes into
either, unless the owner put the PIN proof behind the biometric.

Source: docs/device-protocol.md section 8.
"""

import asyncio
import fcntl
import os
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TextIO

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from mobile_mock import kept
from mobile_mock.errors import Difference, StoreFault
from mobile_mock.forms import canonical, read_canonical
from mobile_mock.kept import Kept

KEY_BYTES, NONCE_BYTES = 32, 12
FORM = b"mobile-mock store 1\n"  # first line of the file, and authenticated with it
LOCK_WAIT = 30.0  # seconds
LOCK_STEP = 0.05  # seconds


class Keystore:
    """One phone's store in a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._key_file = folder / "platform.key"
        self._store_file = folder / "phone.store"
        self._mine = asyncio.Lock()

    def exists(self) -> bool:
        """Return True when a phone was enrolled here."""
        return self._store_file.exists()

    def load(self) -> Kept:
        """Return what is kept. Raises StoreFault."""
        if not self.exists():
            raise StoreFault(f"no phone is enrolled in {self.folder}: see `mobile-mock enrol --help`")
        try:
            key, stored = self._key_file.read_bytes(), self._store_file.read_bytes()
            return kept.from_json(read_canonical(_decrypt(key, stored)))
        except (OSError, InvalidTag, ValueError, KeyError, TypeError, Difference) as fault:
            raise StoreFault(f"the store in {self.folder} cannot be read with its platform key") from fault

    def save(self, state: Kept) -> None:
        """Replace what is kept: after a crash either the old or the new state is there, whole. Raises StoreFault."""
        try:
            nonce = secrets.token_bytes(NONCE_BYTES)
            sealed = AESGCM(self._platform_key()).encrypt(nonce, canonical(kept.to_json(state)), FORM)
            _replace(self._store_file, FORM + nonce + sealed)
        except OSError as fault:
            raise StoreFault(f"the store in {self.folder} cannot be written") from fault

    @asynccontextmanager
    async def exclusive(self) -> AsyncIterator[None]:
        """Hold the store alone, among coroutines and processes. Raises StoreFault when it stays in use."""
        async with self._mine:
            with self._open_lock() as lock:
                await _lock(lock.fileno(), self.folder)
                yield

    def _open_lock(self) -> TextIO:
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            return (self.folder / "lock").open("w")
        except OSError as fault:
            raise StoreFault(f"the store in {self.folder} cannot be opened") from fault

    def _platform_key(self) -> bytes:
        if not self._key_file.exists():
            _replace(self._key_file, secrets.token_bytes(KEY_BYTES))
        return self._key_file.read_bytes()


def _decrypt(key: bytes, stored: bytes) -> bytes:
    if not stored.startswith(FORM):
        raise ValueError("not a store of this form")
    nonce, sealed = stored[len(FORM) :][:NONCE_BYTES], stored[len(FORM) + NONCE_BYTES :]
    return AESGCM(key).decrypt(nonce, sealed, FORM)


async def _lock(descriptor: int, folder: Path) -> None:
    # Closing the file ends the lock, also when the process dies.
    for _ in range(int(LOCK_WAIT / LOCK_STEP)):
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            await asyncio.sleep(LOCK_STEP)
        else:
            return
    raise StoreFault(f"the store in {folder} is in use by another program")


def _replace(file: Path, content: bytes) -> None:
    new = file.with_name(f"{file.name}.new")
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as stream:
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())
    new.replace(file)
    # The rename itself is safe only when the folder is.
    folder = os.open(file.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
