"""What the tests of the HSM share."""

from collections.abc import Iterator

import pytest

from dss.hsm.cakeys import CaKeys
from dss.hsm.servicekeys import ServiceKeys
from dss.hsm.token import Token
from dss.hsm.userkeys import UserKeys
from tests.world.softhsm import SoftHsm


@pytest.fixture
def user_token(softhsm: SoftHsm) -> Iterator[Token]:
    token = Token(softhsm.user)
    yield token
    token.close()


@pytest.fixture
def user_keys(user_token: Token) -> UserKeys:
    return UserKeys(user_token)


@pytest.fixture
def service_token(softhsm: SoftHsm) -> Iterator[Token]:
    token = Token(softhsm.service)
    yield token
    token.close()


@pytest.fixture
def service_keys(service_token: Token) -> ServiceKeys:
    return ServiceKeys(service_token)


@pytest.fixture
def ca_token(softhsm: SoftHsm) -> Iterator[Token]:
    token = Token(softhsm.ca)
    yield token
    token.close()


@pytest.fixture
def ca_keys(ca_token: Token) -> CaKeys:
    return CaKeys(ca_token)
