"""The letters, in the language of their reader: pure builders from facts to Letter."""

import re
import tomllib
from datetime import UTC, datetime
from functools import cache
from importlib import resources
from typing import Any

from dss.notify import printing
from dss.notify.model import Attachment, Letter


def qr_letter(recipient: str, locale: str, name: str, qr_text: str, expires: datetime) -> Letter:
    """Build letter 1 of an enrolment: the QR code, as a picture and as a letter to print.

    It holds no activation code: who has this letter alone can do nothing with it.
    """
    words = _words(locale)
    text = words["qr"]
    sheet = printing.Sheet(
        title=text["title"],
        before=(text["greeting"].format(name=name), text["intro"]),
        steps=tuple(text["steps"]),
        qr_text=qr_text,
        after=(text["ending"].format(expires=_moment(expires)), text["warning"]),
    )
    steps = "\n".join(f"{number}. {step}" for number, step in enumerate(sheet.steps, 1))
    body = _body(*sheet.before, text["attached"], steps, *sheet.after, words["closing"]["no_reply"])
    picture = Attachment("qr.png", "image/png", printing.qr_png(qr_text))
    return Letter(recipient, text["subject"], body, (picture, Attachment("letter.pdf", "application/pdf", sheet.pdf())))


def code_letter(recipient: str, locale: str, name: str, code: str, expires: datetime) -> Letter:
    """Build letter 2 of an enrolment: the activation code alone on its line, in groups of four."""
    words = _words(locale)
    text = words["code"]
    ending = text["ending"].format(expires=_moment(expires))
    about = (text["greeting"].format(name=name), text["intro"])
    return Letter(
        recipient, text["subject"], _body(*about, _grouped(code), ending, text["warning"], words["closing"]["no_reply"])
    )


def new_device_letter(recipient: str, locale: str, name: str, device: str) -> Letter:
    """Build the letter that tells the owner of a new phone by the name that the phone gave itself."""
    words = _words(locale)
    text = words["new_device"]
    about = (text["greeting"].format(name=name), text["intro"], f"    {device}")
    return Letter(recipient, text["subject"], _body(*about, text["warning"], words["closing"]["no_reply"]))


def _body(*paragraphs: str) -> str:
    return "\n\n".join(paragraphs) + "\n"


def _grouped(code: str) -> str:
    return "-".join(re.findall("....", code.replace("-", "")))


def _moment(time: datetime) -> str:
    return f"{time.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


@cache
def _words(locale: str) -> dict[str, Any]:
    return tomllib.loads(resources.files("dss.notify").joinpath(f"texts/{locale}.toml").read_text(encoding="utf-8"))
