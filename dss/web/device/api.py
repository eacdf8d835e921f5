"""The operations of /device/v1."""

from dss.web.device import enrolments, transactions
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
    ),
    security=DPOP,
)
