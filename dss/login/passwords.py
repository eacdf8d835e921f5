"""What a password may be, and how it is checked without being kept.

    hash = Argon2id(base64(HMAC(login key, "dss/password/v1" || 0x00 || user || password)))

Who has the database alone cannot guess: the HMAC is made in the HSM. Source: RFC 9106 section 4, NIST SP 800-63B
section 3.1.1.
"""

import asyncio
import secrets
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

from argon2 import Parameters, PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from argon2.profiles import RFC_9106_LOW_MEMORY

from dss.hsm.stamps import Stamps
from dss.kernel import b64
from dss.kernel.errors import Invalid, TooMany
from dss.kernel.ids import UserId

Result = TypeVar("Result")

LABEL = "dss/password/v1"
SHORTEST, LONGEST = 8, 128  # characters, composed (NFC)
SHORT_LOGIN = 4  # one that is shorter stands in many a good password by chance
AT_ONCE, WAITING = 2, 20  # checks of one process: each takes 64 MiB and a processor
OF_ONE = 4  # of the places in the line: nobody fills it alone
RETRY_S = 2
PARAMETERS: Parameters = RFC_9106_LOW_MEMORY  # the second recommended option of RFC 9106

LOOKALIKES = str.maketrans("013457@$!|", "oleastasil")
USUAL_WORDS = """
    password passwort passphrase parola parole parol gfhjkm qwerty qwertz azerty qwertyuiop asdfgh asdfghjkl zxcvbn
    zxcvbnm qazwsx qazwsxedc qweasd qweasdzxc qwerasdf asdfqwer letmein welcome iloveyou abcdef abcdefgh admin
    administrator monkey dragon football baseball basketball superman batman spiderman pokemon starwars sunshine
    princess master shadow michael jennifer jordan charlie ashley secret trustno freedom whatever computer internet
    samsung google facebook changeme default login access summer winter spring autumn january february monday ukraine
    ukraina kyiv moldova chisinau romania russia moscow natasha andrey sergey marina lubov privet signature podpis
    qqww aabb test testtest guest root user demo temp hello helloworld sunday flower lovely ninja mustang killer
    hunter ranger buster soccer hockey tigger pepper ginger cheese cookie banana orange purple diamond
    qwer asdf zxcv abcd abc aaa
"""


def normalised(text: str) -> str:
    """Return what is usual about a word: its letters, in one case, with digits that stand for letters read as such.

    Digits and signs before and after a word are what people add to be let through.
    """
    letters = [place for place, character in enumerate(text) if character.isalpha()]
    core = text[letters[0] : letters[-1] + 1] if letters else ""
    return "".join(filter(str.isalpha, core.casefold().translate(LOOKALIKES)))


USUAL = frozenset(normalised(word) for word in USUAL_WORDS.split())


def require_acceptable(password: str, login: str) -> None:
    """Raise Invalid, saying what is missing, unless a password may be set."""
    text = unicodedata.normalize("NFC", password)
    if not SHORTEST <= len(text) <= LONGEST:
        raise Invalid(f"a password has {SHORTEST} to {LONGEST} characters")
    if any(unicodedata.category(character) in {"Cc", "Cs"} for character in text):
        raise Invalid("a password has no control characters")
    latin = [character for character in text if character.isascii()]
    kinds = (str.isdigit, str.isupper, str.islower)
    if not all(any(map(kind, latin)) for kind in kinds):
        raise Invalid("a password has digits, and upper-case and lower-case Latin letters")
    if len(login) >= SHORT_LOGIN and login.casefold() in text.casefold():
        raise Invalid("the password must not hold the login")
    if normalised(text) in USUAL:
        raise Invalid("the password is one of those that are tried first")


class Passwords:
    """Makes and checks hashes, two at a time and each in a thread: more would starve what else the process does."""

    def __init__(self, stamps: Stamps) -> None:
        self._stamps = stamps
        self._threads = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="password")
        self._inside: Counter[str] = Counter()  # places, by who has them

    @contextmanager
    def place(self, site: str) -> Iterator[None]:
        """Keep a place in the line for as long as the context lasts; site: what a caller's addresses have in common.

        Raises TooMany when the line is long, or the caller has four places in it.
        """
        if self._inside.total() >= AT_ONCE + WAITING or self._inside[site] >= OF_ONE:
            raise TooMany("too many people sign in at this moment", retry_after=RETRY_S)
        self._inside[site] += 1
        try:
            yield
        finally:
            self._inside[site] -= 1
            self._inside += Counter()  # without those who have none

    async def peppered(self, user_id: UserId | None, password: str) -> str:
        """Return what is hashed of a password of a signer, None for nobody. Raises HsmUnavailable."""
        return b64.encode(await self._stamps.mac(LABEL, user_id or "", _readable(password)))

    async def hash(self, peppered: str) -> str:
        """Return the hash of what `peppered` made, as Argon2 encodes it."""
        return await self._in_thread(lambda: _hasher().hash(peppered))

    async def is_right(self, peppered: str, hash: str | None) -> bool:
        """Tell whether a hash is of this; None or an empty one is of nothing, which takes as long to find out."""
        return await self._in_thread(lambda: _matches(hash or _of_nothing(), peppered))

    @staticmethod
    def is_old(hash: str) -> bool:
        """Tell whether a hash was made with other parameters than now."""
        return _hasher().check_needs_rehash(hash)

    async def _in_thread(self, work: Callable[[], Result]) -> Result:
        return await asyncio.get_running_loop().run_in_executor(self._threads, work)


def _readable(password: str) -> str:
    """Return a password composed; one that nobody can have set is as good as none."""
    text = unicodedata.normalize("NFC", password)
    unreadable = len(text) > LONGEST or any(unicodedata.category(character) == "Cs" for character in text)
    return "" if unreadable else text


def _hasher() -> PasswordHasher:
    return PasswordHasher.from_parameters(PARAMETERS)


def _of_nothing() -> str:
    """Return a hash that nothing fits: its result was drawn, not computed."""
    p = PARAMETERS
    salt, drawn = (b64.encode(secrets.token_bytes(n)).rstrip("=") for n in (p.salt_len, p.hash_len))
    return f"$argon2id$v={p.version}$m={p.memory_cost},t={p.time_cost},p={p.parallelism}${salt}${drawn}"


def _matches(hash: str, peppered: str) -> bool:
    try:
        return _hasher().verify(hash, peppered)
    except (VerificationError, InvalidHashError):
        return False
