"""The sealed tables of this capability: how a row becomes a value, and which of its columns may change."""

from dataclasses import fields

from dss.audit.seals import Register, Row
from dss.clients.model import Client
from dss.clients.tables import client_policies, clients
from dss.kernel.policy import Policy


def _client(row: Row) -> Client:
    return Client(**{field.name: row[field.name] for field in fields(Client)} | {"scopes": tuple(row["scopes"])})


def _policy(row: Row) -> Policy:
    return Policy.of_member(row["policy"])


CLIENTS = Register("client", clients, _client, lambda _: {})
CLIENT_POLICIES = Register(
    "client_policy", client_policies, _policy, lambda policy: {"policy": policy.member()}, key="client_id"
)
