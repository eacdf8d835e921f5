"""Commands over the certificate authority."""

from typing import Annotated

import typer
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from dss.cli.running import out, run

app = typer.Typer(no_args_is_help=True)
Name = Annotated[str, typer.Argument(help="The CA's name: root or issuing.")]


@app.command()
def certificate(name: Name) -> None:
    """Print a CA's certificate, PEM."""
    der = run(lambda services: services.ca.certificate(name)).der
    typer.echo(x509.load_der_x509_certificate(der).public_bytes(Encoding.PEM).decode(), nl=False)


@app.command("publish-crl")
def publish_crl(name: Name) -> None:
    """Sign and store a CA's next list of revoked certificates."""
    crl = run(lambda services: services.ca.publish_crl(name))
    out.print(f"CRL {crl.number} of {name}: {crl.entries} entries, next update {crl.next_update:%Y-%m-%d %H:%M} UTC")
