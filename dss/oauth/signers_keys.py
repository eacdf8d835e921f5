"""Which of a signer's keys may sign what a client asks for."""

from dataclasses import dataclass
from datetime import datetime

from dss.credentials.model import Credential, CredentialState
from dss.credentials.service import Credentials
from dss.kernel.errors import Conflict, Invalid
from dss.kernel.ids import CredentialId, UserId
from dss.kernel.keyspec import require_fit
from dss.oauth.rar import Detail


@dataclass(frozen=True, slots=True)
class Key:
    """A key that the signer may choose. subject: of its certificate, RFC 4514. not_after: until when it is valid."""

    id: CredentialId
    subject: str
    not_after: datetime


class SignersKeys:
    """Looks for keys."""

    def __init__(self, credentials: Credentials) -> None:
        self._credentials = credentials

    async def of(self, user_id: UserId, detail: Detail) -> tuple[Key, ...]:
        """Return a signer's keys that may be used for this now, by id: of a key of another's nothing is known.

        Raises Tampered, HsmUnavailable.
        """
        found = await self._credentials.living_of(user_id)
        usable = [sealed.value for sealed in found if await self._fits(sealed.value, detail)]
        return tuple(Key(one.id, one.subject or "", one.not_after) for one in usable if one.not_after is not None)

    async def _fits(self, credential: Credential, detail: Detail) -> bool:
        """Return True for a key that may sign now, in the way that is asked for, and is the one where one is named."""
        if credential.state is not CredentialState.ACTIVE or detail.credential_id not in {None, credential.id}:
            return False
        try:
            await self._credentials.require_usable(credential)
            if detail.scheme is not None:
                require_fit(credential.key_spec, detail.scheme)
        except (Conflict, Invalid):
            return False
        return True
