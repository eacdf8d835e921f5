"""A prepared document as it is kept with its transaction."""

from typing import Any

from dss.documents.model import Prepared
from dss.infra.files import StoredFile
from dss.kernel import b64
from dss.kernel.digest import SHA256, Digest
from dss.transactions.model import Entry


def to_json(prepared: Prepared) -> dict[str, Any]:
    """Return what an entry keeps, beside its item, to finish the document later."""
    return {
        "file": b64.encode(prepared.prepared.digest.value),
        "size": prepared.prepared.size,
        "attributes": b64.encode(prepared.attributes),
        "document_digest": b64.encode(prepared.document_digest.value),
        "digest_algorithm": prepared.document_digest.algorithm,
        "place": prepared.place,
    }


def of(entry: Entry) -> Prepared | None:
    """Return the prepared document of an entry; None for a bare hash, or once it was forgotten."""
    kept = entry.place
    if kept is None:
        return None
    return Prepared(
        document_digest=Digest(kept["digest_algorithm"], b64.decode(kept["document_digest"])),
        prepared=StoredFile(Digest(SHA256, b64.decode(kept["file"])), kept["size"]),
        attributes=b64.decode(kept["attributes"]),
        to_sign=entry.item.to_sign,
        place=kept["place"],
    )
