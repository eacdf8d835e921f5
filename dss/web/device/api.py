"""The operations of /device/v1."""

from dss.web.device import changes, enrolments, history, keys, phones, transactions
from dss.web.device.authenticating import DPOP
from dss.web.http.op import Protocol

DEVICE = Protocol(
    "device",
    (
        enrolments.read_offer,
        enrolments.enrol,
        transactions.list_waiting,
        transactions.show_transaction,
        transactions.read_original,
        transactions.read_prepared,
        transactions.read_attributes,
        transactions.answer_transaction,
        transactions.stream,
        phones.list_own_phones,
        phones.block_own_phone,
        keys.list_own_credentials,
        keys.suspend_own_credential,
        changes.open_change,
        changes.open_share,
        changes.list_shares,
        changes.take_share,
        history.read_history,
        history.read_evidence,
    ),
    security=DPOP,
)
