"""Browsers are told to people by the names that people know."""

import pytest

from dss.web.pages.agents import named

LIKE_SAFARI = "AppleWebKit/605.1.15 (KHTML, like Gecko) Version/26.0"
LIKE_CHROME = "AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0"


@pytest.mark.parametrize(
    ("said", "name"),
    [
        (f"Mozilla/5.0 (X11; Linux x86_64) {LIKE_CHROME} Safari/537.36", "Chrome 156, Linux"),
        (f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) {LIKE_CHROME} Safari/537.36 Edg/156.0.0.0", "Edge 156, Windows"),
        (f"Mozilla/5.0 (Linux; Android 16; K) {LIKE_CHROME} Mobile Safari/537.36", "Chrome 156, Android"),
        ("Mozilla/5.0 (X11; Linux x86_64; rv:153.0) Gecko/20100101 Firefox/153.0", "Firefox 153, Linux"),
        (f"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) {LIKE_SAFARI} Safari/605.1.15", "Safari 26, macOS"),
        (f"Mozilla/5.0 (iPhone; like Mac OS X) {LIKE_SAFARI} Mobile/15E148 Safari/604.1", "Safari 26, iPhone"),
        ("Firefox/1", "Firefox 1"),
        ("curl/8.5.0", "curl/8.5.0"),
        ("", ""),
    ],
)
def test_a_browser_is_called_by_its_name_and_its_system(said: str, name: str):
    assert named(said) == name


@pytest.mark.parametrize(
    ("said", "shown"), [("x" * 100, "x" * 64), ("a\x00\u202eb", "ab"), ("Firefox/9999999999", "Firefox 9999")]
)
def test_what_says_anything_else_is_cut_to_what_can_be_shown(said: str, shown: str):
    assert named(said) == shown
