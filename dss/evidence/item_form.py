"""A document of a request, read strictly: as it stands there, or alone as the leaf of a batch.

Source: docs/evidence.md section 2 step 10, docs/device-protocol.md section 4.
"""

from typing import Any

from dss.devices.items import Item, Shown
from dss.evidence import fields
from dss.evidence.fields import looking_at, require
from dss.kernel.digest import SHA256, Digest, algorithm_named
from dss.kernel.keyspec import Scheme

SHOWN = frozenset({"name", "media_type", "size", "document_digest"})
BARE = frozenset({"index", "format", "scheme", "hash_algorithm", "to_sign"})
BARE_FORMAT, PADES_FORMAT = "hash", "PAdES-B-B"


def read_item(value: object) -> Item:
    """Read a document's member. Raises EvidenceRefused."""
    shown = isinstance(value, dict) and value.get("format") != BARE_FORMAT
    found = fields.members(value, "a document", BARE | SHOWN if shown else BARE)
    format = fields.text(found["format"], "a document's format")
    require(format in {BARE_FORMAT, PADES_FORMAT}, f"a document's format is neither {PADES_FORMAT} nor {BARE_FORMAT}")
    with looking_at("a document"):
        scheme = Scheme.named(fields.text(found["scheme"], "its scheme"))
        algorithm = algorithm_named(fields.text(found["hash_algorithm"], "its hash_algorithm"))
        to_sign = Digest(algorithm, fields.octets(found["to_sign"], "its to_sign"))
    index = fields.number(found["index"], "a document's index")
    return Item(index, format, scheme.name, to_sign, _shown(found) if shown else None)


def _shown(found: dict[str, Any]) -> Shown:
    return Shown(
        fields.text(found["name"], "a document's name"),
        fields.text(found["media_type"], "a document's media_type"),
        fields.number(found["size"], "a document's size"),
        Digest(SHA256, fields.digest(found["document_digest"], "a document's document_digest")),
    )
