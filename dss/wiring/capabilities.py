"""The capabilities of one process, each made of those below it."""

from dataclasses import dataclass

from dss.audit.log import Log
from dss.audit.log_key import log_key
from dss.audit.seals import Seals
from dss.audit.service import Audit
from dss.ca.model import CaSettings
from dss.ca.service import Ca
from dss.ca.service_certificates import ServiceCertificates
from dss.clients.policies import ClientPolicies
from dss.clients.service import Clients
from dss.credentials.code_door import CodeDoor
from dss.credentials.door import Door
from dss.credentials.making import Making
from dss.credentials.offline import OfflineStore
from dss.credentials.parts import Parts as CredentialParts
from dss.credentials.service import Credentials
from dss.devices.boxes import Boxes
from dss.devices.model import Limits as DeviceLimits
from dss.devices.service import Devices
from dss.devices.service import Parts as DeviceParts
from dss.documents.pool import Pool
from dss.documents.service import Documents, Means
from dss.evidence.reporting import Reporting
from dss.evidence.sealing import Reports
from dss.evidence.service import Evidence
from dss.evidence.stating import ChannelKeys
from dss.evidence.verifying import Trust
from dss.hsm.servicekeys import KeyName
from dss.infra.bus import Bus
from dss.infra.db import Database
from dss.infra.files import FolderStore
from dss.kernel.clock import Clock
from dss.kernel.ids import Ids
from dss.kernel.policy import Policy
from dss.notify.service import Notify, Post
from dss.notify.spool import SpoolSender
from dss.settings import Role, Settings
from dss.transactions.model import Limits
from dss.transactions.parts import Parts
from dss.users.service import Users
from dss.wiring.tokens import HsmKeys

REREAD_ALONE_S, REREAD_SHARED_S = 5.0, 0.5
ROOT_CA, ISSUING_CA = "root", "issuing"


@dataclass(frozen=True)
class Ground:
    """What every capability stands on."""

    settings: Settings
    database: Database
    tokens: HsmKeys
    audit: Audit
    seals: Seals
    clock: Clock
    ids: Ids


@dataclass(frozen=True)
class Middle:
    """The capabilities that know of no others."""

    users: Users
    clients: Clients
    ca: Ca
    documents: Documents
    notify: Notify


def middle_of(ground: Ground, pool: Pool) -> Middle:
    """Return the capabilities that know of no others."""
    g, s = ground, ground.settings
    uploads, made = FolderStore(s.documents / "uploads"), FolderStore(s.documents / "made")
    means = Means(g.database, uploads, made, pool, g.audit, g.clock, g.ids)
    post = Post(
        SpoolSender(s.spool, s.mail_from, g.clock).send,
        lambda letter: g.tokens.service.hmac(KeyName.ENROLMENT, b"dss/outbox/v1\x00" + letter.encode()),
    )
    return Middle(
        users=Users(g.database, g.seals, g.clock, g.ids),
        clients=Clients(g.database, g.seals, g.clock, g.ids),
        ca=Ca(g.database, g.tokens.ca, g.audit, g.clock, CaSettings(s.pki_url, s.policy_oid, ISSUING_CA)),
        documents=Documents(means, s.document_limit),
        notify=Notify(g.database, post, g.audit, g.clock, g.ids),
    )


def device_limits(settings: Settings) -> DeviceLimits:
    """Return what the operator decides about phones."""
    ladder = (settings.pin_lock, settings.pin_long_lock)
    return DeviceLimits(pin_ladder=ladder, new_phone_wait=settings.new_phone_wait)


def transaction_limits(settings: Settings) -> Limits:
    """Return what the operator decides about transactions."""
    return Limits(
        confirm_within=settings.confirm_within,
        collect_within=settings.collect_within,
        certificate_days=settings.certificate_days,
        together=settings.signature_limit,
        asking=settings.asking,
    )


def parts_of(ground: Ground, middle: Middle) -> Parts:
    """Return what the verbs over transactions are made of."""
    g, s = ground, ground.settings
    limits = device_limits(s)
    boxes = Boxes(g.database, g.tokens.service, g.seals, g.clock, limits.box_key_lifetime)
    known = Devices(DeviceParts(g.database, g.tokens.service, boxes, g.seals, g.clock, limits))
    of_credentials = _credential_parts(ground, middle, known)
    codes = CodeDoor(of_credentials, OfflineStore(g.tokens.service))
    door = Door(of_credentials, codes)
    keys = Credentials(of_credentials, door)
    return Parts(
        server=s.public_url,
        name=s.name,
        database=g.database,
        users=middle.users,
        clients=middle.clients,
        client_policies=ClientPolicies(g.database, g.seals),
        documents=middle.documents,
        door=door,
        codes=codes,
        credentials=keys,
        making=Making(of_credentials, door, keys),
        ca=middle.ca,
        notify=middle.notify,
        devices=known,
        boxes=boxes,
        seals=g.seals,
        audit=g.audit,
        evidence=_evidence(ground),
        bus=Bus(REREAD_ALONE_S if s.role is Role.ALL else REREAD_SHARED_S),
        clock=g.clock,
        ids=g.ids,
        limits=transaction_limits(s),
        least=Policy(verification=s.verification, session=s.session_ceiling),
    )


def _evidence(ground: Ground) -> Evidence:
    g, s = ground, ground.settings
    log = Log(g.database, g.tokens.service, g.clock, s.log_origin)
    return Evidence(g.database, g.audit, log, ChannelKeys(g.tokens.service, s.log_origin, s.public_url))


def _credential_parts(ground: Ground, middle: Middle, known: Devices) -> CredentialParts:
    g, s = ground, ground.settings
    return CredentialParts(
        server=s.public_url,
        database=g.database,
        user_keys=g.tokens.user,
        devices=known,
        ca=middle.ca,
        users=middle.users,
        seals=g.seals,
        clock=g.clock,
        sad_lifetime=s.sad_lifetime,
        session_ceiling=s.session_ceiling,
    )


def reporting_of(ground: Ground, middle: Middle, certificates: ServiceCertificates) -> Reporting:
    """Return what makes reports of evidence for people."""
    g = ground

    async def trusted() -> Trust:
        root = (await middle.ca.chain(ISSUING_CA))[-1]
        return Trust(root, await log_key(g.tokens.service, g.settings.log_origin))

    return Reporting(Reports(g.tokens.service, certificates, g.clock), g.audit, trusted)
