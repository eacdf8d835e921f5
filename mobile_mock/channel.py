"""The introduction of a new channel key by the pinned one. Pure.

Source: docs/device-protocol.md section 1.
"""

from datetime import datetime

from mobile_mock.enrolment import SKEW
from mobile_mock.errors import Difference
from mobile_mock.forms import read_canonical
from mobile_mock.jose import Jwk, read_jws
from mobile_mock.kept import Kept
from mobile_mock.members import Members


def check_introduction(text: object, kept: Kept, new: Jwk, now: datetime) -> None:
    """Raise Difference unless the pinned channel key says that `new` follows it at this server."""
    signed = read_jws(text, "dss-channel-key+jws")
    if signed.by != kept.channel_key:
        raise Difference("the new channel key is not introduced by the one that this phone pinned")
    said = Members(read_canonical(signed.payload), "the introduction", ("server", "jwk", "issued"))
    said.must_be("server", kept.server)
    if said.value["jwk"] != new:
        raise Difference("the pinned channel key introduces another key")
    if said.time("issued") > now + SKEW:
        raise Difference("the introduction comes from the future: is the clock right?")
