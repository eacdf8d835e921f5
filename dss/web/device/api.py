"""The operations of /device/v1."""

from dss.web.device import blocks, changes, enrolments, history, keys, links, phones, sessions, transactions
from dss.web.device.authenticating import DPOP
from dss.web.http.op import Protocol

DEVICE = Protocol(
    "device",
    (
        enrolments.read_offer,
        enrolments.enrol,
        transactions.list_waiting,
        transactions.show_transaction,
        transactions.list_items,
        transactions.read_original,
        transactions.read_prepared,
        transactions.read_attributes,
        transactions.answer_transaction,
        transactions.stream,
        links.open_link,
        sessions.list_own_sessions,
        sessions.end_own_session,
        phones.list_own_phones,
        phones.block_own_phone,
        keys.list_own_credentials,
        keys.suspend_own_credential,
        blocks.list_own_blocks,
        changes.open_change,
        changes.open_share,
        changes.list_shares,
        changes.take_share,
        history.read_history,
        history.read_evidence,
    ),
    security=DPOP,
)
