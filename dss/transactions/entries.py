"""Queries over the things to sign inside a transaction."""

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from dss.devices.request import Item, Shown
from dss.kernel import b64
from dss.kernel.digest import SHA256, Digest, algorithm_named
from dss.kernel.errors import Conflict, NotFound
from dss.kernel.ids import DocumentId, TransactionId
from dss.transactions.model import Entry, Signed
from dss.transactions.tables import entries


async def add(connection: AsyncConnection, transaction: TransactionId, added: Sequence[Entry]) -> None:
    """Add the entries of an opened transaction."""
    rows = [
        {
            "transaction_id": transaction,
            "index": entry.item.index,
            "item": entry.item.member(),
            "document_id": entry.document_id,
            "place": entry.place,
        }
        for entry in added
    ]
    if rows:
        await connection.execute(sa.insert(entries), rows)


async def of(connection: AsyncConnection, transaction: TransactionId) -> tuple[Entry, ...]:
    """Return the entries of a transaction, in order."""
    query = sa.select(entries).where(entries.c.transaction_id == transaction).order_by(entries.c.index)
    return tuple(_entry(row) for row in await connection.execute(query))


async def one(connection: AsyncConnection, transaction: TransactionId, index: int) -> Entry:
    """Return one entry. Raises NotFound."""
    query = sa.select(entries).where(entries.c.transaction_id == transaction, entries.c.index == index)
    row = (await connection.execute(query)).one_or_none()
    if row is None:
        raise NotFound
    return _entry(row)


async def put_signed(connection: AsyncConnection, transaction: TransactionId, index: int, signed: Signed) -> None:
    """Write a result."""
    result = {"signature": signed.signature, "file_sha256": signed.file_sha256, "file_size": signed.file_size}
    mine = (entries.c.transaction_id == transaction) & (entries.c.index == index)
    await connection.execute(sa.update(entries).where(mine).values(result))


async def forget(connection: AsyncConnection, transaction: TransactionId) -> None:
    """Delete the results of a transaction and what was prepared for it."""
    emptied = {"signature": None, "file_sha256": None, "file_size": None, "place": sa.null()}
    await connection.execute(sa.update(entries).where(entries.c.transaction_id == transaction).values(emptied))


def _entry(row: Any) -> Entry:
    signed = None if row.signature is None else Signed(row.signature, row.file_sha256, row.file_size or 0)
    document = None if row.document_id is None else DocumentId(row.document_id)
    item = _item(row.item)
    if item.index != row.index:
        raise Conflict("an entry of the transaction is not in its place")
    return Entry(item, document, row.place, signed)


def _item(member: dict[str, Any]) -> Item:
    to_sign = Digest(algorithm_named(member["hash_algorithm"]), b64.url_decode(member["to_sign"]))
    shown = None
    if "document_digest" in member:
        digest = Digest(SHA256, b64.url_decode(member["document_digest"]))
        shown = Shown(member["name"], member["media_type"], member["size"], digest)
    return Item(member["index"], member["format"], member["scheme"], to_sign, shown)
