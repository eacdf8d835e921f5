"""The services of one process, built from its settings."""

from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from dataclasses import dataclass

from dss.audit.seals import Seals
from dss.audit.service import Audit
from dss.ca.service import Ca
from dss.ca.service_certificates import ServiceCertificates
from dss.clients.service import Clients
from dss.credentials.making import Making
from dss.credentials.offline import OfflineStore
from dss.credentials.service import Credentials
from dss.devices.boxes import Boxes
from dss.devices.enrolling import Enrolling
from dss.devices.inviting import Inviting
from dss.devices.inviting import Parts as EnrolmentParts
from dss.devices.links import LinkSecrets
from dss.devices.request import Kind
from dss.devices.service import Devices
from dss.devices.stop_links import StopLinks
from dss.documents.model import Limits as ChildLimits
from dss.documents.pool import Pool
from dss.documents.service import Documents
from dss.evidence.reporting import Reporting
from dss.evidence.service import Evidence
from dss.infra.db import Database
from dss.infra.recently import Recently
from dss.infra.turnstile import Turnstile
from dss.kernel.clock import Clock, SystemClock
from dss.kernel.ids import Ids
from dss.notify.service import Notify
from dss.oauth.awaiting import Signing
from dss.oauth.suspending import Suspending
from dss.operators.service import Approvals
from dss.settings import Role, Settings, TokenName
from dss.transactions.admitting import Admitting
from dss.transactions.adopting import Adopting
from dss.transactions.answering import Answering, Distrust
from dss.transactions.blocking import Blocking
from dss.transactions.changing import Changing, Owned
from dss.transactions.drafting import Drafting
from dss.transactions.history import History
from dss.transactions.keys import Keys
from dss.transactions.linking import Linking
from dss.transactions.logins import Logins
from dss.transactions.machine import Work
from dss.transactions.mending import Mending
from dss.transactions.offline import OfflineAnswers
from dss.transactions.offline_setting import OfflineSetting
from dss.transactions.opening import Opening
from dss.transactions.parts import Parts
from dss.transactions.performing import Performing
from dss.transactions.phones import Phones
from dss.transactions.placing import Placing
from dss.transactions.plans import Plans
from dss.transactions.policies import Policies
from dss.transactions.preparing import Preparing
from dss.transactions.results import Results
from dss.transactions.service import Transactions
from dss.transactions.sessions import Sessions
from dss.transactions.sharing import Sharing
from dss.transactions.signatures import Signatures
from dss.transactions.waiting import Waiting
from dss.transactions.withdrawing import Withdrawing
from dss.users.service import Users
from dss.wiring.authorization import AuthorizationServer, authorization_of, base_of
from dss.wiring.capabilities import (
    ISSUING_CA,
    Ground,
    device_limits,
    middle_of,
    parts_of,
    reporting_of,
)
from dss.wiring.kinds import KINDS
from dss.wiring.records import Records, records_of
from dss.wiring.signing_in import SigningIn, login_parts_of, of_signer, signing_in_of
from dss.wiring.tokens import HsmKeys, open_tokens

READY_S = 1.0
WAITS = 16  # calls of one phone that wait at a time
WORK_OF = {Role.SIGN: Work.KEY, Role.WORKER: Work.CERTIFICATE}


@dataclass(frozen=True)
class Verbs:
    """What changes keys and phones, and what opens and performs transactions."""

    approvals: Approvals
    keys: Keys
    policies: Policies
    phones: Phones
    changing: Changing
    sharing: Sharing
    logins: Logins
    opening: Opening
    sessions: Sessions
    linking: Linking
    waiting: Waiting
    answering: Answering
    blocking: Blocking
    offline: OfflineAnswers
    transactions: Transactions
    preparing: Preparing
    withdrawing: Withdrawing
    signatures: Signatures
    results: Results
    history: History
    adopting: Adopting
    mending: Mending
    performing: tuple[Performing, ...]


@dataclass(frozen=True)
class Services(Verbs, Records, SigningIn, AuthorizationServer):
    """All that protocols, commands and the worker call."""

    settings: Settings
    database: Database
    tokens: HsmKeys
    clock: Clock
    audit: Audit
    seals: Seals
    users: Users
    clients: Clients
    ca: Ca
    service_certificates: ServiceCertificates
    documents: Documents
    evidence: Evidence
    reports: Reporting
    notify: Notify
    boxes: Boxes
    inviting: Inviting
    enrolling: Enrolling
    devices: Devices
    credentials: Credentials
    making: Making
    suspending: Suspending
    ready: Recently
    waits: Turnstile


@asynccontextmanager
async def opened(
    settings: Settings, clock: Clock | None = None, *, needs: Collection[TokenName] | None = None
) -> AsyncIterator[Services]:
    """Open everything that a process needs, and close it at the end. Raises Unavailable where a PIN is missing.

    clock: handed in by tests. needs: the tokens that are opened; by default those of the role.
    """
    tokens = open_tokens(settings, needs)
    database = Database(settings.database_url)
    pool = Pool(ChildLimits(), settings.document_children)
    try:
        yield build(settings, database, tokens, pool, clock or SystemClock())
    finally:
        await pool.close()
        await database.close()
        tokens.close()


def build(settings: Settings, database: Database, tokens: HsmKeys, pool: Pool, clock: Clock) -> Services:
    """Put the services of one process together."""
    ground = _ground(settings, database, tokens, clock)
    middle = middle_of(ground, pool)
    parts = parts_of(ground, middle)
    base, links = base_of(ground, parts), StopLinks(tokens.service, settings.public_url)
    certificates = ServiceCertificates(middle.ca, tokens.service, clock, settings.name, ISSUING_CA)
    own = of_signer(login_parts_of(ground, parts, base.grants), settings.name)
    verbs = _verbs(ground, parts, links, own.distrust)
    signing = Signing(verbs.signatures, verbs.waiting, verbs.linking, verbs.offline)
    of_enrolment = _enrolment(ground, parts, links)
    return Services(
        settings=settings,
        database=database,
        tokens=tokens,
        clock=clock,
        audit=ground.audit,
        seals=ground.seals,
        users=middle.users,
        clients=middle.clients,
        ca=middle.ca,
        service_certificates=certificates,
        documents=middle.documents,
        evidence=parts.evidence,
        reports=reporting_of(ground, middle, certificates),
        notify=middle.notify,
        boxes=parts.boxes,
        inviting=Inviting(of_enrolment),
        enrolling=Enrolling(of_enrolment),
        devices=parts.devices,
        credentials=parts.credentials,
        making=parts.making,
        suspending=Suspending(middle.clients, base.grants, base.revoked, verbs.withdrawing, clock),
        ready=Recently(lambda: _check(database, tokens, clock), READY_S),
        waits=Turnstile(WAITS),
        **vars(verbs),
        **vars(records_of(ground)),
        **vars(signing_in_of(own, verbs.logins)),
        **vars(authorization_of(ground, parts, base, signing, own.login)),
    )


def _ground(settings: Settings, database: Database, tokens: HsmKeys, clock: Clock) -> Ground:
    ids = Ids(clock)
    audit = Audit(database, clock, ids)
    return Ground(settings, database, tokens, audit, Seals(tokens.service, audit), clock, ids)


def _verbs(ground: Ground, parts: Parts, links: StopLinks, distrust: Distrust) -> Verbs:
    g, plans = ground, Plans(parts)
    drafting = Drafting(parts, Admitting(parts, plans))
    approvals = Approvals(g.database, g.seals, g.clock, g.ids, two=g.settings.two_operators)
    keys, phones = Keys(parts, plans, approvals), Phones(parts, plans, links, approvals)
    blocking = Blocking(parts, plans, approvals, g.settings.operators)
    opening, transactions = Opening(parts, drafting, Placing(parts, drafting)), Transactions(parts)
    preparing = Preparing(parts, drafting, opening)
    offline_setting = OfflineSetting(parts, plans, OfflineStore(g.tokens.service))
    changing = Changing(parts, drafting, plans, Owned(keys, phones, offline_setting, blocking))
    sharing, logins = Sharing(parts, drafting, phones, links), Logins(parts, drafting, plans)
    changes = {Kind.CHANGE: changing.perform, Kind.SHARE: sharing.perform, Kind.LOGIN: logins.perform}
    secrets = LinkSecrets(g.tokens.service)
    linking, offline = Linking(parts, secrets), OfflineAnswers(parts)
    works = [work for role, work in WORK_OF.items() if g.settings.role.plays(role)]
    return Verbs(
        approvals=approvals,
        keys=keys,
        policies=Policies(parts, plans, approvals),
        phones=phones,
        changing=changing,
        sharing=sharing,
        logins=logins,
        opening=opening,
        sessions=Sessions(parts, drafting, opening, plans),
        linking=linking,
        waiting=Waiting(parts, secrets, linking, offline),
        answering=Answering(parts, blocking, distrust),
        blocking=blocking,
        offline=offline,
        transactions=transactions,
        preparing=preparing,
        withdrawing=Withdrawing(parts, plans, preparing),
        signatures=Signatures(parts, opening, preparing, transactions),
        results=Results(parts),
        history=History(parts),
        adopting=Adopting(parts),
        mending=Mending(parts, plans, approvals, g.tokens.service, KINDS),
        performing=tuple(Performing(parts, plans, changes, work) for work in works),
    )


def _enrolment(ground: Ground, parts: Parts, links: StopLinks) -> EnrolmentParts:
    g = ground
    return EnrolmentParts(
        server=g.settings.public_url,
        database=g.database,
        keys=g.tokens.service,
        boxes=parts.boxes,
        stop_links=links,
        users=parts.users,
        notify=parts.notify,
        audit=g.audit,
        seals=g.seals,
        clock=g.clock,
        ids=g.ids,
        limits=device_limits(g.settings),
    )


async def _check(database: Database, tokens: HsmKeys, clock: Clock) -> None:
    await database.check(clock)
    for keys in (tokens.service, tokens.user, tokens.ca):
        if keys is not None:
            await keys.check()
