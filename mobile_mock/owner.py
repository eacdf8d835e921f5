"""What the owner does with all that is theirs: phones, keys, sessions, and applications that they stopped.

Source: docs/device-protocol.md sections 3, 6 and 11.
"""

from typing import Unpack

from mobile_mock import opening, owned
from mobile_mock.enrolled import Enrolled
from mobile_mock.members import require_id
from mobile_mock.owned import Block, OwnCredential, OwnPhone, OwnSession


class Owner(Enrolled):
    """The verbs that look at what is the owner's, stop it, or open a change of it."""

    async def phones(self) -> list[OwnPhone]:
        """Return the owner's phones, oldest first."""
        return await owned.phones(self._link.server)

    async def block(self, phone_id: str) -> str:
        """Stop a phone of the owner at once, without a PIN, and return its state."""
        return await self._link.told_state(f"{owned.PHONES}/{require_id(phone_id, 'phone')}/block")

    async def credentials(self) -> list[OwnCredential]:
        """Return the owner's credentials, oldest first."""
        return await owned.credentials(self._link.server)

    async def suspend(self, credential_id: str) -> str:
        """Block a key of the owner at once, without a PIN, and return its state."""
        return await self._link.told_state(f"{owned.CREDENTIALS}/{require_id(credential_id, 'credential')}/suspend")

    async def sessions(self) -> list[OwnSession]:
        """Return the owner's sessions that go on, oldest first."""
        return await owned.sessions(self._link.server)

    async def end_session(self, session_id: str) -> str:
        """End a session of the owner at once, without a PIN, and return its state."""
        return await self._link.told_state(f"{owned.SESSIONS}/{require_id(session_id, 'session')}/end")

    async def blocks(self) -> list[Block]:
        """Return the applications that may not ask the owner."""
        return await owned.blocks(self._link.server)

    async def change(self, action: str, **given: Unpack[opening.Given]) -> str:
        """Open a change, and return the id of its transaction: to be shown and confirmed like any other.

        action, and what goes with it: the table of section 6.
        """
        body = opening.change_body(action, given)
        return await self._open("/device/v1/changes", body, body)
