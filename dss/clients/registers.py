"""The sealed table of this capability: how a row becomes a value, and which of its columns may change."""

from dss.audit.seals import Register, Row
from dss.clients.tables import client_policies
from dss.kernel.policy import Policy


def _policy(row: Row) -> Policy:
    return Policy.of_member(row["policy"])


CLIENT_POLICIES = Register(
    "client_policy", client_policies, _policy, lambda policy: {"policy": policy.member()}, key="client_id"
)
