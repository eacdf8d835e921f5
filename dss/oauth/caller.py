"""Who calls with an access token: a relying application for itself, or for a signer."""

from dataclasses import dataclass

from dss.kernel.ids import ClientId, GrantId, TransactionId, UserId


@dataclass(frozen=True, slots=True)
class Caller:
    """The relying application whose access token came with a request.

    user_id, grant_id: the signer that it speaks for, and by what; None where it speaks for itself.
    signatures:        those that the token is for, and no others.
    """

    client_id: ClientId
    scopes: frozenset[str]
    user_id: UserId | None = None
    grant_id: GrantId | None = None
    signatures: frozenset[TransactionId] = frozenset()

    @property
    def actor(self) -> str:
        """Who it is in the audit log."""
        return f"client:{self.client_id}"
