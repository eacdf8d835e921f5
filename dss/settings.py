"""All that an operator can set, read once at start from DSS_* variables or from the file `dss.env` in DSS_HOME."""

import os
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from pathlib import Path
from typing import Any, Self

from starlette.config import Config
from starlette.datastructures import Secret

from dss import choices
from dss.infra.config import seconds, whole, yes
from dss.infra.proxies import Proxies
from dss.kernel.errors import Invalid
from dss.kernel.policy import Bounds, Mode
from dss.login.model import Limits as LoginLimits
from dss.notify.model import Reader
from dss.oauth.issuer import Lifetimes
from dss.transactions.asking import USUAL, AskLimits

MODULES = (
    "/usr/lib/softhsm/libsofthsm2.so",
    "/usr/lib/x86_64-linux-gnu/softhsm/libsofthsm2.so",
    "/usr/lib/aarch64-linux-gnu/softhsm/libsofthsm2.so",
    "/usr/local/lib/softhsm/libsofthsm2.so",
    "/opt/homebrew/lib/softhsm/libsofthsm2.so",
)
LARGEST_DOCUMENT = 50 * 1024 * 1024
USUAL_TOGETHER, LARGEST_TOGETHER = 2 * 1024**3, 10_000 * LARGEST_DOCUMENT
LONGEST_CERTIFICATE_DAYS = 1095  # as the profile of signers allows
LEAST_SAD_S = 120  # phones' clocks may be a minute off, and their answers are timed by them
LOG_ORIGIN = re.compile(r"[!-*,-~]{1,255}")
LOG_LEVELS = ("debug", "info", "warning", "error")


class TokenName(StrEnum):
    """The tokens of the HSM, each for keys of its own kind."""

    USER = "user"
    CA = "ca"
    SERVICE = "service"

    @property
    def pin_variable(self) -> str:
        """The variable that holds the token's PIN."""
        return f"DSS_{self.name}_PIN"


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

    @property
    def tokens(self) -> frozenset[TokenName]:
        """The tokens that a process of this role opens."""
        return frozenset(name for name, roles in USED_BY.items() if any(self.plays(role) for role in roles))


USED_BY = {
    TokenName.USER: (Role.SIGN,),
    TokenName.CA: (Role.WORKER,),
    TokenName.SERVICE: (Role.AUTH, Role.SIGN, Role.DEVICE, Role.WORKER),
}


@dataclass(frozen=True)
class TokenSetting:
    """A token by its label, and its PIN: None where it is not set, or not for this process to know."""

    label: str
    pin: Secret | None


@dataclass(frozen=True)
class Tokens:
    """The labels and PINs of the tokens as the operator sets them."""

    user_label: str
    ca_label: str
    service_label: str
    user_pin: Secret | None
    ca_pin: Secret | None
    service_pin: Secret | None

    def named(self) -> dict[TokenName, TokenSetting]:
        """Return each token's label and PIN by its name."""
        return {
            TokenName.USER: TokenSetting(self.user_label, self.user_pin),
            TokenName.CA: TokenSetting(self.ca_label, self.ca_pin),
            TokenName.SERVICE: TokenSetting(self.service_label, self.service_pin),
        }


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
    signature_limit:   the documents of one signature together, in bytes.
    mail_from:         the sender that letters name.
    confirm_within:    how long a transaction waits for the phone.
    collect_within:    how long results wait for collection.
    pin_lock:          how long three wrong PINs in a row lock a phone; pin_long_lock: six. Nine lock it for good.
    new_phone_wait:    how long a further phone of a signer waits before it may do anything.
    two_operators:     whether what undoes a protection needs a second operator.
    policy_oid:        the certificate policy that certificates name; the default is of the arc for examples (RFC 5612).
    log_level:         debug, info, warning or error.
    sad_lifetime:      how long a confirmation waits for a node that takes it up.
    certificate_days:  how long signers' certificates hold.
    log_origin:        what the transparency log is called, for ever: its address without the scheme by default.
    witnesses:         the file with the keys of those who cosign the log's checkpoints, one a line.
    audit_years:       how many years records are kept.
    verification:      how people make sure that a request is theirs, at least, by the kind of transaction.
    session_ceiling:   what no session exceeds, whatever a policy allows.
    asking:            how often one application may ask one person.
    operators:         whom to write to when a signer declines what they did not ask for, or None.
    lifetimes:         of tokens. login: how signers sign in. proxies: which are believed, and in what.
    password_grant:    whether clients that are registered for it may hand in signers' passwords.
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
    sad_lifetime: timedelta = timedelta(seconds=300)
    certificate_days: int = 730
    signature_limit: int = USUAL_TOGETHER
    pin_long_lock: timedelta = timedelta(hours=24)
    new_phone_wait: timedelta = timedelta(hours=1)
    two_operators: bool = False
    log_origin: str = "localhost/log"
    witnesses: Path | None = None
    audit_years: int = 7
    verification: Mapping[str, Mode] = field(default_factory=dict)
    session_ceiling: Bounds = choices.CEILING
    asking: AskLimits = USUAL
    operators: Reader | None = None
    lifetimes: Lifetimes = field(default_factory=Lifetimes)
    login: LoginLimits = field(default_factory=LoginLimits)
    proxies: Proxies = field(default_factory=Proxies)
    password_grant: bool = False

    @classmethod
    def load(cls, role: Role = Role.ALL, pins: Collection[TokenName] | None = None) -> Self:
        """Read the settings for a role.

        pins: the tokens whose PINs are read; by default those of the role. That one is missing is found where the
        token is needed. Raises Invalid, naming the variable, for a value that cannot be.
        """
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
            tokens=_tokens(read, role.tokens if pins is None else pins),
            hsm_module=read("HSM_MODULE", cast=Path, default=_known_module()),
            softhsm_conf=read("SOFTHSM_CONF", cast=Path, default=None),
            hsm_lock_file=read("HSM_LOCK_FILE", cast=Path, default=folder / "hsm.lock"),
            hsm_threads=whole(read, "HSM_THREADS", 2, 64),
            documents=read("DOCUMENTS", cast=Path, default=folder / "documents"),
            spool=read("SPOOL", cast=Path, default=folder / "spool"),
            document_children=whole(read, "DOCUMENT_CHILDREN", 2, 64),
            document_limit=whole(read, "DOCUMENT_LIMIT", LARGEST_DOCUMENT, LARGEST_DOCUMENT),
            signature_limit=whole(read, "SIGNATURE_LIMIT", USUAL_TOGETHER, LARGEST_TOGETHER),
            mail_from=read("MAIL_FROM", default="Signature server <do-not-reply@localhost>"),
            policy_oid=read("POLICY_OID", default="1.3.6.1.4.1.32473.1.1"),
            log_level=_log_level(read),
            certificate_days=whole(read, "CERTIFICATE_DAYS", 730, LONGEST_CERTIFICATE_DAYS),
            two_operators=yes(read, "TWO_OPERATORS"),
            log_origin=_origin(read, public_url),
            witnesses=read("WITNESSES", cast=Path, default=None),
            audit_years=whole(read, "AUDIT_YEARS", 7, 100),
            password_grant=yes(read, "PASSWORD_GRANT"),
            **_times(read),
            **_choices(read),
        )


def home() -> Path:
    """Return DSS_HOME, the folder `var` here by default."""
    return Path(os.environ.get("DSS_HOME", "var")).resolve()


def _env_file(folder: Path) -> Path | None:
    """Return the settings file of a home, if it is there."""
    file = folder / "dss.env"
    return file if file.is_file() else None


def _tokens(read: Config, pins: Collection[TokenName]) -> Tokens:
    def pin(name: TokenName) -> Secret | None:
        return (read(f"{name.name}_PIN", cast=Secret, default=None) or None) if name in pins else None

    return Tokens(
        user_label=read("USER_TOKEN", default="dss-users"),
        ca_label=read("CA_TOKEN", default="dss-ca"),
        service_label=read("SERVICE_TOKEN", default="dss-service"),
        user_pin=pin(TokenName.USER),
        ca_pin=pin(TokenName.CA),
        service_pin=pin(TokenName.SERVICE),
    )


def _times(read: Config) -> dict[str, Any]:
    return {
        "confirm_within": seconds(read, "CONFIRM_WITHIN_S", 300),
        "collect_within": seconds(read, "COLLECT_WITHIN_S", 24 * 3600),
        "pin_lock": seconds(read, "PIN_LOCK_S", 3 * 3600),
        "sad_lifetime": seconds(read, "SAD_LIFETIME_S", 300, least=LEAST_SAD_S, most=3600),
        "pin_long_lock": seconds(read, "PIN_LONG_LOCK_S", 24 * 3600),
        "new_phone_wait": seconds(read, "NEW_PHONE_WAIT_S", 3600),
    }


def _choices(read: Config) -> dict[str, Any]:
    return {
        "verification": choices.verification(read),
        "session_ceiling": choices.session_ceiling(read),
        "asking": choices.asking(read),
        "operators": choices.operators(read),
        "lifetimes": choices.lifetimes(read),
        "login": choices.login(read),
        "proxies": choices.proxies(read),
    }


def _origin(read: Config, public_url: str) -> str:
    """Read the log's name: in a checkpoint it is a line, and the name of a key (C2SP signed-note)."""
    origin: str = read("LOG_ORIGIN", default=f"{public_url.partition('://')[2]}/log")
    if not LOG_ORIGIN.fullmatch(origin):
        raise Invalid("DSS_LOG_ORIGIN is 1 to 255 printable ASCII characters without spaces and plus signs")
    return origin


def _log_level(read: Config) -> str:
    level: str = read("LOG_LEVEL", default="info").lower()
    if level not in LOG_LEVELS:
        raise Invalid(f"DSS_LOG_LEVEL is {level}; it must be one of {', '.join(LOG_LEVELS)}")
    return level


def _known_module() -> Path:
    return next((Path(path) for path in MODULES if Path(path).is_file()), Path(MODULES[0]))
