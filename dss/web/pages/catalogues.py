"""The languages of the pages: catalogues of GNU gettext, read as they are written.

The messages of the templates are English, so English needs no catalogue.
"""

import io
from functools import cache
from gettext import GNUTranslations, NullTranslations
from importlib import resources
from importlib.resources.abc import Traversable

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

from dss.notify.model import LOCALES

SOURCE = LOCALES[0]
TRANSLATED = LOCALES[1:]


def catalogue(locale: str) -> Traversable:
    """Return the file of a translated language."""
    return resources.files("dss.web.pages").joinpath(f"locale/{locale}.po")


@cache
def translations(locale: str) -> NullTranslations:
    """Return the messages of a language, one of LOCALES."""
    if locale == SOURCE:
        return NullTranslations()
    with catalogue(locale).open("rb") as written:
        messages = read_po(written, locale=locale, abort_invalid=True)
    compiled = io.BytesIO()
    write_mo(compiled, messages)
    compiled.seek(0)
    return GNUTranslations(compiled)
