"""The operator's command `dss`."""

import json
from typing import Annotated

import typer
from rich.progress import Progress

from dss.cli import audit, ca, client, credential, device, evidence, hsm, installing, oauth, operators, user
from dss.cli.running import attempt, leave, out, require_schema, settings
from dss.infra import migrating
from dss.settings import Role, Settings, home
from dss.web import app as web
from dss.web.http.openapi import Info, document, to_yaml
from dss.wiring import require_pins, witnesses_of

GRACE_S = 5

app = typer.Typer(
    no_args_is_help=True, help="A cloud signature server: keys in an HSM, every signature confirmed on a phone."
)
app.add_typer(client.app, name="client", help="Relying applications.")
app.add_typer(user.app, name="user", help="Signers and their phones.")
app.add_typer(device.app, name="device", help="Signers' phones, one by one.")
app.add_typer(credential.app, name="credential", help="Signers' keys and certificates.")
app.add_typer(ca.app, name="ca", help="The certificate authority.")
app.add_typer(hsm.app, name="hsm", help="The HSM.")
app.add_typer(oauth.app, name="oauth", help="The keys of the authorization server.")
app.add_typer(audit.app, name="audit", help="The audit log.")
app.add_typer(evidence.app, name="evidence", help="What proves a signature to a stranger.")
app.command("operators")(operators.list_open)


@app.command()
def init(
    public_url: Annotated[
        str, typer.Option(envvar="DSS_PUBLIC_URL", help="The address that phones and applications will use.")
    ] = "http://127.0.0.1:8080",
    ca_name: Annotated[
        str, typer.Option(help="What CAs are called, before the words Root CA and Issuing CA.")
    ] = "Demo",
    organization: Annotated[str, typer.Option(help="The organisation that the CAs' certificates name.")] = "Demo",
    country: Annotated[str, typer.Option(help="The CAs' country, ISO 3166-1 alpha-2.")] = "EE",
) -> None:
    """Make DSS_HOME (./var): settings with random PINs, tokens, keys, database, CA. What is there stays."""
    with Progress(transient=True) as progress:
        task = progress.add_task("setting up", total=None)
        try:
            plan = installing.Plan(home(), public_url, ca_name, organization, country)
            done = attempt(installing.install(plan, lambda step: progress.update(task, description=step)))
        except OSError as fault:
            raise leave(f"{fault.filename}: {fault.strerror}") from fault
    for line in done:
        out.print(line, highlight=False)


@app.command()
def serve(
    role: Annotated[Role, typer.Option(help="What this process does; each role opens only the tokens it needs.")] = (
        Role.ALL
    ),
    host: Annotated[str, typer.Option(help="The address to listen on; a proxy in front ends TLS.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="The port to listen on.")] = 8080,
) -> None:
    """Serve until interrupted."""
    import uvicorn  # noqa: PLC0415  the other commands need no server

    read = settings(role)
    attempt(_require_ready(read))
    uvicorn.run(
        web.create(read),
        host=host,
        port=port,
        loop="uvloop",
        http="httptools",
        backlog=4096,
        timeout_graceful_shutdown=GRACE_S,
        server_header=False,
        proxy_headers=False,  # which proxies are believed is a setting; uvicorn believes all that is on this machine
        access_log=False,
        log_config=None,
    )


@app.command()
def migrate() -> None:
    """Bring the database to the newest schema."""
    attempt(migrating.upgrade(settings(pins=()).database_url))
    out.print("the database is up to date")


@app.command()
def openapi(*, as_json: Annotated[bool, typer.Option("--json", help="Print JSON, not YAML.")] = False) -> None:
    """Print the contract of the HTTP APIs."""
    contract = document(INFO, web.ALL_PROTOCOLS)
    typer.echo(json.dumps(contract, ensure_ascii=False, indent=2) if as_json else to_yaml(contract), nl=False)


async def _require_ready(read: Settings) -> None:
    require_pins(read, read.role.tokens)
    witnesses_of(read)
    await require_schema(read.database_url)


INFO = Info(
    "Cloud signature server",
    "1.0",
    "Signatures made in an HSM once the signer's registered phone has confirmed exactly what is to be signed.",
)
