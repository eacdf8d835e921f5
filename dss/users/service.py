"""The verbs over users."""

from dataclasses import asdict, dataclass

from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from dss.audit.event import Event
from dss.audit.seals import Seals
from dss.infra.db import Database
from dss.kernel.clock import Clock
from dss.kernel.errors import Conflict, NotFound
from dss.kernel.ids import Ids, UserId
from dss.users import store
from dss.users.model import LOGIN, User, require_acceptable


@dataclass(frozen=True, slots=True)
class NewUser:
    """Whom to register; members as in User."""

    login: str
    email: str
    given_name: str
    surname: str
    country: str
    locale: str = "en"
    serial_number: str | None = None
    organization: str | None = None


class Users:
    """Registers the people whose keys sign, and finds them."""

    def __init__(self, database: Database, seals: Seals, clock: Clock, ids: Ids) -> None:
        self._database = database
        self._seals = seals
        self._clock = clock
        self._ids = ids

    async def register(self, new: NewUser, actor: str) -> User:
        """Register a user.

        actor: who does it, as the audit log names it.
        Raises Invalid, DeceptiveText, and Conflict if the login is taken.
        """
        user = User(
            id=UserId(self._ids.new()),
            login=new.login,
            email=new.email,
            given_name=new.given_name,
            surname=new.surname,
            country=new.country,
            serial_number=new.serial_number,
            organization=new.organization,
            locale=new.locale,
            created_at=self._clock.now(),
        )
        require_acceptable(user)
        draft = await self._seals.draft_new(store.USERS, asdict(user))
        event = Event("user.registered", actor, draft.sealed.name, details={"login": user.login})
        try:
            async with self._database.write() as connection:
                await self._seals.write(connection, draft, event)
        except IntegrityError as fault:
            raise Conflict(f"the login {user.login} is taken") from fault
        return user

    async def get(self, id: UserId) -> User:
        """Return a user. Raises NotFound, Tampered."""
        async with self._database.read() as connection:
            stored = await store.get(connection, id)
        return (await self._seals.prove(stored)).value

    async def hold(self, connection: AsyncConnection, id: UserId) -> None:
        """Let nobody else hold a user until the caller's commit: what is counted of theirs is counted by one."""
        await store.hold(connection, id)

    async def by_login(self, login: str) -> User:
        """Return the user of a login. Raises NotFound, Tampered."""
        if not LOGIN.fullmatch(login):
            raise NotFound("there is no such user")
        async with self._database.read() as connection:
            stored = await store.by_login(connection, login)
        return (await self._seals.prove(stored)).value

    async def list(self, after: UserId | None, limit: int) -> tuple[User, ...]:
        """Return up to limit users in the order they were registered, from the first one after an id."""
        async with self._database.read() as connection:
            stored = await store.page(connection, after, limit)
        return tuple(sealed.value for sealed in await self._seals.prove_all(stored))
