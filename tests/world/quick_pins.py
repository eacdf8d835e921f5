"""PINs whose proof takes phones no time."""

import os
from collections.abc import Iterator

import pytest

from dss.devices import enrolment

ROUNDS_IN_EARNEST = enrolment.PIN_ITERATIONS


@pytest.fixture(scope="session", autouse=True)
def _quick_pins() -> Iterator[None]:
    """Let servers ask phones for one round of PBKDF2: in earnest each PIN takes a processor a fifth of a second.

    With DSS_SOAK=1 all tests have the rounds in earnest; tests/stories/test_pin_rounds.py always has.
    """
    with pytest.MonkeyPatch.context() as patch:
        if not os.environ.get("DSS_SOAK"):
            patch.setattr(enrolment, "PIN_ITERATIONS", 1)
        yield
