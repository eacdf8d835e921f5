"""Pictures of QR codes: drawn beside the event loop, which serves everybody."""

import threading
from typing import Any

import pytest
import segno

from dss.web.http.pictures import qr_png


async def test_t56_a_picture_is_drawn_in_a_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    make, threads = segno.make_qr, []

    def make_and_tell(*arguments: Any, **more: Any) -> Any:
        threads.append(threading.current_thread())
        return make(*arguments, **more)

    monkeypatch.setattr(segno, "make_qr", make_and_tell)
    assert (await qr_png("dss://text", 4)).startswith(b"\x89PNG")
    assert len(threads) == 1
    assert threads[0] is not threading.main_thread()
