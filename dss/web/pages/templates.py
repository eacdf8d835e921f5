"""The templates of the pages, in each language: what is somebody's own text is escaped as it goes in."""

from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any
from urllib.parse import urlsplit

from babel import Locale
from babel.dates import format_datetime, format_timedelta
from babel.units import format_unit
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from dss.kernel import b64
from dss.kernel.clock import timestamp
from dss.notify.model import LOCALES
from dss.web.pages import assets
from dss.web.pages.catalogues import translations

KIB = 1024
UNITS = ("digital-byte", "digital-kilobyte", "digital-megabyte", "digital-gigabyte")
NEAR = timedelta(hours=2)

NAMES = {locale: str(Locale.parse(locale).get_display_name(locale)).capitalize() for locale in LOCALES}


@cache
def environment(locale: str) -> Environment:
    """Return the templates in a language, one of LOCALES."""
    made = Environment(
        loader=PackageLoader("dss.web.pages"),
        autoescape=True,
        undefined=StrictUndefined,
        extensions=["jinja2.ext.i18n"],
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    made.policies["ext.i18n.trimmed"] = True
    made.install_gettext_translations(translations(locale), newstyle=True)  # type: ignore[attr-defined]
    made.filters |= {
        "moment": lambda moment: _moment(moment, locale),
        "size": lambda count: _size(count, locale),
        "deadline": lambda moment, now: _deadline(moment, now, locale),
        "png": lambda picture: f"data:image/png;base64,{b64.encode(picture)}",
        "site": _site,
    }
    made.globals |= {
        "locale": locale,
        "languages": NAMES,
        "style": assets.address(assets.STYLE),
        "script": assets.address(assets.SCRIPT),
    }
    return made


def render(template: str, locale: str, **context: Any) -> str:
    """Return a page; template: its file."""
    return environment(locale).get_template(template).render(context)


def of_site(public_url: str, name: str) -> dict[str, str]:
    """Return what every page shows of its server; root: before every path."""
    return {"root": urlsplit(public_url).path, "server": name}


def _moment(moment: datetime, locale: str) -> Markup:
    shown = format_datetime(moment, "d MMMM y, HH:mm", UTC, locale)
    return Markup('<time datetime="{}">{} UTC</time>').format(timestamp(moment), shown)


def _deadline(moment: datetime, now: datetime, locale: str) -> Markup:
    """Return a moment, and in how many minutes it is where it is near."""
    left, shown = moment - now, _moment(moment, locale)
    if not timedelta(0) < left <= NEAR:
        return shown
    # The threshold keeps even two hours in minutes.
    said = format_timedelta(left, "minute", threshold=NEAR / timedelta(hours=1) + 1, add_direction=True, locale=locale)
    return Markup("{} ({})").format(shown, said)


def _site(address: str) -> str:
    """Return what a person knows an address by: its host, or its scheme where an app on the device takes it."""
    parts = urlsplit(address)
    return parts.netloc or parts.scheme


def _size(count: int, locale: str) -> str:
    """Return a number of bytes as people say it, in units of 1024."""
    power = min(max(count.bit_length() - 1, 0) // 10, len(UNITS) - 1)
    shown = count if power == 0 else round(count / KIB**power, 1)
    return format_unit(shown, UNITS[power], "short" if power else "long", locale=locale)
