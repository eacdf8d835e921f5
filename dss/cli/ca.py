"""Commands over the certificate authority."""

from typing import Annotated

import typer
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from dss.ca.model import Crl, Reason
from dss.cli.running import OPERATOR, AsJson, leave, out, run, show_all
from dss.kernel.clock import timestamp
from dss.settings import TokenName

app = typer.Typer(no_args_is_help=True)
Name = Annotated[str, typer.Argument(help="The CA's name: root or issuing.")]


@app.command("list")
def list_(as_json: AsJson = False) -> None:
    """List the CAs."""
    found = run(lambda services: services.ca.list())
    rows = [
        {
            "name": authority.name,
            "under": authority.parent or "",
            "subject": authority.certificate.subject,
            "valid until": timestamp(authority.certificate.validity.not_after),
        }
        for authority in found
    ]
    show_all(rows, as_json=as_json)


@app.command()
def certificate(name: Name) -> None:
    """Print a CA's certificate, PEM."""
    der = run(lambda services: services.ca.certificate(name)).der
    typer.echo(x509.load_der_x509_certificate(der).public_bytes(Encoding.PEM).decode(), nl=False)


@app.command("publish-crl")
def publish_crl(name: Name) -> None:
    """Sign and store a CA's next list of revoked certificates."""
    _show(run(lambda services: services.ca.publish_crl(name), TokenName.CA))


@app.command()
def revoke(
    serial: Annotated[
        str, typer.Argument(help="The certificate's serial number, hexadecimal; colons are passed over.")
    ],
    reason: Annotated[Reason, typer.Option(help="Why, in the words of RFC 5280 section 5.3.1.")],
) -> None:
    """Revoke a certificate for good, and publish it. `dss credential revoke` does so too, and destroys the key.

    The revocation stands even where the list cannot be signed now: the worker publishes it then.
    """
    try:
        number = int(serial.replace(":", ""), 16)
    except ValueError as fault:
        raise leave(f"{serial} is not a hexadecimal number") from fault
    _show(run(lambda services: services.ca.revoke(f"{number:x}", reason, OPERATOR), TokenName.CA))


def _show(crl: Crl) -> None:
    until = f"{crl.next_update:%Y-%m-%d %H:%M} UTC"
    out.print(f"CRL {crl.number} of {crl.issuer}: {crl.entries} entries, next update {until}")
