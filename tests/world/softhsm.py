"""A real SoftHSM for one test session: three tokens with random PINs in a temporary folder, their keys made."""

import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from dss.hsm.setup import create_kek, create_service_keys, init_token
from dss.hsm.token import Token, TokenSpec

MODULES = (
    "/usr/lib/softhsm/libsofthsm2.so",
    "/usr/local/lib/softhsm/libsofthsm2.so",
    "/opt/homebrew/lib/softhsm/libsofthsm2.so",
)


@dataclass(frozen=True, slots=True)
class SoftHsm:
    """The world's HSM: `user` has a KEK, `service` the server's keys, `ca` is empty. SOFTHSM2_CONF is set."""

    module: Path
    folder: Path

    @property
    def token_folder(self) -> Path:
        return self.folder / "tokens"

    @property
    def user(self) -> TokenSpec:
        return self.spec("user")

    @property
    def ca(self) -> TokenSpec:
        return self.spec("ca")

    @property
    def service(self) -> TokenSpec:
        return self.spec("service")

    def spec(self, label: str) -> TokenSpec:
        """A token by its label; its PIN is drawn when it is first asked for."""
        pin = self.folder / f"{label}.pin"
        if not pin.exists():
            pin.write_text(secrets.token_hex(8))
        return TokenSpec(self.module, label, pin.read_text(), self.folder / "hsm.lock")

    def new_token(self, label: str) -> TokenSpec:
        """A further token, empty."""
        init_token(self.spec(label), secrets.token_hex(8))
        return self.spec(label)


@pytest.fixture(scope="session")
def softhsm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SoftHsm]:
    world = SoftHsm(next(Path(path) for path in MODULES if Path(path).exists()), tmp_path_factory.mktemp("softhsm"))
    world.token_folder.mkdir()
    configuration = world.folder / "softhsm2.conf"
    configuration.write_text(
        f"directories.tokendir = {world.token_folder}\nobjectstore.backend = file\nlog.level = ERROR\n"
    )
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("SOFTHSM2_CONF", str(configuration))
        for label in ("user", "ca", "service"):
            world.new_token(label)
        create_kek(Token(world.user))
        create_service_keys(Token(world.service))
        yield world
