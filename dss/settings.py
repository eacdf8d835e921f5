"""All that an operator can set, read once at start from DSS_* variables or from the file `dss.env` in DSS_HOME."""

import os
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from pathlib import Path
from typing import Self

from starlette.config import Config
from starlette.datastructures import Secret

MODULES = (
    "/usr/lib/softhsm/libsofthsm2.so",
    "/usr/lib/x86_64-linux-gnu/softhsm/libsofthsm2.so",
    "/usr/lib/aarch64-linux-gnu/softhsm/libsofthsm2.so",
    "/usr/local/lib/softhsm/libsofthsm2.so",
    "/opt/homebrew/lib/softhsm/libsofthsm2.so",
)


class Role(StrEnum):
    """What one process does; each role opens only the tokens that it needs."""

    ALL = "all"
    AUTH = "auth"
    SIGN = "sign"
    DEVICE = "device"
    WORKER = "worker"

    def plays(self, role: "Role") -> bool:
        """Return True when a process of this role does the work of another."""
        return self in (Role.ALL, role)


@dataclass(frozen=True)
class Tokens:
    """The three tokens of the HSM by their labels, and their PINs; a PIN is None where its role is not played here."""

    user_label: str
    ca_label: str
    service_label: str
    user_pin: Secret | None
    ca_pin: Secret | None
    service_pin: Secret | None


@dataclass(frozen=True)
class Settings:
    """Every choice of the operator.

    home:              the folder for everything that is not set otherwise.
    database_url:      sqlite:///PATH or postgresql://USER:PASSWORD@HOST/NAME.
    public_url:        the address that phones, relying applications and certificates name, without a slash at the end.
    pki_url:           where certificates say that CRLs and CA certificates are; plain http, as checkers need it.
    name:              what phones show when the operator asks.
    hsm_module:        the vendor's PKCS#11 library. softhsm_conf: SoftHSM's own settings file, where it is SoftHSM.
    hsm_lock_file:     keeps processes from logging in at the same moment.
    hsm_threads:       sessions that sign at the same time, each in a thread.
    documents:         the folder of uploaded and signed files. spool: the folder of letters that are ready to go.
    document_children: processes that parse documents. document_limit: the largest document, in bytes.
    mail_from:         the sender that letters name.
    confirm_within:    how long a transaction waits for the phone.
    collect_within:    how long results wait for collection.
    pin_lock:          how long three wrong PINs lock a phone.
    policy_oid:        the certificate policy that certificates name; the default is of the arc for examples (RFC 5612).
    log_level:         debug, info, warning or error.
    """

    home: Path
    role: Role
    database_url: str
    public_url: str
    pki_url: str
    name: str
    tokens: Tokens
    hsm_module: Path
    softhsm_conf: Path | None
    hsm_lock_file: Path
    hsm_threads: int
    documents: Path
    spool: Path
    document_children: int
    document_limit: int
    mail_from: str
    confirm_within: timedelta
    collect_within: timedelta
    pin_lock: timedelta
    policy_oid: str
    log_level: str

    @classmethod
    def load(cls, role: Role = Role.ALL) -> Self:
        """Read the settings for a role. Raises KeyError, naming the variable, where one without a default is absent."""
        folder = home()
        read = Config(_env_file(folder), env_prefix="DSS_")
        public_url = read("PUBLIC_URL", default="http://127.0.0.1:8080").rstrip("/")
        return cls(
            home=folder,
            role=role,
            database_url=read("DATABASE_URL", default=f"sqlite:///{folder}/dss.sqlite"),
            public_url=public_url,
            pki_url=read("PKI_URL", default=f"http://{public_url.partition('://')[2]}").rstrip("/"),
            name=read("NAME", default="Demo signature server"),
            tokens=_tokens(read, role),
            hsm_module=read("HSM_MODULE", cast=Path, default=_known_module()),
            softhsm_conf=read("SOFTHSM_CONF", cast=Path, default=None),
            hsm_lock_file=read("HSM_LOCK_FILE", cast=Path, default=folder / "hsm.lock"),
            hsm_threads=read("HSM_THREADS", cast=int, default=2),
            documents=read("DOCUMENTS", cast=Path, default=folder / "documents"),
            spool=read("SPOOL", cast=Path, default=folder / "spool"),
            document_children=read("DOCUMENT_CHILDREN", cast=int, default=2),
            document_limit=read("DOCUMENT_LIMIT", cast=int, default=50 * 1024 * 1024),
            mail_from=read("MAIL_FROM", default="Signature server <do-not-reply@localhost>"),
            confirm_within=_seconds(read, "CONFIRM_WITHIN_S", 300),
            collect_within=_seconds(read, "COLLECT_WITHIN_S", 24 * 3600),
            pin_lock=_seconds(read, "PIN_LOCK_S", 3 * 3600),
            policy_oid=read("POLICY_OID", default="1.3.6.1.4.1.32473.1.1"),
            log_level=read("LOG_LEVEL", default="info"),
        )


def home() -> Path:
    """Return DSS_HOME, the folder `var` here by default."""
    return Path(os.environ.get("DSS_HOME", "var")).resolve()


def _env_file(folder: Path) -> Path | None:
    """Return the settings file of a home, if it is there."""
    file = folder / "dss.env"
    return file if file.is_file() else None


def _tokens(read: Config, role: Role) -> Tokens:
    def pin(name: str, *roles: Role) -> Secret | None:
        return read(name, cast=Secret) if any(role.plays(one) for one in roles) else None

    return Tokens(
        user_label=read("USER_TOKEN", default="dss-users"),
        ca_label=read("CA_TOKEN", default="dss-ca"),
        service_label=read("SERVICE_TOKEN", default="dss-service"),
        user_pin=pin("USER_PIN", Role.SIGN),
        ca_pin=pin("CA_PIN", Role.WORKER),
        service_pin=pin("SERVICE_PIN", Role.AUTH, Role.SIGN, Role.DEVICE, Role.WORKER),
    )


def _seconds(read: Config, name: str, default: int) -> timedelta:
    return timedelta(seconds=read(name, cast=int, default=default))


def _known_module() -> Path:
    return next((Path(path) for path in MODULES if Path(path).is_file()), Path(MODULES[0]))
