"""The link that the page of a relying application shows, for its visitors to scan."""

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from dss.clients.model import RELYING
from dss.devices.links import LONGEST_AGE_S, REFRESH_S
from dss.kernel import b64
from dss.kernel.clock import timestamp
from dss.kernel.errors import Conflict
from dss.kernel.ids import TransactionId
from dss.web.http.fields import Id, Scale, Time
from dss.web.http.op import op
from dss.web.http.pictures import PNG, qr_png
from dss.web.http.services import services_of
from dss.web.rest.calling import client_of


class LinkTold(msgspec.Struct):
    """What is to be shown now; it is good for longest_age_s seconds, and is to be drawn anew each refresh_s.

    link is the text of the QR, made at `issued`. An application that draws later ones itself makes them of secret and
    binding (base64url) as the device protocol writes. The secret stays with its back end: who has it can make a code
    from anywhere. page is where a browser is sent that is to be shown all of it by this server.
    """

    link: str
    issued: Time
    secret: str
    binding: str
    refresh_s: int
    longest_age_s: int
    page: str


@op("GET", "/v1/transactions/{id}/device-link", scope=RELYING, errors=(Conflict,))
async def read_device_link(request: Request, id: Id) -> LinkTold:
    """Read the link by which the signer's phone opens a transaction; until a phone did, or the transaction ended."""
    linking = services_of(request).linking
    told = await linking.of_client(client_of(request), TransactionId(id))
    return LinkTold(
        link=told.text,
        issued=timestamp(told.issued),
        secret=b64.url_encode(told.secret),
        binding=b64.url_encode(told.binding),
        refresh_s=REFRESH_S,
        longest_age_s=LONGEST_AGE_S,
        page=told.page,
    )


@op("GET", "/v1/transactions/{id}/device-link.png", scope=RELYING, errors=(Conflict,), gives=(PNG,))
async def read_device_link_picture(request: Request, id: Id, scale: Scale = 6) -> Response:
    """Read the link as a picture of its QR."""
    told = await services_of(request).linking.of_client(client_of(request), TransactionId(id))
    return Response(await qr_png(told.text, scale), media_type=PNG)
