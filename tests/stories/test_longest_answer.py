"""A long answer: of many documents all but one are declined. DSS_SOAK=1 asks for the most there may be: the longest.

Source: docs/device-protocol.md section 5, docs/evidence.md sections 1b and 1c.
"""

import os

import pytest

from dss.devices.answer import LONGEST
from dss.devices.items import MOST
from dss.kernel.ids import TransactionId
from tests.referee.forging import Case
from tests.stories.batches import Batches, batches, digests
from tests.stories.witness import quick_pins
from tests.world.stranger import trust
from tests.world.verdicts import disagreement

__all__ = ["batches", "quick_pins"]

MANY = MOST if os.environ.get("DSS_SOAK") == "1" else 1500
LEFT = MANY - 7


@pytest.mark.usefixtures("quick_pins")
async def test_all_documents_but_one_of_a_large_batch_are_declined_and_two_verifiers_believe_it(
    batches: Batches,
) -> None:
    id = await batches.ask(digests(MANY))
    await batches.confirm(id, *(index for index in range(MANY) if index != LEFT))
    await batches.world.settle()
    await batches.world.seal()

    told = await batches.read(id)
    assert (told["state"], told["signed"], told["declined"]) == ("signed", 1, MANY - 1)
    services = batches.world.services
    record = await services.transactions.export_evidence(TransactionId(id), "operator:test", LEFT)
    assert record is not None
    assert len(record.core.answer) < LONGEST
    known = await trust(services)
    assert disagreement(Case(record.encoded(), known.root, known.log_key.text, None), good=True) is None
