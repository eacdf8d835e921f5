"""docs/evidence.md section 2: a record with any byte changed fails, and so does one that is put together from two.

A sample of places and values; with DSS_SOAK=1 all places, and where one byte is changed all values.
"""

import itertools
import json
import os
import random

import pytest

from dss.evidence.fields import EvidenceRefused
from dss.evidence.verifying import verify
from dss.kernel import canonical
from dss.kernel.keyspec import KeySpec
from tests.world.evidence_kinds import good_drafts
from tests.world.evidence_maker import Maker

SOAK = bool(os.environ.get("DSS_SOAK"))
SAMPLE = 120  # places of each record that are tried
LIKELY = b'AZaz09-_".,:{}[]= \n\x00\xff'
MAKERS = {"P-256": Maker(), "P-384": Maker(KeySpec.P384), "RSA-2048": Maker(KeySpec.RSA_2048)}
SEVERAL = ["sign hash", "sign pdf", "create", "change remove", "share declined", "with consistency"]


def record_of(maker: Maker, kind: str) -> tuple[bytes, object]:
    """A record that is good, and whom its verifier trusts."""
    draft = good_drafts(maker)[kind]()
    data = maker.finish(draft).encoded()
    trust = maker.trust(None if draft.kept is None else maker.log.checkpoint(draft.kept))
    verify(data, trust)
    return data, trust


def some(places, chance: random.Random):
    """A sample of places, in their order; with DSS_SOAK=1 all."""
    return places if SOAK else sorted(chance.sample(places, min(SAMPLE, len(places))))


def refused(data: bytes, trust) -> None:
    with pytest.raises(EvidenceRefused):
        verify(data, trust)


@pytest.mark.parametrize("kind", SEVERAL)
def test_any_byte_changed_is_found(kind):
    data, trust = record_of(Maker(), kind)
    chance = random.Random(kind)
    for place in some(range(len(data)), chance):
        right = data[place]
        values = range(256) if SOAK else {right ^ 1 << chance.randrange(8), chance.choice(LIKELY)}
        for value in set(values) - {right}:
            refused(data[:place] + bytes([value]) + data[place + 1 :], trust)


@pytest.mark.parametrize("maker", MAKERS.values(), ids=MAKERS.keys())
def test_any_bit_changed_in_a_signing_by_any_key_is_found(maker):
    data, trust = record_of(maker, "sign pdf hash pdf")
    for bit in some(range(8 * len(data)), random.Random(1)):
        place = bit // 8
        refused(data[:place] + bytes([data[place] ^ 1 << bit % 8]) + data[place + 1 :], trust)


def test_any_byte_added_or_taken_away_is_found():
    data, trust = record_of(Maker(), "sign hash")
    chance = random.Random(2)
    for place in some(range(len(data) + 1), chance):
        refused(data[:place] + data[place + 1 :] if place < len(data) else data + b"}", trust)
        refused(data[:place] + bytes([chance.choice(LIKELY)]) + data[place:], trust)


def test_any_two_neighbours_exchanged_are_found():
    data, trust = record_of(Maker(), "sign hash")
    for place in some(range(len(data) - 1), random.Random(3)):
        if data[place] != data[place + 1]:
            refused(data[:place] + data[place + 1 : place + 2] + data[place : place + 1] + data[place + 2 :], trust)


def members(value, at=()):
    """Where each member and item is."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [(*at, name) for name, _ in inner] + [path for name, one in inner for path in members(one, (*at, name))]


def within(value, path):
    for name in path:
        value = value[name]
    return value


@pytest.mark.parametrize("kind", ["sign pdf hash pdf", "create", "with consistency", "sign declined"])
def test_every_member_left_out_is_missed(kind):
    data, trust = record_of(Maker(), kind)
    for path in members(json.loads(data)):
        spoilt = json.loads(data)
        del within(spoilt, path[:-1])[path[-1]]
        refused(canonical.encode(spoilt), trust)


@pytest.mark.parametrize("kind", ["sign pdf hash pdf", "create", "with consistency", "sign declined"])
def test_every_member_of_another_good_record_is_foreign(kind):
    """Both records are of one person, one phone and one log."""
    maker = Maker()
    (data, trust), (other, _) = record_of(maker, kind), record_of(maker, kind)
    mine, theirs = json.loads(data), json.loads(other)
    exchanged = 0
    for path in members(mine):
        foreign = within(theirs, path) if path in members(theirs) else None
        if foreign in (None, within(mine, path)):
            continue
        spoilt = json.loads(data)
        within(spoilt, path[:-1])[path[-1]] = foreign
        refused(canonical.encode(spoilt), trust)
        exchanged += 1
    assert exchanged >= 8


def test_every_list_in_another_order_is_found():
    data, trust = record_of(Maker(), "sign pdf hash pdf")
    for path in ("core", "signatures"), ("core", "certificates"), ("log", "path"):
        right = within(json.loads(data), path)
        assert len(right) > 1
        for order in itertools.permutations(right):
            spoilt = json.loads(data)
            within(spoilt, path[:-1])[path[-1]] = list(order)
            if list(order) != right:
                refused(canonical.encode(spoilt), trust)


def test_every_pair_of_letters_exchanged_is_found():
    data, trust = record_of(Maker(), "sign hash")
    for first, second in itertools.combinations(("answer", "enrolment", "receipt", "request"), 2):
        spoilt = json.loads(data)
        core = spoilt["core"]
        core[first], core[second] = core[second], core[first]
        refused(canonical.encode(spoilt), trust)


def test_the_record_of_another_log_or_ca_is_refused():
    data, _ = record_of(Maker(), "sign hash")
    _, trust = record_of(Maker(), "sign hash")

    refused(data, trust)
