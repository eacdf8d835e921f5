"""What the stories of batches share: hashes by the hundred, and what a relying application reads of them."""

import base64
import hashlib
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed

from dss.hsm.userkeys import UserKeys
from dss.kernel.errors import HsmUnavailable
from tests.world.world import PIN, Application, Signer, World


def digests(count: int) -> list[bytes]:
    """As many different hashes, in an order that is not that of their values."""
    return [hashlib.sha256(b"%d" % number).digest() for number in range(count)]


@dataclass
class Batches:
    """A relying application, and a signer who confirms whatever is asked."""

    world: World
    application: Application
    alice: Signer

    async def ask(self, wanted: list[bytes]) -> str:
        """Ask for signatures of hashes; return the signature's id."""
        texts = [base64.b64encode(one).decode() for one in wanted]
        return str((await self.application.ask_hashes(self.alice, *texts))["id"])

    async def confirm(self, id: str, *declined: int) -> None:
        """Let the signer confirm, but for some."""
        shown = await self.alice.phone.show(id)
        assert await self.alice.phone.confirm(shown, PIN, declined_documents=declined) == "confirmed"

    async def read(self, id: str) -> dict[str, Any]:
        """Read the signature."""
        return dict(await self.application.get(f"/v1/signatures/{id}"))

    async def results(self, id: str, **query: int) -> list[dict[str, Any]]:
        """Read what became of each thing."""
        answer = await self.application.http.get(f"/v1/signatures/{id}/results", params=query)
        assert (answer.status_code, answer.headers["content-type"]) == (200, "application/x-ndjson"), answer.text
        return [json.loads(line) for line in answer.text.splitlines()]

    async def assert_signed(self, results: list[dict[str, Any]], wanted: list[bytes]) -> None:
        """Assert that these are right signatures of these hashes, in this order, from the first on."""
        credential = await self.world.services.credentials.get(self.alice.credential["id"])
        key: Any = x509.load_der_x509_certificate(credential.certificate or b"").public_key()
        assert [one["index"] for one in results] == list(range(len(wanted)))
        for one, digest in zip(results, wanted, strict=True):
            assert (one["state"], base64.b64decode(one["to_sign"])) == ("signed", digest)
            key.verify(base64.b64decode(one["signature"]), digest, ec.ECDSA(Prehashed(hashes.SHA256())))


async def _open(world: World) -> Batches:
    application = await world.application()
    return Batches(world, application, await world.signer(application))


@pytest.fixture
async def batches(world: World) -> Batches:
    """On SQLite."""
    return await _open(world)


@pytest.fixture
async def batches_on_each_database(world_on_each_database: World) -> Batches:
    """On SQLite, and others on PostgreSQL."""
    return await _open(world_on_each_database)


@asynccontextmanager
async def hsm_that_fails(after: int) -> AsyncIterator[list[int]]:
    """Let the HSM sign that many lots, and fail from then on; the sizes of the lots that it signed."""
    sign_all, signed = UserKeys.sign_all, list[int]()

    async def fail_later(keys: UserKeys, key: Any, wanted: Any) -> list[bytes]:
        if len(signed) == after:
            raise HsmUnavailable
        signed.append(len(wanted))
        return await sign_all(keys, key, wanted)

    with pytest.MonkeyPatch.context() as fault:
        fault.setattr(UserKeys, "sign_all", fail_later)
        yield signed
