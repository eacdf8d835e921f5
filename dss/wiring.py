"""The only place where parts meet: builds the services of one process from its settings."""

import os
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from dataclasses import dataclass

from dss.audit.service import Audit
from dss.ca.model import CaSettings
from dss.ca.service import Ca
from dss.clients.model import SCOPES
from dss.clients.service import Clients
from dss.credentials import service as credentials
from dss.devices import enrolling
from dss.devices import service as devices
from dss.devices.boxes import Boxes
from dss.devices.model import Limits as DeviceLimits
from dss.documents.model import Limits as ChildLimits
from dss.documents.pool import Pool
from dss.documents.service import Documents, Means
from dss.hsm.cakeys import CaKeys
from dss.hsm.servicekeys import KeyName, ServiceKeys
from dss.hsm.token import Token, TokenSpec
from dss.hsm.userkeys import UserKeys
from dss.infra.bus import Bus
from dss.infra.db import Database
from dss.infra.files import FolderStore
from dss.infra.recently import Recently
from dss.kernel.clock import Clock, SystemClock
from dss.kernel.errors import Unavailable
from dss.kernel.ids import Ids
from dss.notify.service import Notify, Post
from dss.notify.spool import SpoolSender
from dss.oauth.access_token import AccessTokens
from dss.oauth.issuer import Issuer
from dss.oauth.service import Authorization
from dss.settings import Role, Settings, TokenName
from dss.transactions.answering import Answering
from dss.transactions.machine import Work
from dss.transactions.model import Limits
from dss.transactions.opening import Opening
from dss.transactions.parts import Parts
from dss.transactions.performing import Performing
from dss.transactions.service import Transactions
from dss.users.service import Users

REREAD_ALONE_S, REREAD_SHARED_S = 5.0, 0.5
READY_S = 1.0
ROOT_CA, ISSUING_CA = "root", "issuing"
WORK_OF = {Role.SIGN: Work.KEY, Role.WORKER: Work.CERTIFICATE}


@dataclass(frozen=True)
class HsmKeys:
    """The HSM's keys that this process may use; service refuses every use where its token is not opened."""

    user: UserKeys | None
    ca: CaKeys | None
    service: ServiceKeys
    opened: tuple[Token, ...]

    def close(self) -> None:
        """Let go of the tokens."""
        for token in self.opened:
            token.close()


@dataclass(frozen=True)
class Services:
    """All that protocols, commands and the worker call."""

    settings: Settings
    database: Database
    tokens: HsmKeys
    clock: Clock
    audit: Audit
    users: Users
    clients: Clients
    ca: Ca
    documents: Documents
    notify: Notify
    boxes: Boxes
    enrolling: enrolling.Enrolling
    devices: devices.Devices
    credentials: credentials.Credentials
    opening: Opening
    answering: Answering
    transactions: Transactions
    performing: tuple[Performing, ...]
    oauth: Authorization
    ready: Recently


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


def open_tokens(settings: Settings, needs: Collection[TokenName] | None = None) -> HsmKeys:
    """Take up the keys of some tokens, by default those of the role. Raises Unavailable where a PIN is missing."""
    tokens = tokens_of(settings, settings.role.tokens if needs is None else needs)
    user, ca = tokens.get(TokenName.USER), tokens.get(TokenName.CA)
    return HsmKeys(
        UserKeys(user) if user else None,
        CaKeys(ca) if ca else None,
        ServiceKeys(tokens.get(TokenName.SERVICE)),
        tuple(tokens.values()),
    )


def tokens_of(settings: Settings, needs: Collection[TokenName]) -> dict[TokenName, Token]:
    """Return the tokens of these names; each is opened at its first use. Raises Unavailable where a PIN is missing."""
    require_pins(settings, needs)
    if settings.softhsm_conf:
        os.environ["SOFTHSM2_CONF"] = str(settings.softhsm_conf)
    return {
        name: Token(
            TokenSpec(settings.hsm_module, token.label, str(token.pin), settings.hsm_lock_file, settings.hsm_threads)
        )
        for name, token in settings.tokens.named().items()
        if name in needs
    }


def require_pins(settings: Settings, needs: Collection[TokenName]) -> None:
    """Raise Unavailable, naming the variables, unless the PINs of these tokens are set."""
    missing = [name for name, token in settings.tokens.named().items() if name in needs and token.pin is None]
    if missing:
        raise Unavailable(f"PINs that are needed here and not set: {', '.join(name.pin_variable for name in missing)}")


@dataclass(frozen=True)
class _Ground:
    """What every capability stands on."""

    settings: Settings
    database: Database
    tokens: HsmKeys
    audit: Audit
    clock: Clock
    ids: Ids


@dataclass(frozen=True)
class _Middle:
    """The capabilities that know of no others."""

    users: Users
    clients: Clients
    ca: Ca
    documents: Documents
    notify: Notify


def build(settings: Settings, database: Database, tokens: HsmKeys, pool: Pool, clock: Clock) -> Services:
    """Put the services of one process together."""
    ids = Ids(clock)
    audit = Audit(database, clock, ids)
    ground = _Ground(settings, database, tokens, audit, clock, ids)
    middle = _middle(ground, pool)
    limits = DeviceLimits(pin_lock=settings.pin_lock)
    boxes = Boxes(database, tokens.service, audit, clock, limits.box_key_lifetime)
    known = devices.Devices(devices.Parts(database, tokens.service, boxes, audit, clock, limits))
    parts = _parts(ground, middle, boxes, known)
    return Services(
        settings=settings,
        database=database,
        tokens=tokens,
        clock=clock,
        audit=audit,
        users=middle.users,
        clients=middle.clients,
        ca=middle.ca,
        documents=middle.documents,
        notify=middle.notify,
        boxes=boxes,
        enrolling=_enrolling(ground, middle, boxes, limits),
        devices=known,
        credentials=parts.credentials,
        opening=Opening(parts),
        answering=Answering(parts),
        transactions=Transactions(parts),
        performing=tuple(Performing(parts, work) for role, work in WORK_OF.items() if settings.role.plays(role)),
        oauth=_oauth(ground, middle),
        ready=Recently(lambda: _check(database, tokens, clock), READY_S),
    )


async def _check(database: Database, tokens: HsmKeys, clock: Clock) -> None:
    await database.check(clock)
    for keys in (tokens.service, tokens.user, tokens.ca):
        if keys is not None:
            await keys.check()


def _middle(ground: _Ground, pool: Pool) -> _Middle:
    g, s = ground, ground.settings
    uploads, made = FolderStore(s.documents / "uploads"), FolderStore(s.documents / "made")
    means = Means(g.database, uploads, made, pool, g.audit, g.clock, g.ids)
    post = Post(
        SpoolSender(s.spool, s.mail_from, g.clock).send,
        lambda letter: g.tokens.service.hmac(KeyName.ENROLMENT, b"dss/outbox/v1\x00" + letter.encode()),
    )
    return _Middle(
        users=Users(g.database, g.audit, g.clock, g.ids),
        clients=Clients(g.database, g.audit, g.clock, g.ids),
        ca=Ca(g.database, g.tokens.ca, g.audit, g.clock, CaSettings(s.pki_url, s.policy_oid, ISSUING_CA)),
        documents=Documents(means, s.document_limit),
        notify=Notify(g.database, post, g.audit, g.clock, g.ids),
    )


def _enrolling(ground: _Ground, middle: _Middle, boxes: Boxes, limits: DeviceLimits) -> enrolling.Enrolling:
    g = ground
    return enrolling.Enrolling(
        enrolling.Parts(
            server=g.settings.public_url,
            database=g.database,
            keys=g.tokens.service,
            boxes=boxes,
            users=middle.users,
            notify=middle.notify,
            audit=g.audit,
            clock=g.clock,
            ids=g.ids,
            limits=limits,
        )
    )


def _parts(ground: _Ground, middle: _Middle, boxes: Boxes, known: devices.Devices) -> Parts:
    g, s = ground, ground.settings
    door = credentials.Credentials(
        credentials.Parts(
            server=s.public_url,
            database=g.database,
            user_keys=g.tokens.user,
            devices=known,
            ca=middle.ca,
            users=middle.users,
            audit=g.audit,
            clock=g.clock,
            sad_lifetime=s.sad_lifetime,
        )
    )
    return Parts(
        server=s.public_url,
        name=s.name,
        database=g.database,
        users=middle.users,
        clients=middle.clients,
        documents=middle.documents,
        credentials=door,
        devices=known,
        boxes=boxes,
        audit=g.audit,
        bus=Bus(REREAD_ALONE_S if s.role is Role.ALL else REREAD_SHARED_S),
        clock=g.clock,
        ids=g.ids,
        limits=Limits(
            confirm_within=s.confirm_within,
            collect_within=s.collect_within,
            certificate_days=s.certificate_days,
        ),
    )


def _oauth(ground: _Ground, middle: _Middle) -> Authorization:
    issuer = Issuer(ground.settings.public_url, SCOPES)
    tokens = AccessTokens(issuer, ground.tokens.service, ground.clock)
    return Authorization(tokens, middle.clients, ground.database, ground.audit, ground.clock)
