"""The certificate subject of a signer."""

from dss.ca.model import Subject
from dss.users.model import User


def of(user: User) -> Subject:
    """Return the subject that a signer's certificate names. Raises Invalid, DeceptiveText."""
    return Subject(
        country=user.country,
        common_name=user.name,
        given_name=user.given_name,
        surname=user.surname,
        serial_number=user.serial_number,
        organization=user.organization,
    )
