"""The demo's steps for real life: whose request it is, and a phone without a connection."""

import re
import time
from pathlib import Path
from typing import Any

import httpx

from deploy.demo.programs import ProgramFailed
from deploy.demo.relying_application import RelyingApplication
from deploy.demo.story import TEXT, Story

REFRESH_S = 1
CODE = re.compile(r"To (confirm|decline) +([0-9]{8})")


class Life:
    """What a signer meets who is sent requests of others, sits before a screen, or has no connection."""

    def __init__(self, story: Story, application: RelyingApplication, credential_id: str) -> None:
        self._story = story
        self.screen = story.screen
        self._phone = story.phone
        self._application = application
        self._credential_id = credential_id

    def choose_number(self, pdf: Path) -> None:
        """Let the phone scan the requester's page, and choose the number that stands there. Raises ProgramFailed."""
        opened = self._open(pdf, verification="choose")
        number, page = opened["verification"]["number"], opened["page"]
        _require(number in httpx.get(page).raise_for_status().text, f"the page {page} does not show {number}")
        self.screen.fact(f"the requester's page shows the number {number}, and a QR that changes each second;")
        self.screen.fact(f"  so does the server's own page, for an application that has none: {page}")
        waiting = self._story.background.submit(self._application.wait_for_signature, opened["id"])
        self._scan(opened["id"])
        self.screen.phone(self._phone.title, self._phone.run("confirm", opened["id"], "--number", number))
        signature = self._must_be("signed", waiting.result())
        answered = signature["answered"]
        self.screen.fact(f"signed; the application is told how: by {answered['by']}, and the mode {answered['mode']}")

    def set_up_codes(self) -> None:
        """Let an operator allow answers by codes, and the phone set them up. Raises ProgramFailed."""
        self._story.installation.dss("credential", "policy", self._credential_id, "--offline")
        self.screen.fact("an operator allows the signer's key to be used by codes that are typed")
        change = self._phone.run("change", "offline", "--credential", self._credential_id)
        self.screen.phone(self._phone.title, change)

    def sign_by_code(self, pdf: Path) -> None:
        """Sign by a code that the phone makes from a QR, without calling anybody. Raises ProgramFailed."""
        opened = self._open(pdf)
        shown = self._phone.run("offline", str(self._picture(opened["id"])))
        self.screen.phone(f"{self._phone.title}, without a connection", shown)
        code = dict(CODE.findall(shown))["confirm"]
        self._application.answer_by_code(opened["id"], code)
        signature = self._must_be("signed", self._application.wait_for_signature(opened["id"]))
        self.screen.fact(f"{code} was typed where the application asks: signed by {signature['answered']['by']}")

    def decline_by_code(self, pdf: Path) -> None:
        """Decline by the other code. Raises ProgramFailed."""
        opened = self._open(pdf)
        code = self._phone.run_json("offline", str(self._picture(opened["id"])), "--decline")["codes"]["decline"]
        self._application.answer_by_code(opened["id"], code)
        self._must_be("declined", self._application.wait_for_signature(opened["id"]))
        self.screen.fact(f"{code}, the code to decline the next request, declined it")

    def _open(self, pdf: Path, verification: str = "none") -> dict[str, Any]:
        document = self._application.upload(pdf)
        return self._application.open_signature(self._credential_id, TEXT, document["id"], verification=verification)

    def _scan(self, id: str) -> None:
        """Let the phone read the page's QR while the page draws it anew, until the phone has opened the request."""
        picture = self._story.folder / "device-link.png"
        drawing = self._story.background.submit(self._draw, id, picture)
        self._phone.run("scan", "--watch", str(picture))
        self.screen.fact(f"the phone scanned the page: it took QR number {drawing.result()}, which was still fresh")

    def _draw(self, id: str, picture: Path) -> int:
        """Draw the QR of each second as a page does, until a phone has opened the request; return how many."""
        drawn = 0
        while (answer := self._application.device_link_picture(id)).is_success:
            picture.write_bytes(answer.content)
            drawn += 1
            time.sleep(REFRESH_S)
        return drawn

    def _picture(self, id: str) -> Path:
        picture = self._story.folder / f"{id}.png"
        picture.write_bytes(self._application.offline_picture(id))
        return picture

    @staticmethod
    def _must_be(state: str, signature: dict[str, Any]) -> dict[str, Any]:
        _require(signature["state"] == state, f"the signature is {signature['state']}: {signature.get('reason')}")
        return signature


def _require(condition: bool, otherwise: str) -> None:
    if not condition:
        raise ProgramFailed(otherwise)
