"""Who can be registered: what a letter can reach, a certificate can name, and a screen shows faithfully."""
# ruff: noqa: RUF001  Ukrainian words are meant

from dataclasses import replace
from typing import Any

import pytest

from dss.kernel.errors import DeceptiveText, Invalid
from dss.kernel.ids import UserId
from dss.users.model import User, require_acceptable
from tests.world.clock import START

OLENA = User(UserId("0" * 26), "olena", "olena@example.com", "Олена", "Їжакевич", "UA", None, None, "uk", START)

ACCEPTABLE = [
    {"login": "a"},
    {"login": "dss_42.x@corp-1"},
    {"login": "a" * 64},
    {"email": "o'neil+dss@sub.example.co"},
    {"email": "root@localhost"},
    {"email": "a@xn--e1afmkfd.xn--j1amh"},
    {"serial_number": "PNOUA-3012345678"},
    {"serial_number": "VATRO-12345678"},
    {"organization": "ТОВ «Приклад»"},
    {"given_name": "О" * 31, "surname": "Ї" * 32},
]
INVALID = [
    {"login": ""},
    {"login": "Olena"},
    {"login": "олена"},
    {"login": "a b"},
    {"login": "a\n"},
    {"login": "a" * 65},
    {"email": "olena"},
    {"email": "@example.com"},
    {"email": "olena@"},
    {"email": "ol..ena@example.com"},
    {"email": "olena@example..com"},
    {"email": "a b@example.com"},
    {"email": "a@example.com\r\nBcc: b@example.com"},
    {"email": "a@example.com, b@example.com"},
    {"email": "<a@example.com>"},
    {"email": "олена@example.com"},
    {"email": f"{'a' * 65}@example.com"},
    {"email": f"a@{'b' * 60}.{'c' * 60}.{'d' * 60}.{'e' * 60}.{'f' * 60}.com"},
    {"country": "ua"},
    {"country": "UKR"},
    {"country": "XX"},
    {"country": ""},
    {"locale": "de"},
    {"locale": "../en"},
    {"serial_number": ""},
    {"serial_number": "ПН"},
    {"serial_number": "1" * 65},
    {"given_name": ""},
    {"surname": " Їжакевич"},
    {"surname": "Їжакевич "},
    {"given_name": "О" * 32, "surname": "Ї" * 32},
    {"organization": ""},
    {"organization": "О" * 65},
]
DECEPTIVE = [{"given_name": "Оле\u202eна"}, {"surname": "Їжак\u200bевич"}, {"organization": "ТОВ\nПриклад"}]


@pytest.mark.parametrize("change", ACCEPTABLE)
def test_this_is_acceptable(change: dict[str, Any]) -> None:
    require_acceptable(replace(OLENA, **change))


@pytest.mark.parametrize("change", INVALID)
def test_this_is_refused(change: dict[str, Any]) -> None:
    """The whole name goes into a certificate: ub-common-name is 64 (RFC 5280 appendix A.1)."""
    with pytest.raises(Invalid):
        require_acceptable(replace(OLENA, **change))


@pytest.mark.parametrize("change", DECEPTIVE)
def test_text_that_a_screen_would_not_show_as_it_is_is_refused(change: dict[str, Any]) -> None:
    """T04."""
    with pytest.raises(DeceptiveText):
        require_acceptable(replace(OLENA, **change))
