"""What the tests of preparations share: wishes for more documents than one call can prepare."""

from typing import Any

from tests.protocol.scene import Scene
from tests.world.pdfs import simple_pdf

COUNT = 101


async def wish(scene: Scene, **at: bytes | str) -> dict[str, Any]:
    """A wish for one document, many times; at: other documents, uploaded or by their ids, by `_` and the index."""
    ids = [(await scene.shop.upload(simple_pdf()))["id"]] * COUNT
    for place, other in at.items():
        ids[int(place[1:])] = other if isinstance(other, str) else (await scene.shop.upload(other))["id"]
    return {"credential_id": scene.alice.credential_id, "documents": [{"id": id} for id in ids]}


async def start(scene: Scene, **at: bytes | str) -> str:
    return str((await scene.shop.post("/v1/signatures", await wish(scene, **at)))["id"])


async def read(scene: Scene, id: str) -> dict[str, Any]:
    return dict(await scene.shop.get(f"/v1/signatures/{id}"))


async def cancel(scene: Scene, id: str) -> dict[str, Any]:
    return dict(await scene.shop.post(f"/v1/signatures/{id}/cancel", None, status=200))
