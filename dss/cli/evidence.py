"""Commands over evidence; `verify` needs no settings, no database and no connection."""

import json
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from dss.audit.note import LONGEST_NOTE
from dss.cli import given
from dss.cli.running import OPERATOR, AsJson, leave, run
from dss.evidence import document_check, record, saying, verifying
from dss.evidence.certificate_check import UNREADABLE
from dss.evidence.document_check import Given
from dss.evidence.fields import EvidenceRefused
from dss.evidence.verifying import Proven, Trust
from dss.evidence.words import Words
from dss.kernel.errors import DssError
from dss.kernel.ids import TransactionId
from dss.notify.model import LOCALES
from dss.settings import TokenName

LONGEST_PEM = 64 * 1024
LARGEST_DOCUMENT = 256 * 1024 * 1024

app = typer.Typer(no_args_is_help=True)


@app.command()
def verify(
    file: Annotated[Path, typer.Argument(help="The evidence record.")],
    root: Annotated[Path, typer.Option(help="The certificate of the signer's root CA, PEM.")],
    log_key: Annotated[str, typer.Option(help="The log's key, as `dss audit log-key` prints it, or a file with it.")],
    checkpoint: Annotated[Path | None, typer.Option(help="A checkpoint of the log that you kept.")] = None,
    document: Annotated[Path | None, typer.Option(help="A file to compare: the original or the signed one.")] = None,
    language: Annotated[str, typer.Option(help=f"Of the sentences: {', '.join(LOCALES)}.")] = "en",
    as_json: AsJson = False,
) -> None:
    """Check a record offline and say what it proves, and what it does not; ends with 1 when a step fails."""
    if language not in LOCALES:
        raise leave(f"the language is one of {', '.join(LOCALES)}")
    kept = None if checkpoint is None else given.text_of(checkpoint, LONGEST_NOTE)
    try:
        trust = Trust(_root(root), given.log_key(log_key), kept)
        proven = verifying.verify(given.bytes_of(file, record.LARGEST), trust)
    except DssError as fault:
        raise leave(f"{fault.title}: {fault.detail}") from fault
    compared = None if document is None else _compared(document, proven)
    said = saying.say(proven, language, compared)
    if as_json:
        # In ASCII: names that strangers chose cannot do anything to a terminal.
        typer.echo(json.dumps(_members(proven, compared, said), default=_plain))
        return
    typer.echo(said.title)
    for section in said.sections:
        typer.echo(f"\n{section.heading}")
        for sentence in section.sentences:
            typer.echo(f"- {sentence}")
    if compared is not None:
        typer.echo(f"\n{_told(compared, language)}")


def _compared(file: Path, proven: Proven) -> Given:
    """Return which document a file is; leave where it is none, for which the evidence is not to blame."""
    try:
        return document_check.check(given.bytes_of(file, LARGEST_DOCUMENT), proven)
    except EvidenceRefused as fault:
        raise leave(f"The evidence is good; the given file is not its document: {fault.detail}") from fault


@app.command()
def export(
    id: Annotated[str, typer.Argument(help="The transaction, as relying applications and phones name it.")],
    out: Annotated[Path, typer.Option(help="The new file.")],
    index: Annotated[int | None, typer.Option(min=0, help="Of a batch: which of its documents, from 0.")] = None,
) -> None:
    """Write the evidence of a transaction to a file, for whoever must have it; the log tells who took it.

    That of a batch that was signed is of each of its documents: name one with --index.
    """
    with given.new_file(out) as file:
        found = run(lambda s: s.transactions.export_evidence(TransactionId(id), OPERATOR, index), TokenName.SERVICE)
        if found is None:
            raise leave("the log has not sealed it yet: try again in a few seconds")
        file.write(found.encoded())


def _told(compared: Given, language: str) -> str:
    name = "signed" if compared.is_signed else "original"
    return Words.of(language).text("given", name, number=compared.number)


def _members(proven: Proven, compared: Given | None, said: saying.Said) -> dict[str, Any]:
    return asdict(proven) | {"given": None if compared is None else asdict(compared), "said": asdict(said)}


def _plain(value: object) -> str:
    """Write what JSON has no form for: times as RFC 3339, bytes in hexadecimal."""
    return value.isoformat() if isinstance(value, datetime) else value.hex() if isinstance(value, bytes) else str(value)


def _root(file: Path) -> bytes:
    try:
        (certificate,) = x509.load_pem_x509_certificates(given.bytes_of(file, LONGEST_PEM))
    except UNREADABLE as fault:
        raise leave(f"{file} does not hold one certificate in PEM that can be read") from fault
    return certificate.public_bytes(Encoding.DER)
