"""The letters, in the language of their reader: pure builders from facts to Letter.

Names of people and phones come from outside: they are set into templates, and never are one.
"""

import re
import tomllib
from datetime import UTC, datetime
from functools import cache
from importlib import resources
from typing import Any

from dss.notify import printing
from dss.notify.model import Attachment, Letter, Reader

# --- to bind a phone ---


def qr_letter(reader: Reader, qr_text: str, expires: datetime) -> Letter:
    """Build letter 1 of an enrolment: the QR code, as a picture and as a letter to print.

    It holds no activation code: who has this letter alone can do nothing with it.
    """
    words = _words(reader.locale)
    text = words["qr"]
    sheet = printing.Sheet(
        title=text["title"],
        before=(_greeting(reader), text["intro"]),
        steps=tuple(text["steps"]),
        qr_text=qr_text,
        after=(text["ending"].format(expires=_moment(expires)), text["warning"]),
    )
    steps = "\n".join(f"{number}. {step}" for number, step in enumerate(sheet.steps, 1))
    body = _body(*sheet.before, text["attached"], steps, *sheet.after, words["common"]["no_reply"])
    picture = Attachment("qr.png", "image/png", printing.qr_png(qr_text))
    paper = Attachment("letter.pdf", "application/pdf", sheet.pdf())
    return Letter(reader.recipient, text["subject"], body, (picture, paper))


def code_letter(reader: Reader, code: str, expires: datetime) -> Letter:
    """Build letter 2 of an enrolment: the activation code alone on its line, in groups of four."""
    text = _words(reader.locale)["code"]
    ending = text["ending"].format(expires=_moment(expires))
    return _letter(reader, text["subject"], text["intro"], _grouped(code), ending, text["warning"])


# --- what has happened to a phone; device is its name, stop_url the page that stops it ---


def new_device_letter(reader: Reader, device: str, stop_url: str) -> Letter:
    """Build the letter of an owner's first phone, which works from now on."""
    text = _words(reader.locale)["new_device"]
    return _letter(reader, text["subject"], text["intro"], _set_apart(device), *_stop(reader, text, stop_url))


def waiting_phone_letter(reader: Reader, device: str, active: datetime, stop_url: str) -> Letter:
    """Build the letter of a further phone, which can do nothing until the time active."""
    text = _words(reader.locale)["waiting_phone"]
    waiting = text["waiting"].format(active=_moment(active))
    return _letter(reader, text["subject"], text["intro"], _set_apart(device), waiting, *_stop(reader, text, stop_url))


def shared_letter(reader: Reader, device: str, stop_url: str) -> Letter:
    """Build the letter that tells of keys shared with a further phone, by a confirmation on an old one."""
    text = _words(reader.locale)["shared"]
    about = (text["intro"], _set_apart(device), text["effect"])
    return _letter(reader, text["subject"], *about, *_stop(reader, text, stop_url))


def phone_removed_letter(reader: Reader, device: str, keys_destroyed: int) -> Letter:
    """Build the letter that tells of a removed phone; keys_destroyed: how many keys no other phone could use."""
    text = _words(reader.locale)["phone_removed"]
    destroyed = [text["destroyed"].format(count=keys_destroyed)] if keys_destroyed else []
    return _letter(reader, text["subject"], text["intro"], _set_apart(device), *destroyed, text["warning"])


def phone_locked_letter(reader: Reader, device: str, why: str, until: datetime | None) -> Letter:
    """Build the letter that tells of a locked phone.

    why:   pin (wrong PINs), clone (two phones with the same keys), owner or operator (who stopped it).
    until: when the lock ends by itself, or None.
    """
    text = _words(reader.locale)["phone_locked"]
    ending = text["until"].format(until=_moment(until)) if until else text["lasting"]
    return _letter(
        reader, text["subject"], text["intro"], _set_apart(device), text["why"][why], ending, text["warning"]
    )


def phone_unlocked_letter(reader: Reader, device: str, stop_url: str) -> Letter:
    """Build the letter that tells of a phone that an operator unlocked."""
    text = _words(reader.locale)["phone_unlocked"]
    return _letter(reader, text["subject"], text["intro"], _set_apart(device), *_stop(reader, text, stop_url))


def pin_changed_letter(reader: Reader, device: str, stop_url: str) -> Letter:
    """Build the letter that tells of a phone's new PIN."""
    text = _words(reader.locale)["pin_changed"]
    return _letter(reader, text["subject"], text["intro"], _set_apart(device), *_stop(reader, text, stop_url))


# --- what has happened to a key ---


def key_changed_letter(reader: Reader, credential_id: str, what: str) -> Letter:
    """Build the letter that tells of a key: it was suspended, resumed, revoked, destroyed or replaced.

    what: one of these words, password when the key's password was set or changed, or offline_set or offline_ended.
    """
    text = _words(reader.locale)["key_changed"]
    change = text[what]
    about = (text["intro"], _set_apart(credential_id), change["text"])
    return _letter(reader, change["subject"], *about, text["warning"])


# --- who may ask ---


def application_allowed_letter(reader: Reader, application: str) -> Letter:
    """Build the letter that tells a signer of an application that an operator lets ask them again."""
    text = _words(reader.locale)["application_allowed"]
    return _letter(reader, text["subject"], text["intro"], _set_apart(application), text["warning"])


def not_me_letter(reader: Reader, signer: str, application: str, *, stopped: bool) -> Letter:
    """Build the letter to the operators about a signer who declined a request as not theirs.

    signer: the login. application: the name of who asked; stopped: whether it may ask the signer no more.
    """
    words = _words(reader.locale)
    text = words["not_me"]
    about = (text["intro"], _set_apart(signer), text["asked_by"], _set_apart(application))
    effect = [text["stopped"]] if stopped else []
    body = _body(text["greeting"], *about, *effect, text["advice"], words["common"]["no_reply"])
    return Letter(reader.recipient, text["subject"], body)


# --- signing in ---


def password_letter(reader: Reader, link: str, expires: datetime) -> Letter:
    """Build the letter by which a signer sets a password; the link stands alone on its line."""
    text = _words(reader.locale)["password_link"]
    ending = text["ending"].format(expires=_moment(expires))
    return _letter(reader, text["subject"], text["intro"], link, ending, text["warning"])


def password_set_letter(reader: Reader, time: datetime) -> Letter:
    """Build the letter that tells a signer of a new password."""
    text = _words(reader.locale)["password_set"]
    intro = text["intro"].format(time=_moment(time))
    return _letter(reader, text["subject"], intro, text["effect"], text["warning"])


def password_ended_letter(reader: Reader, time: datetime) -> Letter:
    """Build the letter to a signer who declined a sign-in as not theirs: the password is of no use any more."""
    text = _words(reader.locale)["password_ended"]
    intro = text["intro"].format(time=_moment(time))
    return _letter(reader, text["subject"], intro, text["effect"], text["advice"])


def not_my_login_letter(reader: Reader, signer: str) -> Letter:
    """Build the letter to the operators about such a signer, by the login."""
    words = _words(reader.locale)
    text = words["not_my_login"]
    about = (text["intro"], _set_apart(signer), text["effect"], text["advice"])
    return Letter(reader.recipient, text["subject"], _body(text["greeting"], *about, words["common"]["no_reply"]))


def new_browser_letter(reader: Reader, browser: str, address: str, time: datetime) -> Letter:
    """Build the letter that tells of the first sign-in from a browser; browser: what it says it is, perhaps nothing."""
    text = _words(reader.locale)["new_browser"]
    place = text["place"].format(address=address, time=_moment(time))
    return _letter(
        reader, text["subject"], text["intro"], _set_apart(browser or text["unknown"]), place, text["warning"]
    )


def factor_added_letter(reader: Reader, factor: str, name: str, time: datetime) -> Letter:
    """Build the letter that tells a signer of a new second factor: totp or passkey, and the name of a passkey."""
    return _factor_letter("factor_added", reader, factor, name, time)


def factor_removed_letter(reader: Reader, factor: str, name: str, time: datetime) -> Letter:
    """Build the letter that tells a signer of a second factor that was removed; members as in `factor_added_letter`."""
    return _factor_letter("factor_removed", reader, factor, name, time)


# --- the parts of a letter ---


def _factor_letter(kind: str, reader: Reader, factor: str, name: str, time: datetime) -> Letter:
    text = _words(reader.locale)[kind]
    named = [_set_apart(name)] if name else []
    return _letter(reader, text["subject"], text[factor].format(time=_moment(time)), *named, text["warning"])


def _letter(reader: Reader, subject: str, *paragraphs: str) -> Letter:
    no_reply = _words(reader.locale)["common"]["no_reply"]
    return Letter(reader.recipient, subject, _body(_greeting(reader), *paragraphs, no_reply))


def _greeting(reader: Reader) -> str:
    greeting: str = _words(reader.locale)["common"]["greeting"]
    return greeting.format(name=reader.name)


def _stop(reader: Reader, text: dict[str, str], stop_url: str) -> tuple[str, str, str]:
    """Return the warning, the link to the page in the reader's language alone on its line, and what it can do."""
    return text["warning"], f"{stop_url}?lang={reader.locale}", _words(reader.locale)["common"]["stop_link"]


def _set_apart(name: str) -> str:
    return f"    {name}"


def _body(*paragraphs: str) -> str:
    return "\n\n".join(paragraphs) + "\n"


def _grouped(code: str) -> str:
    return "-".join(re.findall("....", code.replace("-", "")))


def _moment(time: datetime) -> str:
    return f"{time.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


@cache
def _words(locale: str) -> dict[str, Any]:
    return tomllib.loads(resources.files("dss.notify").joinpath(f"texts/{locale}.toml").read_text(encoding="utf-8"))
