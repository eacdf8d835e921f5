"""What most capabilities stand on, with the clock in the test's hand."""

import pytest

from dss.audit.service import Audit
from dss.infra.db import Database
from dss.kernel.ids import Ids
from tests.world.clock import HandClock


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def ids(clock: HandClock) -> Ids:
    return Ids(clock)


@pytest.fixture
def audit(database: Database, clock: HandClock, ids: Ids) -> Audit:
    return Audit(database, clock, ids)
