"""A bank: a relying application that asks one person under a policy of its own, and what its page shows."""

from collections.abc import Awaitable
from dataclasses import dataclass, replace
from typing import Any

import pytest

from dss.devices.links import Linked
from dss.kernel import b64
from dss.kernel.ids import ClientId, TransactionId
from dss.kernel.policy import Link, Policy
from mobile_mock.link_code import LinkCode, read_link_code
from mobile_mock.phone import Phone
from tests.world.owners import HASH, Owner
from tests.world.world import OPERATOR, Application, World

EXPIRED, TOO_MANY = (410, "expired"), (429, "too_many")


@dataclass
class Bank:
    """A relying application that asks one person, under a policy of its own."""

    world: World
    application: Application
    owner: Owner

    async def asks(self, **wish: Any) -> str:
        """Ask for a signature; return its id."""
        right = {"credential_id": self.owner.credential_id, "text": "Please sign", "hashes": [HASH]}
        return str((await self.application.post("/v1/signatures", right | wish))["id"])

    async def told(self, id: str) -> Any:
        """What the application is told to show."""
        return await self.application.get(f"/v1/transactions/{id}/device-link")

    async def link(self, id: str) -> LinkCode:
        """The code that is shown now."""
        return read_link_code((await self.told(id))["link"])

    async def code_at(self, id: str, time: int) -> LinkCode:
        """The code of any second, as an application makes it that draws it itself."""
        told = await self.told(id)
        linked = Linked(TransactionId(id), self.application.id, b64.url_decode(told["binding"]))
        return replace(read_link_code(told["link"]), time=time, code=linked.code(b64.url_decode(told["secret"]), time))

    async def waiting(self) -> list[str]:
        """What the phone is told of."""
        return [notice.id for notice in await self.owner.phone.waiting()]

    async def signs(self, id: str) -> str:
        """Let the person confirm what the phone shows; return the end."""
        return await self.owner.confirms(await self.owner.phone.show(id))


async def bank_of(owner: Owner, policy: Policy, name: str = "") -> Bank:
    world = owner.world
    application = await world.application(name or f"Bank of {owner.user.login}")
    await world.services.policies.change_client(ClientId(application.id), policy, OPERATOR)
    return Bank(world, application, owner)


async def always(owner: Owner) -> Bank:
    return await bank_of(owner, Policy(device_link=Link.ALWAYS))


def now(bank: Bank) -> int:
    return int(bank.world.clock.now().timestamp())


def scanning(phone: Phone, code: LinkCode) -> Awaitable[str]:
    return phone.scan(code.text())


@pytest.fixture
async def bank_on_each_database(bob: Owner) -> Bank:
    return await bank_of(bob, Policy(device_link=Link.ALWAYS))
