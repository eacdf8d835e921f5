"""Options by which operators say how an application uses the authorization server, and how it is shown to them."""

import json
from dataclasses import dataclass, fields
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer
from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256

from dss.cli.given import bytes_of, text_of
from dss.cli.running import leave
from dss.clients.change import Change
from dss.clients.logos import LARGEST
from dss.clients.model import Client
from dss.clients.profile import GrantType

LONGEST_FILE = 64 * 1024  # of keys and certificates, bytes


def grant(word: str) -> GrantType:
    """Read a grant by its short word: the standard's name of one is a URN."""
    try:
        return GrantType[word.upper()]
    except KeyError as fault:
        raise typer.BadParameter(f"a grant is one of {', '.join(_word(one) for one in GrantType)}") from fault


def _word(one: GrantType) -> str:
    return one.name.lower()


RedirectUri = Annotated[list[str] | None, typer.Option(help="Where answers may go, exactly; once or more.")]
Grant = Annotated[
    list[GrantType] | None,
    typer.Option(parser=grant, metavar="GRANT", help=f"One of {', '.join(map(_word, GrantType))}; once or more."),
]
Par = Annotated[bool | None, typer.Option("--par/--no-par", help="Its authorization requests must be pushed.")]
Dpop = Annotated[bool | None, typer.Option("--dpop/--no-dpop", help="Its tokens must be bound to a key.")]
Introspects = Annotated[
    bool | None, typer.Option("--introspects/--no-introspects", help="It may look at every token (a resource server).")
]
Certificate = Annotated[list[Path] | None, typer.Option(help="A TLS certificate of its own (PEM); up to two.")]
TlsSubject = Annotated[str | None, typer.Option(help="The subject of its TLS certificate by a known CA (RFC 4514).")]
Logo = Annotated[Path | None, typer.Option(help="A PNG of at most 32 KiB and 512 pixels a side, for pages.")]


class Clearable(StrEnum):
    """What an application may have none of, as its option is called."""

    CONTACT = "contact"
    REDIRECT_URI = "redirect-uri"
    CERTIFICATE = "certificate"
    TLS_SUBJECT = "tls-subject"
    LOGO = "logo"


NOTHING = {
    Clearable.CONTACT: Change(contact=""),
    Clearable.REDIRECT_URI: Change(redirect_uris=()),
    Clearable.CERTIFICATE: Change(certificates=()),
    Clearable.TLS_SUBJECT: Change(tls_subject=""),
    Clearable.LOGO: Change(logo=b""),
}
Clear = Annotated[list[Clearable] | None, typer.Option(help="Take away what there is; once or more.")]


@dataclass(frozen=True, slots=True)
class Wanted:
    """What an operator gave on the command line about an application: None for what they did not."""

    contact: str | None = None
    scope: list[str] | None = None
    redirect_uri: list[str] | None = None
    grant: list[GrantType] | None = None
    par: bool | None = None
    dpop: bool | None = None
    introspects: bool | None = None
    certificate: list[Path] | None = None
    tls_subject: str | None = None
    logo: Path | None = None

    def change(self, *clear: Clearable) -> Change:
        """Return what is to change, the files read; leave where one cannot be, or a thing is given and taken away."""
        given = Change(
            contact=self.contact,
            scopes=_texts(self.scope),
            redirect_uris=_texts(self.redirect_uri),
            grants=tuple(self.grant) if self.grant else None,
            par=self.par,
            dpop=self.dpop,
            introspects=self.introspects,
            certificates=tuple(fingerprint(file) for file in self.certificate) if self.certificate else None,
            tls_subject=self.tls_subject,
            logo=None if self.logo is None else bytes_of(self.logo, LARGEST),
        )
        members = _members(given)
        for one in clear:
            cleared = _members(NOTHING[one])
            if cleared.keys() & members.keys():
                raise leave(f"{one} is given and taken away at once")
            members |= cleared
        return Change(**members)


def _texts(given: list[str] | None) -> tuple[str, ...] | None:
    return tuple(given) if given else None


def _members(change: Change) -> dict[str, Any]:
    return {one.name: value for one in fields(Change) if (value := getattr(change, one.name)) is not None}


def keys_of(file: Path) -> dict[str, Any]:
    """Read a JWK Set; leave where a file is none."""
    try:
        keys = json.loads(text_of(file, LONGEST_FILE))
    except (ValueError, RecursionError) as fault:
        raise leave(f"{file} cannot be read as a JWK Set: {fault}") from fault
    if not isinstance(keys, dict):
        raise leave(f"{file} is not a JWK Set")
    return keys


def fingerprint(file: Path) -> str:
    """Return the SHA-256 of the one certificate in a PEM file, in hex; leave where there is none, or more."""
    try:
        found = x509.load_pem_x509_certificates(bytes_of(file, LONGEST_FILE))
    except ValueError as fault:
        raise leave(f"{file} is not a certificate in PEM form") from fault
    if len(found) != 1:
        raise leave(f"{file} has {len(found)} certificates: give each in a file of its own")
    return found[0].fingerprint(SHA256()).hex()


def summary(client: Client) -> dict[str, Any]:
    """Return what a list shows of an application."""
    return {"id": client.id, "name": client.name, "scopes": " ".join(sorted(client.scopes))}


def whole(client: Client) -> dict[str, Any]:
    """Return all of an application's registration but its secrets."""
    profile = client.profile
    return (
        summary(client)
        | {
            "contact": client.contact,
            "grants": " ".join(_word(one) for one in profile.grants),
            "redirect uris": " ".join(profile.redirect_uris),
            "public": yes_or_no(profile.public),
            "par": yes_or_no(profile.par),
            "dpop": yes_or_no(profile.dpop),
            "introspects": yes_or_no(profile.introspects),
            "keys": " ".join(key["kid"] for key in client.jwks["keys"]) if client.jwks else "",
            "secrets": sum(one is not None for one in (client.secret_hash, client.next_secret_hash)),
            "certificates": " ".join(profile.certificates),
            "tls subject": profile.tls_subject,
            "suspended": yes_or_no(profile.suspended),
        }
        | ({"logo bytes": len(client.logo)} if client.logo else {})
    )


def yes_or_no(said: bool) -> str:
    """Return the word for what is so or not."""
    return "yes" if said else "no"
