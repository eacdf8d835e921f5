"""A batch at the server of mock_server: more documents than a request can list, and pages of them."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import httpx

from tests.unit import mock_files as files
from tests.unit.mock_server import FIRST, FakeServer, b64, canonical, right_document, sha


def leaf_hash(leaf: bytes) -> bytes:
    return sha(b"\x00" + leaf)


def merkle_root(leaves: list[bytes]) -> bytes:
    """RFC 9162 section 2.1.1, level by level and apart from the phone: a node without a brother rises as it is."""
    level = [leaf_hash(leaf) for leaf in leaves]
    while len(level) > 1:
        pairs = [sha(b"\x01" + level[i] + level[i + 1]) for i in range(0, len(level) - 1, 2)]
        level = pairs + level[len(pairs) * 2 :]
    return level[0]


def bare(index: int) -> dict[str, Any]:
    to_sign = b64(sha(b"hash %d" % index))
    return {"index": index, "format": "hash", "scheme": "ecdsa", "hash_algorithm": "sha256", "to_sign": to_sign}


@dataclass
class BatchServer(FakeServer):
    """A server that also has batches.

    items: the lines of each. page: how many lines it gives at most, whatever is asked for.
    spoil: what it does to a page before it is sent.
    """

    items: dict[str, list[bytes]] = field(default_factory=dict)
    page: int = 1000
    spoil: Callable[[bytes], bytes] = lambda page: page

    def ask_for_batch(self, documents: list[dict[str, Any]], id: str = FIRST, **changes: Any) -> dict[str, Any]:
        self.items[id] = [canonical(document) for document in documents]
        batch = {"count": len(documents), "root": b64(merkle_root(self.items[id]))}
        own = dict(self.documents)  # a right request puts its one document where the first of these lies
        payload = self.ask(id, **{"documents": [], "batch": batch, **changes})
        self.documents |= own
        return payload

    def documents_of(self, count: int, id: str = FIRST) -> list[dict[str, Any]]:
        """So many documents, each with files of its own."""
        return [self._document(id, index) for index in range(count)]

    def _document(self, id: str, index: int) -> dict[str, Any]:
        original = b"%PDF-1.7\nInvoice " + str(index).encode() + b"\n%%EOF\n"
        prepared = files.prepare(original)
        attributes = files.right_attributes(prepared.covered)
        for name, content in (("original", original), ("prepared", prepared.file), ("attributes", attributes)):
            self.documents[f"/device/v1/transactions/{id}/documents/{index}/{name}"] = content
        own = {"size": len(original), "document_digest": b64(sha(original))}
        return right_document(attributes, index=index, name=f"invoice-{index}.pdf", **own)

    def _answer(self, method: str, path: str) -> httpx.Response:
        *_, parent, last = path.split("/")
        if last != "items" or parent not in self.items:
            return super()._answer(method, path)
        asked = self.calls[-1].url.params
        after, limit = int(asked.get("after", 0)), int(asked.get("limit", 1000))
        lines = self.items[parent][after : after + min(limit, self.page)]
        content = b"".join(line + b"\n" for line in lines)
        return httpx.Response(200, content=self.spoil(content), headers={"Content-Type": "application/x-ndjson"})


def altered(line: bytes, **changes: Any) -> bytes:
    return canonical({**json.loads(line), **changes})
