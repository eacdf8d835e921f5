"""Commands over the HSM."""

import asyncio

import typer

from dss.audit.event import Event
from dss.cli.running import OPERATOR, AsJson, attempt, leave, out, run, settings, show_all
from dss.hsm import setup
from dss.hsm.cakeys import CaKeys
from dss.hsm.servicekeys import KeyName, ServiceKeys
from dss.hsm.userkeys import UserKeys
from dss.infra import jose
from dss.kernel.errors import DssError, Unavailable
from dss.settings import Settings, TokenName
from dss.wiring import Services, open_tokens

app = typer.Typer(no_args_is_help=True)
IN_ORDER, NOT_HERE = "in order", "no PIN here"


@app.command()
def status(as_json: AsJson = False) -> None:
    """Ask each token whose PIN is set for a small piece of work; ends with 1 when one fails."""
    read = settings()
    states = attempt(_states(read))
    named = read.tokens.named()
    rows = [{"token": name.value, "label": named[name].label, "state": state} for name, state in states.items()]
    show_all(rows, as_json=as_json)
    if failing := [row["token"] for row in rows if row["state"] not in {IN_ORDER, NOT_HERE}]:
        raise leave(f"tokens that do not work: {', '.join(failing)}")


@app.command("new-kek")
def new_kek() -> None:
    """Make the next key encryption key: it wraps people's new keys, and the earlier ones keep what they wrap."""

    async def make(services: Services) -> str:
        (token,) = services.tokens.opened
        label = await asyncio.to_thread(setup.create_next_kek, token)
        async with services.database.write() as connection:
            await services.audit.record(connection, Event("kek.created", OPERATOR, f"kek:{label}"))
        return label

    out.print(f"{run(make, TokenName.USER)} wraps new keys from now on", highlight=False)


@app.command("service-keys")
def service_keys() -> None:
    """Make the server's lasting keys that the service token lacks; those that are there stay."""

    async def make(services: Services) -> None:
        (token,) = services.tokens.opened
        await asyncio.to_thread(setup.create_service_keys, token)

    run(make, TokenName.SERVICE)
    out.print("the service token has all of the server's keys")


@app.command("channel-key")
def channel_key() -> None:
    """Print the thumbprint (RFC 7638) of the key that signs for phones, to compare with the one in evidence."""
    key = run(lambda services: services.tokens.service.public_key(KeyName.DEVICE_CHANNEL), TokenName.SERVICE)
    typer.echo(jose.thumbprint(jose.write_jwk(key)))


@app.command("kek-status")
def kek_status(as_json: AsJson = False) -> None:
    """Count the credentials whose keys each key encryption key wraps."""
    found = run(lambda services: services.credentials.count_by_kek())
    counts = {kek: found[kek] for kek in sorted(found, key=lambda kek: (len(kek), kek))}
    show_all([{"kek": kek, "credentials": count} for kek, count in counts.items()], as_json=as_json)


async def _states(read: Settings) -> dict[TokenName, str]:
    held = [name for name, token in read.tokens.named().items() if token.pin]
    if not held:
        raise Unavailable(f"no PIN is set here: {', '.join(name.pin_variable for name in TokenName)}")
    keys = open_tokens(read, held)
    service = keys.service if TokenName.SERVICE in held else None
    named = {TokenName.USER: keys.user, TokenName.CA: keys.ca, TokenName.SERVICE: service}
    states = {name: await _state(of_token) for name, of_token in named.items()}
    keys.close()
    return states


async def _state(keys: UserKeys | CaKeys | ServiceKeys | None) -> str:
    if keys is None:
        return NOT_HERE
    try:
        await keys.check()
    except DssError as fault:
        return fault.detail or fault.title
    return IN_ORDER
