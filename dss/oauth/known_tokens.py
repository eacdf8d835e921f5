"""Which token of this server a text is: its form tells, so that clients need not say it (RFC 7009 section 2.1)."""

from dataclasses import dataclass

from dss.hsm.stamps import Stamped, Stamps
from dss.kernel.errors import BadRequest, NotFound, Tampered, Unauthenticated
from dss.kernel.ids import ClientId, GrantId
from dss.oauth.access_token import AccessTokens, Claims
from dss.oauth.grant import Grant
from dss.oauth.grants import REFRESH, Grants


@dataclass(frozen=True, slots=True)
class RefreshToken:
    """A refresh token that this server wrote. number: only that of the grant is good."""

    grant: Grant
    number: int | None

    @property
    def client_id(self) -> ClientId:
        """Whose it is."""
        return self.grant.client_id


class KnownTokens:
    """Reads the texts of tokens. grants: what refresh tokens stand for. stamps: by the authorization server's key."""

    def __init__(self, tokens: AccessTokens, grants: Grants, stamps: Stamps) -> None:
        self.grants = grants
        self._tokens = tokens
        self._stamps = stamps

    async def read(self, text: str) -> Claims | RefreshToken | None:
        """Return an access token that has not ended, or a refresh token however old; None for any other text.

        Raises HsmUnavailable, DatabaseUnavailable.
        """
        try:
            stamped = Stamped(text)
        except BadRequest:
            return await self._access(text)
        if not await self._stamps.is_right(REFRESH, stamped):
            return None
        grant = await self.grant(GrantId(stamped.id))
        return None if grant is None else RefreshToken(grant, stamped.number)

    async def grant(self, id: GrantId) -> Grant | None:
        """Return a grant; None for one that is not there, and for one that was altered, which is an alarm."""
        try:
            return await self.grants.get(id)
        except (NotFound, Tampered):
            return None

    async def _access(self, text: str) -> Claims | None:
        try:
            return await self._tokens.verify(text)
        except Unauthenticated:
            return None
