"""Evidence of what was signed or declined: the record for programs, and the report for people."""

from typing import Annotated

from msgspec import Meta
from starlette.requests import Request
from starlette.responses import Response

from dss.documents.model import PDF
from dss.kernel.errors import Conflict
from dss.notify.model import LOCALES
from dss.web.http.fields import Id, Index, Size
from dss.web.http.op import JSON, NotYet, op
from dss.web.http.services import services_of
from dss.web.rest.calling import READS_SIGNATURES, client_of, signature_of

# The length beside the pattern: `$` alone would let a line feed follow.
Language = Annotated[
    str, Meta(pattern=f"^({'|'.join(LOCALES)})$", min_length=2, max_length=2, description="Of the report.")
]


@op("GET", "/v1/signatures/{id}/evidence", scope=READS_SIGNATURES, errors=(Conflict,))
async def read_signature_evidence(
    request: Request, id: Id, checkpoint: Size | None = None, index: Index | None = None
) -> Response | NotYet:
    """Read the evidence of a signature or of a refusal, a record that verifies without the server.

    202 while the log has not sealed it; with `checkpoint`, with the proof that the log is the same one as then. Of a
    signature of more than 100 things each is proven by itself: `index` names it.
    """
    transactions = services_of(request).transactions
    record = await transactions.evidence(client_of(request), signature_of(request, id), checkpoint, index)
    return NotYet() if record is None else Response(record.encoded(), media_type=JSON)


@op("GET", "/v1/signatures/{id}/evidence/report", scope=READS_SIGNATURES, errors=(Conflict,), gives=(PDF,))
async def read_signature_report(
    request: Request, id: Id, language: Language = "en", index: Index | None = None
) -> Response | NotYet:
    """Read the evidence of a signature or of a refusal as a report for people, with the record attached and a seal.

    202 while the log has not sealed it. The report is for reading; the record is the proof.
    """
    services = services_of(request)
    record = await services.transactions.evidence(client_of(request), signature_of(request, id), index=index)
    if record is None:
        return NotYet()
    of = id if index is None else f"{id}-{index}"
    name = {"Content-Disposition": f'attachment; filename="evidence-{of}.pdf"'}
    return Response(await services.reports.report(record, language), headers=name, media_type=PDF)
