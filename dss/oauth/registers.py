"""The sealed table of grants."""

from dataclasses import fields
from typing import Any

from dss.audit.seals import Register, Row
from dss.oauth.grant import Grant, Stage
from dss.oauth.tables import grants

CHANGING = ("stage", "generation", "dpop_jkt", "expires_at", "why")


def row_of(grant: Grant) -> dict[str, Any]:
    """Return the columns of a grant."""
    row = {field.name: getattr(grant, field.name) for field in fields(Grant)}
    return row | {"scopes": list(grant.scopes), "details": list(grant.details), "stage": grant.stage.value}


def _grant(row: Row) -> Grant:
    known = {field.name: row[field.name] for field in fields(Grant)}
    lists = {"scopes": tuple(row["scopes"]), "details": tuple(row["details"])}
    return Grant(**known | lists | {"stage": Stage(row["stage"])})


def _changing(grant: Grant) -> dict[str, Any]:
    row = row_of(grant)
    return {name: row[name] for name in CHANGING}


GRANTS = Register("grant", grants, _grant, _changing)
