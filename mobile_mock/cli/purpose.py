"""What a request does once it is confirmed, in plain words. Pure."""

from mobile_mock import jose
from mobile_mock.matter import Change, Credential, Login, NewCredential, PhoneName, Session, Sharing
from mobile_mock.request import Request


def purpose(request: Request) -> list[str]:
    """Return what the owner agrees to, a line each."""
    if request.share is not None:
        return _sharing(request.share)
    if request.change is not None:
        return _change(request)
    if isinstance(request.credential, NewCredential):
        return _making(request.credential)
    if request.login is not None:
        return _login(request.login)
    assert request.credential is not None  # a request to sign names what signs
    if request.session is not None:
        return _session(request.session, request.credential)
    signs = f"to sign with the certificate of SHA-256 {request.credential.certificate_sha256.hex()}"
    return [signs, *_password(request.credential)]


def _session(session: Session, credential: Credential) -> list[str]:
    return [
        f"to make up to {session.signatures} signatures within {session.minutes} minutes without this phone",
        "nothing of what will be signed is shown; you may end the session at any time",
        f"signs with your {_key(credential)}",
        *_password(credential),
    ]


def _login(login: Login) -> list[str]:
    return [
        "to sign you in on a page, where your first factor was given just now",
        f"from {login.address or 'an address that is not told'}, by {login.agent or 'a browser that is not told'}",
        "if that is not you, decline it as not yours: somebody else has your password",
    ]


def _making(made: NewCredential) -> list[str]:
    makes = f"a {made.key_type} key and a certificate for {made.subject}"
    first = f"to make {makes}, valid for {made.validity_days} days"
    if made.replaces is None:
        return [first]
    return [first, f"your old {_key(made.replaces)} is cancelled when the new one is made"]


def _change(request: Request) -> list[str]:
    change, credential = request.change, request.credential
    assert change is not None
    if not isinstance(credential, Credential):
        return [_change_of_no_key(change)]
    key = _key(credential)
    what = {
        "password": f"sets the password of the {key}",
        "relock": f"locks the {key} anew; other phones open it only once this one shared it with them again",
        "resume": f"lets the {key}, which you suspended, be used again",
        "revoke": f"revokes the {key} for good: the certificate is listed ({change.reason}), the key destroyed",
        "destroy": f"destroys the {key}; the certificate stands, for what it signed before",
        "offline": f"lets this phone confirm by codes, without a connection, what the {key} signs",
        "offline_end": f"lets this phone confirm no more by codes what the {key} signs",
    }
    return [what[change.action], *(_password(credential) if request.opens_key else [])]


def _change_of_no_key(change: Change) -> str:
    if change.phone is not None:
        return f"removes your phone {_named(change.phone)} for good"
    if change.application is not None:
        return f"lets {change.application.name} ask you again, which you had stopped"
    return "changes the PIN of this phone"


def _sharing(share: Sharing) -> list[str]:
    prints = f"signature {jose.thumbprint(share.signature)}, encryption {jose.thumbprint(share.encryption)}"
    return [
        f"shares your keys with the phone {_named(share.phone)} (thumbprints: {prints})",
        *(_key(credential) for credential in share.credentials),
    ]


def _password(credential: Credential) -> list[str]:
    return ["needs the key's password"] if credential.password else []


def _key(credential: Credential) -> str:
    return f"key {credential.id} (certificate of SHA-256 {credential.certificate_sha256.hex()})"


def _named(phone: PhoneName) -> str:
    return f"{phone.name} {phone.id}"
