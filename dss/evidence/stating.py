"""The verb state: have the HSM sign which channel key it holds.

Source: docs/evidence.md section 1a.
"""

from dss.audit.log_key import log_key
from dss.audit.note import Note, NoteRefused, SignatureLine, VerifierKey
from dss.evidence.channel_key import Statement
from dss.hsm.servicekeys import KeyName, ServiceKeys
from dss.infra import jose
from dss.kernel.errors import HsmUnavailable


class ChannelKeys:
    """Says which channel key is this server's; each verb raises HsmUnavailable.

    origin: the log's name. server: the base URL by which phones know this server.
    """

    def __init__(self, keys: ServiceKeys, origin: str, server: str) -> None:
        self._keys = keys
        self._origin = origin
        self._server = server
        self._made: tuple[Statement, VerifierKey, str] | None = None

    async def log_key(self) -> VerifierKey:
        """Return the key that signs statements."""
        return await log_key(self._keys, self._origin)

    async def statement(self) -> str:
        """Return the statement as a signed note.

        Both keys are read from the token, never from a database; the note is made once for them, as Ed25519 gives the
        same signature each time.
        """
        signer = await self.log_key()
        channel = jose.write_jwk(await self._keys.public_key(KeyName.DEVICE_CHANNEL))
        stated = Statement(self._origin, self._server, jose.thumbprint(channel))
        if self._made is None or self._made[:2] != (stated, signer):
            self._made = (stated, signer, await self._signed(stated, signer))
        return self._made[2]

    async def _signed(self, stated: Statement, signer: VerifierKey) -> str:
        signature = await self._keys.sign_ed25519(KeyName.LOG, stated.text.encode())
        try:
            signer.require_signed(stated.text.encode(), signature)
        except NoteRefused as fault:
            raise HsmUnavailable("the HSM returned a signature that does not verify") from fault
        return Note(stated.text, (SignatureLine(signer.name, signer.id, signature),)).written
