"""Callers come in so many times at once."""

from contextlib import suppress

import pytest

from dss.infra.turnstile import Turnstile
from dss.kernel.errors import TooMany


def test_t42_who_is_refused_takes_no_place_and_who_leaves_gives_theirs_back():
    turnstile = Turnstile(2)
    with turnstile.within("a"), turnstile.within("a"):
        for _ in range(3):
            with pytest.raises(TooMany, match="at most 2"), turnstile.within("a"):
                pass
        with turnstile.within("b"):
            pass
    with suppress(KeyError), turnstile.within("a"):
        raise KeyError
    with turnstile.within("a"), turnstile.within("a"):
        pass
