"""What the stories of codes share: a signer whose phone has no connection, and who types where they are asked."""

from dataclasses import dataclass
from typing import Any

import httpx
import sqlalchemy as sa

from dss.credentials.tables import occurrences, offline_keys
from dss.kernel.ids import CredentialId
from dss.kernel.policy import Policy
from mobile_mock.misbehave import Misbehaviour
from mobile_mock.offline_code import Codes
from tests.stories.shop import Shop
from tests.stories.test_answers import HASH
from tests.world.world import OPERATOR, PIN, Signer

SUBJECT = "Codes for a key of yours were switched"


@dataclass(frozen=True)
class Desk:
    """A signer whose phone may confirm by codes."""

    shop: Shop
    signer: Signer

    async def ask(self, *hashes: str, **more: Any) -> Any:
        """Ask for signatures; return the whole answer."""
        await self.shop.application.log_in()
        wish = {"credential_id": self.signer.credential_id, "text": "Please sign", "hashes": list(hashes or (HASH,))}
        return await self.shop.application.post("/v1/signatures", wish | more)

    async def qr(self, asked: Any) -> str:
        """The text of the requester's page."""
        return str((await self.shop.application.get(f"/v1/transactions/{asked['id']}/offline-qr"))["text"])

    async def another_number(self, asked: Any) -> str:
        """One of the numbers that the phone offers, and the requester's page does not show."""
        offered = self.signer.phone.show_offline(await self.qr(asked)).request.verification.numbers
        return next(number for number in offered if number != asked["verification"]["number"])

    async def codes(self, asked: Any, number: str | None = None, *, pin: str = PIN) -> Codes:
        """Let the phone scan the requester's page and show its codes; number: another than that of the page."""
        shown = self.signer.phone.show_offline(await self.qr(asked))
        page = asked["verification"].get("number")
        wrong = Misbehaviour(wrong_pin=pin != PIN)
        return await self.signer.phone.offline_codes(shown, PIN, number or page, wrong)

    async def wrong(self, asked: Any) -> str:
        """A code by a wrong PIN."""
        return (await self.codes(asked, pin="")).confirm

    async def type(self, asked: Any, code: str) -> httpx.Response:
        """Type a code."""
        return await self.shop.application.http.post(
            f"/v1/transactions/{asked['id']}/offline-code", json={"code": code}
        )

    async def confirmed(self, asked: Any) -> str:
        """Confirm by a code, and let the server do what follows; return the end."""
        typed = await self.type(asked, (await self.codes(asked)).confirm)
        assert (typed.status_code, typed.json()) == (200, {"state": "confirmed"}), typed.text
        await self.shop.world.settle()
        return await self.shop.end(asked["id"])

    async def refused(self) -> None:
        """Assert that no code can answer a new request, whatever is typed."""
        asked = await self.ask()
        qr = await self.shop.application.http.get(f"/v1/transactions/{asked['id']}/offline-qr")
        assert (qr.status_code, (await self.type(asked, "12345678")).status_code) == (409, 409), qr.text

    async def tells(self, asked: Any) -> list[str]:
        """The kinds of the events of a transaction."""
        return await self.shop.world.tells(f"transaction:{asked['id']}")

    async def tells_of_codes(self) -> list[str]:
        """The kinds of the events of what the phone set up."""
        return await self.shop.world.tells(f"offline:{self.signer.credential_id}")

    async def kept(self) -> Any:
        """Return what the server keeps of it."""
        mine = offline_keys.c.credential_id == self.signer.credential_id
        async with self.shop.world.services.database.read() as connection:
            return (await connection.execute(sa.select(offline_keys).where(mine))).one()

    async def signatures(self) -> int:
        """Return how many signatures the key has made."""
        mine = (occurrences.c.credential_id == self.signer.credential_id) & occurrences.c.consumed_at.is_not(None)
        async with self.shop.world.services.database.read() as connection:
            return (await connection.execute(sa.select(sa.func.count()).where(mine))).scalar_one()

    async def letters(self) -> list[str]:
        """The subjects of the letters to the signer about codes, oldest first."""
        texts = [letter.read_text() for letter in await self.shop.world.letters()]
        mine = [text for text in texts if SUBJECT in text and self.signer.user.email in text]
        return [text.partition(SUBJECT)[2].splitlines()[0].strip() for text in mine]


async def allow(shop: Shop, signer: Signer, policy: Policy) -> None:
    """Set a key's policy."""
    await shop.world.services.policies.change_credential(CredentialId(signer.credential_id), policy, OPERATOR)


async def set_up(shop: Shop) -> Desk:
    """Return a signer whose key's policy allows codes, and whose phone set them up."""
    signer = await shop.signer()
    await allow(shop, signer, Policy(offline=True))
    assert await shop.change(signer, "offline") == "signed"
    return Desk(shop, signer)
