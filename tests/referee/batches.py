"""The step about batches (docs/evidence.md section 1b and section 2, step 20)."""

from typing import Any

from tests.referee import canonical, merkle, request, shapes
from tests.referee.refusing import require
from tests.referee.shapes import members

PIECE = members({"attributes": shapes.data, "index": shapes.number, "value": shapes.data})
PATH = shapes.many(shapes.digest)
PART = members({"count": shapes.number, "root": shapes.digest})
LEAF = members(
    {
        "item": request.document,
        "item_path": PATH,
        "piece": PIECE,
        "piece_number": shapes.number,
        "piece_path": PATH,
    }
)


def require_in_batch(leaf: dict[str, Any], batch: dict[str, Any], part: dict[str, Any]) -> None:
    """Check that a document stands in the batch that was confirmed, and its signature in the part that was logged."""
    index = leaf["piece"]["index"]
    require(leaf["item"]["index"] == index, "the signature is of another document")
    _require_leads(leaf["item"], index, leaf["item_path"], batch)
    _require_leads(leaf["piece"], leaf["piece_number"], leaf["piece_path"], part)


def _require_leads(value: Any, number: int, path: list[str], tree: dict[str, Any]) -> None:
    hashed = merkle.leaf_hash(canonical.encode(value))
    beside = [shapes.bytes_of(one, "path") for one in path]
    root = merkle.root_by_inclusion(number, hashed, tree["count"], beside)
    require(shapes.text_of(root) == tree["root"], "a leaf does not lead to its root")
