"""What callers of an installation want, and how they go on when its server dies: as honest clients do."""

import secrets
from base64 import b64encode
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Protocol

from mobile_mock.phone import Phone
from tests.world.crashing import LOGIN
from tests.world.world import PIN, Application


@dataclass(frozen=True)
class Callers:
    """A relying application and the signer's phone, each with connections of its own."""

    application: Application
    phone: Phone


class Wish(Protocol):
    """What somebody wants of an installation."""

    async def go(self, callers: Callers) -> Any:
        """Take it as far as it gets; taken up again it goes on."""


class Creation:
    """A wish for a credential, taken as far as it gets; taken up again it goes on, as honest clients do."""

    def __init__(self, replaces: str | None = None) -> None:
        self.key = secrets.token_hex(16)
        self.credential_id = ""
        self._replaces = {} if replaces is None else {"replaces": replaces}
        self._answering = _Answering()

    async def go(self, callers: Callers) -> Any:
        """Ask, confirm, and wait for the credential; return it."""
        wish = {"user": LOGIN, "key_type": "P-256", **self._replaces}
        asked = await callers.application.post("/v1/credentials", wish, key=self.key)
        self.credential_id = asked["id"]
        await self._answering.confirm(callers.phone, asked["transaction_id"])
        return await callers.application.get(f"/v1/credentials/{self.credential_id}?wait=30")


class Signing:
    """A wish for a signature, taken as far as it gets; taken up again it goes on, as honest clients do."""

    def __init__(self, pdf: bytes, credential_id: str, pin: str = PIN, **typed: str) -> None:
        self.key = secrets.token_hex(16)
        self._pdf = pdf
        self._credential_id = credential_id
        self._answering = _Answering(pin, **typed)

    async def ask(self, callers: Callers) -> str:
        """Upload the document and ask for the signature, under Idempotency-Keys; return the transaction's id."""
        headers = {"Content-Type": "application/pdf", "Idempotency-Key": self.key}
        uploaded = await callers.application.http.post(
            "/v1/documents", params={"name": "contract.pdf"}, content=self._pdf, headers=headers
        )
        assert uploaded.status_code == 201, uploaded.text
        documents = [{"id": uploaded.json()["id"]}]
        wish = {"credential_id": self._credential_id, "text": "Please sign", "documents": documents}
        return str((await callers.application.post("/v1/signatures", wish, key=self.key))["id"])

    async def go(self, callers: Callers) -> bytes:
        """Ask, confirm, wait, and collect the signed file."""
        id = await self.ask(callers)
        await self._answering.confirm(callers.phone, id)
        return await self.collect(callers.application, id)

    async def collect(self, application: Application, id: str) -> bytes:
        """Wait for the signature, and collect the signed file."""
        signed = await application.get(f"/v1/signatures/{id}?wait=30")
        assert signed["state"] == "signed", signed
        file = await application.http.get(signed["documents"][0]["href"])
        assert file.status_code == 200, file.text
        return file.content


class Hashes:
    """A wish for signatures over bare hashes, taken as far as it gets; taken up again it goes on.

    more: members of the wish; in a session no phone is asked.
    """

    def __init__(self, count: int, credential_id: str, **more: str) -> None:
        self.key = secrets.token_hex(16)
        hashes = [b64encode(sha256(b"%d" % number).digest()).decode() for number in range(count)]
        self._wish = {"credential_id": credential_id, "text": "Please sign", "hashes": hashes, **more}
        self._answering = None if "session_id" in more else _Answering()

    async def go(self, callers: Callers) -> Any:
        """Ask, confirm where a phone is asked, and wait; return the signature."""
        asked = await callers.application.post("/v1/signatures", self._wish, key=self.key)
        if self._answering is not None:
            await self._answering.confirm(callers.phone, asked["id"])
        return await callers.application.get(f"/v1/signatures/{asked['id']}?wait=30")


class Opened:
    """A wish that the owner opens on the phone and confirms, taken as far as it gets; taken up again it goes on.

    open: what opens it, and gives its id. typed: what the owner types to confirm it, beside the PIN.
    """

    def __init__(self, open: Callable[[Phone], Awaitable[str]], pin: str = PIN, **typed: str) -> None:
        self.id = ""
        self._open = open
        self._answering = _Answering(pin, **typed)

    async def go(self, callers: Callers) -> str:
        """Open, confirm, and wait for the end; return it."""
        self.id = self.id or await self._open(callers.phone)
        await self._answering.confirm(callers.phone, self.id)
        return await callers.phone.state(self.id, 30)


class _Answering:
    """The person with the phone: looks once, confirms, and confirms again only if the reply was lost."""

    def __init__(self, pin: str = PIN, **typed: str) -> None:
        self._pin = pin
        self._typed: Any = typed
        self._shown: Any = None
        self._taken = False

    async def confirm(self, phone: Phone, id: str) -> None:
        """Confirm a transaction, unless its confirmation is known to be taken."""
        if self._shown is None:
            self._shown = await phone.show(id)
        if not self._taken:
            await phone.confirm(self._shown, self._pin, **self._typed)
        self._taken = True
