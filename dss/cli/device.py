"""Commands over signers' phones."""

from datetime import datetime
from typing import Annotated, Any

import typer

from dss.cli.operators import tell_proposed
from dss.cli.running import OPERATOR, AsJson, run, show, show_all
from dss.credentials.model import Credential
from dss.devices.model import Device, Standing
from dss.kernel.clock import timestamp
from dss.kernel.ids import DeviceId
from dss.operators.model import Proposal
from dss.settings import TokenName
from dss.wiring import Services

app = typer.Typer(no_args_is_help=True)
Login = Annotated[str, typer.Argument(help="The signer's login.")]
Id = Annotated[str, typer.Argument(help="The phone's id, as `dss device list` shows it.")]


@app.command("list")
def list_(login: Login, as_json: AsJson = False) -> None:
    """List a signer's phones."""
    show_phones(login, as_json=as_json)


@app.command()
def block(id: Id, as_json: AsJson = False) -> None:
    """Lock a phone at once, until an operator lifts the lock; a new one that still waits is removed."""
    device = run(lambda services: services.phones.block(DeviceId(id), OPERATOR), TokenName.SERVICE)
    _show_state(device, as_json=as_json)


@app.command()
def unlock(id: Id, as_json: AsJson = False) -> None:
    """Lift a phone's lock and forget its wrong PINs. The PIN stays: nobody can tell or set it."""
    done = run(lambda services: services.phones.unlock(DeviceId(id), OPERATOR), TokenName.SERVICE)
    if isinstance(done, Proposal):
        tell_proposed(done, as_json=as_json)
        return
    _show_state(done, as_json=as_json)


@app.command()
def remove(
    id: Id,
    *,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask, even where keys are destroyed.")] = False,
    as_json: AsJson = False,
) -> None:
    """Remove a phone for good. A key that only this phone unlocks is destroyed."""
    lost = [] if yes else run(lambda services: _lost_with(services, DeviceId(id)), TokenName.SERVICE)
    if lost:
        typer.echo(
            "No other phone unlocks these keys: they are destroyed with it, and nobody brings them back.", err=True
        )
        for credential in lost:
            typer.echo(f"  {credential.id}  {credential.subject or ''}", err=True)
        typer.confirm("Remove the phone and destroy the keys?", abort=True, err=True)
    device = run(lambda services: services.phones.remove(DeviceId(id), OPERATOR), TokenName.SERVICE)
    _show_state(device, as_json=as_json)


def show_phones(login: str, *, as_json: bool) -> None:
    """Print a signer's phones, oldest first."""

    async def of(services: Services) -> list[dict[str, Any]]:
        user = await services.users.by_login(login)
        return [_shown(device, services.clock.now()) for device in await services.devices.ever_of_user(user.id)]

    show_all(run(of, TokenName.SERVICE), as_json=as_json)


async def _lost_with(services: Services, id: DeviceId) -> list[Credential]:
    return await services.phones.lost_without(await services.devices.get(id))


def _shown(device: Device, now: datetime) -> dict[str, Any]:
    standing = device.standing(now)
    until = device.until(now)
    for_good = "for good" if standing is Standing.LOCKED else ""
    return {
        "id": device.id,
        "name": device.name,
        "state": standing.value,
        "locked by": device.lock_reason.value if standing is Standing.LOCKED and device.lock_reason else "",
        "until": timestamp(until) if until else for_good,
        "enrolled": timestamp(device.enrolled_at),
    }


def _show_state(device: Device, *, as_json: bool) -> None:
    show({"id": device.id, "name": device.name, "state": device.state.value}, as_json=as_json)
