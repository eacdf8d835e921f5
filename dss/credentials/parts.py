"""What the verbs of this capability are made of."""

from dataclasses import dataclass
from datetime import timedelta

from dss.audit.seals import Seals
from dss.ca.service import Ca
from dss.devices.service import Devices
from dss.hsm.userkeys import UserKeys
from dss.infra.db import Database
from dss.kernel.clock import Clock
from dss.kernel.errors import Unavailable
from dss.kernel.policy import Bounds
from dss.users.service import Users


@dataclass(frozen=True, slots=True)
class Parts:
    """The capabilities below; user_keys is None in a process that may not sign.

    server:       the base URL by which phones know this server.
    sad_lifetime: how long a confirmation waits for a node that takes it up.
    session_ceiling: what no session exceeds, whatever a policy allows.
    """

    server: str
    database: Database
    user_keys: UserKeys | None
    devices: Devices
    ca: Ca
    users: Users
    seals: Seals
    clock: Clock
    sad_lifetime: timedelta
    session_ceiling: Bounds

    def keys_here(self) -> UserKeys:
        """Return the user keys. Raises Unavailable in a process that does not hold their token."""
        if self.user_keys is None:
            raise Unavailable("this process does not hold the token of the user keys")
        return self.user_keys
