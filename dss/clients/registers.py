"""The sealed tables of this capability: how a row becomes a value, and which of its columns may change."""

from dataclasses import fields
from typing import Any

from dss.audit.seals import Register, Row
from dss.clients.model import Client
from dss.clients.profile import Profile
from dss.clients.tables import client_policies, clients
from dss.kernel.policy import Policy

CHANGING = ("contact", "scopes", "jwks", "secret_hash", "next_secret_hash", "profile", "logo")


def row_of(client: Client) -> dict[str, Any]:
    """Return the columns of an application."""
    row = {field.name: getattr(client, field.name) for field in fields(Client)}
    return row | {"scopes": list(client.scopes), "profile": client.profile.member()}


def _client(row: Row) -> Client:
    known = {field.name: row[field.name] for field in fields(Client)}
    return Client(**known | {"scopes": tuple(row["scopes"]), "profile": Profile.of_member(row["profile"])})


def _changing(client: Client) -> dict[str, Any]:
    row = row_of(client)
    return {name: row[name] for name in CHANGING}


def _policy(row: Row) -> Policy:
    return Policy.of_member(row["policy"])


CLIENTS = Register("client", clients, _client, _changing, later=("next_secret_hash", "profile", "logo"))
CLIENT_POLICIES = Register(
    "client_policy", client_policies, _policy, lambda policy: {"policy": policy.member()}, key="client_id"
)
