"""The Activation: all that is needed to release a signature, carrying its own proof.

Source: EN 419 241-1 (signature activation data); docs/architecture.md.
"""

from dataclasses import dataclass, field

from dss.devices import request
from dss.devices.answer import Came
from dss.devices.items import Item
from dss.devices.request import Asked
from dss.kernel.ids import DeviceId


@dataclass(frozen=True, slots=True)
class Activation:
    """A confirmed request with the phone's signed answer over it.

    Nothing in it is believed because it is here: whoever spends it verifies the answer again over these very bytes.

    request: the payload that the phone was shown, canonical JSON; request_jws the same signed, compact JWS.
    answer:  the phone's answer, compact JWS.
    box:     the phone's sealed box, compact JWE.
    device:  the phone that is said to have answered.
    lease:   the number of the attempt at spending it; the greatest wins.
    share:   the share that came with the answer, compact JWE; None but for a `share`.
    items:   what a batch is to sign; nothing else believes them before their root is that of the request.
    number_salt: what opens the request's commitment to the number that the person chose.
    session: the Activation of the session in which this is signed; answer, box and device are then its own.
    code:    what was typed in place of an answer, with the number of the requester's page; empty where the phone, or a
    session, answers.
    """

    request: bytes
    request_jws: str
    answer: str
    box: str = field(repr=False)
    device: DeviceId
    lease: int
    share: str | None = field(default=None, repr=False)
    items: tuple[Item, ...] = ()
    number_salt: bytes = field(default=b"", repr=False)
    session: "Activation | None" = None
    code: str = field(default="", repr=False)
    number: str = ""

    @property
    def came(self) -> Came:
        """What the phone sent."""
        return Came(self.answer, self.box, self.share)

    def asked(self) -> Asked:
        """Read what was asked from the request's bytes. Raises BadRequest, AnswerRefused for another batch's items."""
        return request.read(self.request).opened(self.items)
