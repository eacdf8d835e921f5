"""The Activation: all that is needed to release a signature, carrying its own proof.

Source: EN 419 241-1 (signature activation data); docs/architecture.md.
"""

from dataclasses import dataclass, field

from dss.devices import request
from dss.devices.answer import Came
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
    """

    request: bytes
    request_jws: str
    answer: str
    box: str = field(repr=False)
    device: DeviceId
    lease: int
    share: str | None = field(default=None, repr=False)

    @property
    def came(self) -> Came:
        """What the phone sent."""
        return Came(self.answer, self.box, self.share)

    def asked(self) -> Asked:
        """Read what was asked from the request's bytes. Raises BadRequest."""
        return request.read(self.request)
