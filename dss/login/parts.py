"""What signing in is made of."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from cryptography import x509

from dss.audit.seals import Seals
from dss.devices.service import Devices
from dss.hsm.stamps import Stamps
from dss.infra.db import Database
from dss.kernel.clock import Clock
from dss.kernel.ids import Ids, UserId
from dss.login.model import Limits
from dss.notify.model import Reader
from dss.notify.service import Notify
from dss.users.service import Users

Cas = Callable[[], Sequence[x509.Certificate]]
EndAccess = Callable[[UserId, str, str], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Parts:
    """What signing in is made of.

    server:    the base URL of links. stamps: by the key of signing in.
    operators: whom to write to when somebody tries to be a signer, or None.
    cas:       loads the CAs by which signers' certificates must be issued; None where any may have issued them.
    end_access: ends all that a signer allowed to applications, saying why and by whom; None where there are none.
    """

    server: str
    database: Database
    users: Users
    devices: Devices
    notify: Notify
    seals: Seals
    stamps: Stamps
    clock: Clock
    ids: Ids
    limits: Limits
    operators: Reader | None = None
    cas: Cas | None = None
    end_access: EndAccess | None = None
