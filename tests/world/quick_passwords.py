"""Passwords whose hashes take servers no time."""

import os
from collections.abc import Iterator

import pytest
from argon2 import Parameters, Type

from dss.login import passwords

IN_EARNEST = passwords.PARAMETERS
QUICK = Parameters(type=Type.ID, version=19, salt_len=16, hash_len=32, time_cost=1, memory_cost=8, parallelism=1)


@pytest.fixture(scope="session", autouse=True)
def _quick_passwords() -> Iterator[None]:
    """Let servers hash passwords with 8 KiB: in earnest each takes 64 MiB and a tenth of a second.

    With DSS_SOAK=1 all tests have the hashes in earnest.
    """
    with pytest.MonkeyPatch.context() as patch:
        if not os.environ.get("DSS_SOAK"):
            patch.setattr(passwords, "PARAMETERS", QUICK)
        yield
