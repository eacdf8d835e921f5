"""The relying application of README.md does what is said there."""

import json
import re
import sys
from pathlib import Path

import pytest

from tests.outside.scene import BACK, Scene, judged, program
from tests.world.pdfs import simple_pdf

pytestmark = pytest.mark.asyncio(loop_scope="package")
README = Path(__file__).parents[2] / "README.md"
SERVER = "http://127.0.0.1:8080"


async def test_the_example_on_another_library_collects_a_signed_contract(scene: Scene, tmp_path: Path):
    (example,) = re.findall(r"^```python\n(.*?)^```", README.read_text(), re.DOTALL | re.MULTILINE)
    assert (SERVER in example, BACK in example) == (True, True)
    application = await scene.application_with_secret()
    (tmp_path / "var").mkdir()
    (tmp_path / "var" / "contracts.json").write_text(json.dumps({"id": application.id, "secret": application.secret}))
    (tmp_path / "contract.pdf").write_bytes(simple_pdf())

    async with program(sys.executable, "-c", example.replace(SERVER, scene.world.url), folder=tmp_path) as client:
        told = await client.hear_line()
        await client.tell_line(await scene.ask_phone(told.removeprefix("Open in a browser: ")))
        await client.ended()

    assert "Signature Validation: Signature is Valid." in judged((tmp_path / "signed.pdf").read_bytes(), tmp_path)
