"""Who a certificate may name, and how long it may hold."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dss.ca.model import CaSettings, CrlStanding, NewAuthority, Subject, bounded
from dss.kernel.errors import DeceptiveText, DssError, Invalid
from tests.world.authorities import ALICE

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
DAY = timedelta(days=1)


def test_the_text_of_a_subject_names_every_attribute_last_one_first():
    """RFC 4514 section 2.1; short names of section 2.3."""
    assert replace(ALICE, organization="Rivne, Ltd").rfc4514() == (
        "CN=Олена Коваль,serialNumber=PNOUA-3012345678,givenName=Олена,SN=Коваль,O=Rivne\\, Ltd,C=UA"
    )


def test_what_is_absent_is_not_named():
    assert Subject("RO", "Ana Pop", "Ana", "Pop").rfc4514() == "CN=Ana Pop,givenName=Ana,SN=Pop,C=RO"


@given(st.text(min_size=1, max_size=64), st.text(min_size=1, max_size=64))
def test_two_different_people_never_have_the_same_text(one, other):
    """T04: what the phone shows says exactly who is certified."""
    try:
        first, second = replace(ALICE, surname=one), replace(ALICE, surname=other)
    except DssError:
        return
    assert (first.rfc4514() == second.rfc4514()) is (one == other)


@given(st.text(max_size=70))
def test_every_text_makes_a_name_or_a_refusal(text):
    try:
        subject = Subject("UA", text, text, text, None, text)
    except DssError:
        return
    assert {attribute.value for attribute in subject.name()} == {"UA", text}


def test_a_name_is_measured_in_letters_not_in_bytes():
    """RFC 5280 appendix A.1: ub-common-name counts characters; Cyrillic letters have two bytes each."""
    name = "Коваленко-Шевченко Олександра Володимирівна"
    assert len(name.encode()) > 64
    assert f"CN={name}," in replace(ALICE, common_name=name).rfc4514()


@pytest.mark.parametrize(
    "identifier",
    ["PNOUA-3012345678", "PASMD-A 123.45", "IDCRO-RX123456", "TINUA-1234567890", "TAXDE-12", "UA:UA-3012345678"],
)
def test_identifiers_of_people_are_of_the_forms_of_the_standard(identifier):
    """EN 319 412-1 clause 5.1.3."""
    assert f"serialNumber={identifier}" in replace(ALICE, serial_number=identifier).rfc4514()


UNFIT = ("", "3012345678", "PNO-3012345678", "PNOua-1", "PNOUA3012345678", "PNOUA-", "VATUA-1", "PNOUA-1_2", "PNOUA-Ї")


@pytest.mark.parametrize("identifier", [*UNFIT, "PNOUA-" + 59 * "1"])
def test_other_identifiers_are_refused(identifier):
    """EN 319 412-1 clause 5.1.3; RFC 5280 appendix A.1: ub-serial-number is 64."""
    with pytest.raises(Invalid, match="identifier"):
        replace(ALICE, serial_number=identifier)


@pytest.mark.parametrize("country", ["", "U", "UKR", "ua", "U1", "ЮА"])
def test_a_country_is_two_upper_case_letters(country):
    with pytest.raises(Invalid, match="country"):
        replace(ALICE, country=country)


@pytest.mark.parametrize("field", ["common_name", "given_name", "surname", "organization"])
@pytest.mark.parametrize("text", ["", " ", " Olena", "Olena ", 65 * "x"])
def test_names_are_neither_empty_nor_padded_nor_longer_than_64(field, text):
    """RFC 5280 appendix A.1: ub-common-name and ub-organization-name are 64."""
    with pytest.raises(Invalid):
        replace(ALICE, **{field: text})


@pytest.mark.parametrize("text", ["Olena\u202eLavok", "Ole\u200bna", "Olena\nAdmin", "Olena\x00"])
def test_names_that_would_not_be_shown_as_they_are_are_refused(text):
    """T04."""
    with pytest.raises(DeceptiveText):
        replace(ALICE, common_name=text)


@pytest.mark.parametrize("name", ["", "Demo", "demo_root", "-demo", "demo-", "../demo", "demo.crl", 41 * "d"])
def test_the_name_of_a_ca_fits_a_url(name):
    with pytest.raises(Invalid, match="name"):
        NewAuthority(name, "Demo Root CA", "Demo Trust Services", "UA")


@pytest.mark.parametrize("url", ["https://pki.example.org", "pki.example.org", "http://pki.example.org/"])
def test_crls_are_fetched_by_plain_http(url):
    """RFC 5280 section 8; EN 319 412-2 GEN-4.3.11-4."""
    with pytest.raises(Invalid, match="http://"):
        CaSettings(url, "1.3.6.1.4.1.32473.1.1", "demo-issuing")


@given(st.integers(1, 1095), st.integers(1, 3650))
def test_a_certificate_never_outlives_its_issuer(asked, left):
    validity = bounded(NOW, asked * DAY, 1095 * DAY, NOW + left * DAY)
    assert validity.not_before == NOW
    assert validity.not_after == NOW + min(asked, left) * DAY


def test_a_root_is_bounded_by_its_profile_only():
    assert bounded(NOW, 7300 * DAY, 7300 * DAY, None).not_after == NOW + 7300 * DAY


@pytest.mark.parametrize("asked", [timedelta(0), -DAY, 1095 * DAY + timedelta(seconds=1)])
def test_a_validity_is_more_than_nothing_and_no_more_than_the_profile_allows(asked):
    with pytest.raises(Invalid, match="1095 days"):
        bounded(NOW, asked, 1095 * DAY, None)


def standing(revoked, this_update=NOW):
    return CrlStanding("demo-issuing", "issuing", this_update, entries=2, revoked=revoked)


@pytest.mark.parametrize(("age", "due"), [(timedelta(0), False), (DAY - timedelta(seconds=1), False), (DAY, True)])
def test_a_crl_is_due_by_its_age(age, due):
    assert standing(2).is_due(NOW + age, DAY) is due


def test_a_crl_is_due_when_more_is_revoked_than_it_lists():
    assert standing(3).is_due(NOW, DAY)


def test_the_first_crl_is_due_at_once():
    assert standing(0, this_update=None).is_due(NOW, DAY)
