"""The kinds of sealed rows of the authorization server."""

from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from dss.audit.kinds import End, Kind
from dss.oauth import store
from dss.oauth.grant import Stage
from dss.oauth.issuer import LONGEST_TOKEN
from dss.oauth.registers import GRANTS
from dss.oauth.tables import grants


def _ended(_: End) -> dict[str, Any]:
    return {"stage": Stage.ENDED.value, "why": "ended by an operator"}


async def _revoke(end: End, connection: AsyncConnection) -> None:
    await store.revoke(connection, end.id, end.now + LONGEST_TOKEN)


KINDS = (Kind(GRANTS, _ended, also=_revoke, over=grants.c.expires_at),)
