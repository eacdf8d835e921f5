"""When an operator's proposal may be agreed with."""

from datetime import timedelta

import pytest

from dss.kernel.ids import ProposalId
from dss.operators.model import OPEN_FOR, Proposal
from tests.world.clock import START

PROPOSAL = Proposal.made(ProposalId("01KAJ9T8VX3N5Q7R9S1T2V4W6Y"), "resume", "credential:1", "operator:ann", START)
MOMENT = timedelta(microseconds=1)


@pytest.mark.parametrize(
    ("after", "open_"), [(timedelta(0), True), (OPEN_FOR - MOMENT, True), (OPEN_FOR, False), (2 * OPEN_FOR, False)]
)
def test_a_proposal_is_open_until_its_day_is_over(after: timedelta, open_: bool):
    assert PROPOSAL.is_open(START + after) is open_


def test_a_proposal_that_was_agreed_with_is_used_up():
    used = PROPOSAL.approved("operator:ben")

    assert not used.is_open(START)
    assert (used.proposed_by, used.approved_by) == ("operator:ann", "operator:ben")
