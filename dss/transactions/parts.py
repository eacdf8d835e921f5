"""What the verbs of this capability are made of."""

from dataclasses import dataclass

from dss.audit.seals import Seals
from dss.audit.service import Audit
from dss.ca.service import Ca
from dss.clients.policies import ClientPolicies
from dss.clients.service import Clients
from dss.credentials.code_door import CodeDoor
from dss.credentials.door import Door
from dss.credentials.making import Making
from dss.credentials.service import Credentials
from dss.devices.boxes import Boxes
from dss.devices.service import Devices
from dss.documents.service import Documents
from dss.evidence.service import Evidence
from dss.infra.bus import Bus
from dss.infra.db import Database
from dss.kernel.clock import Clock
from dss.kernel.ids import Ids, TransactionId, UserId
from dss.kernel.policy import Policy
from dss.notify.service import Notify
from dss.transactions.model import Limits
from dss.users.service import Users

WORK = "work"
WAITING = 100  # transactions that one phone is told of, and so may await its owner


@dataclass(frozen=True, slots=True)
class Parts:
    """The capabilities below, and the mechanisms.

    server: the base URL by which phones know this server. name: what phones show when the operator asks.
    least:  the policy that the operator sets for all; its session is the ceiling of every session.
    """

    server: str
    name: str
    database: Database
    users: Users
    clients: Clients
    client_policies: ClientPolicies
    documents: Documents
    door: Door
    codes: CodeDoor
    credentials: Credentials
    making: Making
    ca: Ca
    notify: Notify
    devices: Devices
    boxes: Boxes
    seals: Seals
    audit: Audit
    evidence: Evidence
    bus: Bus
    clock: Clock
    ids: Ids
    limits: Limits
    least: Policy


def topic(id: TransactionId) -> str:
    """Return the topic of those who wait for a transaction to move."""
    return f"transaction:{id}"


def inbox(user_id: UserId) -> str:
    """Return the topic of the phones that wait for something to answer."""
    return f"user:{user_id}"
