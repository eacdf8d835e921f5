"""docs/device-protocol.md section 2: the two letters, and what may stand in them."""

import io
from email.message import EmailMessage
from urllib.parse import quote

import fpdf
import pytest
import segno
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from mobile_mock.errors import BadInput
from mobile_mock.invitation import ALPHABET, Invitation, normal_code, read_invitation
from mobile_mock.letters import code_text, qr_text

E, K = "01J" + "E" * 23, "A" * 43
TEXT = f"dss-enrol:v1?u=https%3A%2F%2Fsign.example&e={E}&k={K}"
CODE = "7K3M-9Q2X-8WHT-4VNB"


def png(text: str = TEXT) -> bytes:
    out = io.BytesIO()
    segno.make(text, error="m").save(out, kind="png", scale=6)
    return out.getvalue()


def jpeg() -> bytes:
    out = io.BytesIO()
    Image.open(io.BytesIO(png())).convert("RGB").rotate(4, expand=True, fillcolor="white").save(out, "JPEG", quality=60)
    return out.getvalue()


def pdf(*texts: str) -> bytes:
    document = fpdf.FPDF()
    for text in texts:
        document.add_page()
        document.image(io.BytesIO(png(text)), x=60, y=80, w=45)
    return bytes(document.output())


def letter(text: str, *attachments: tuple[str, bytes]) -> bytes:
    message = EmailMessage()
    message["Subject"] = "Your phone"
    message.set_content(text)
    for kind, content in attachments:
        maintype, _, subtype = kind.partition("/")
        message.add_attachment(content, maintype=maintype, subtype=subtype, filename="letter")
    return bytes(message)


@pytest.mark.parametrize(
    "content",
    [png(), jpeg(), pdf(TEXT), letter("See the QR.", ("image/png", png()), ("application/pdf", pdf(TEXT)))],
    ids=["png", "jpeg", "pdf", "letter"],
)
def test_the_qr_is_read_from_a_picture_a_pdf_or_the_letter(tmp_path, content):
    (tmp_path / "file").write_bytes(content)

    assert qr_text(tmp_path / "file") == TEXT


@pytest.mark.parametrize(
    "content",
    [
        *(b"", b"words", b"\x89PNG\r\n\x1a\nbroken", b"%PDF-1.7 broken", png("https://sign.example"), png()[:300]),
        *(pdf(TEXT, TEXT.replace("sign.example", "evil.example")), letter("No QR here.")),
    ],
)
def test_a_file_without_exactly_one_enrolment_qr_is_refused(tmp_path, content):
    (tmp_path / "file").write_bytes(content)

    with pytest.raises(BadInput):
        qr_text(tmp_path / "file")


def test_a_file_that_cannot_be_read_is_refused(tmp_path):
    with pytest.raises(BadInput):
        qr_text(tmp_path / "absent")


@pytest.mark.parametrize("content", [letter(f"Your code:\n\n    {CODE}\n"), f"code {CODE}.".encode()])
def test_the_code_is_read_from_the_other_letter(tmp_path, content):
    (tmp_path / "file").write_bytes(content)

    assert code_text(tmp_path / "file") == CODE


@pytest.mark.parametrize("text", ["This code will come soon.", f"{CODE} or 7K3M-9Q2X-8WHT-4VNC", f"{CODE}-7K3M"])
def test_a_letter_without_exactly_one_code_is_refused(tmp_path, text):
    (tmp_path / "file").write_bytes(letter(text))

    with pytest.raises(BadInput):
        code_text(tmp_path / "file")


@settings(deadline=None)
@given(st.text(ALPHABET, min_size=16, max_size=16), st.data())
def test_a_code_is_forgiven_its_case_its_look_alikes_and_its_separators(code, data):
    forms = {"0": "0Oo", "1": "1IiLl"}
    typed = "".join(
        data.draw(st.sampled_from(forms.get(c, c + c.lower()))) + data.draw(st.sampled_from(["", " ", "-"]))
        for c in code
    )

    assert normal_code(typed) == code


@pytest.mark.parametrize("typed", ["", CODE[:-1], CODE + "0", CODE.replace("7", "U"), CODE.replace("7", "*")])
def test_what_cannot_be_a_code_is_refused_and_not_repeated(typed):
    with pytest.raises(BadInput) as refusal:
        normal_code(typed)
    assert not typed or typed not in str(refusal.value)


HOSTS = st.from_regex(r"[a-z]{1,10}\.example(:[1-9][0-9]{1,3})?(/[a-z]{1,5})?", fullmatch=True)


@settings(deadline=None)
@given(HOSTS, st.text(ALPHABET, min_size=26, max_size=26), st.binary(min_size=32, max_size=32))
def test_the_text_of_a_qr_is_read_back_as_it_was_written(host, enrolment, key):
    invitation = Invitation(f"https://{host}", enrolment, key)

    assert read_invitation(invitation.text()) == invitation


@settings(deadline=None)
@given(
    st.text(max_size=60)
    | st.tuples(st.integers(0, len(TEXT) - 1), st.characters()).map(
        lambda change: TEXT[: change[0]] + change[1] + TEXT[change[0] + 1 :]
    )
)
def test_whatever_is_read_as_a_qr_would_be_written_so_again(text):
    try:
        invitation = read_invitation(text)
    except BadInput:
        return
    assert invitation.text() == text


def with_server(server: str) -> str:
    return f"dss-enrol:v1?u={quote(server, safe='')}&e={E}&k={K}"


@pytest.mark.parametrize(
    "text",
    [
        *("", "https://sign.example", TEXT.replace("v1", "v2"), TEXT + "&x=1", TEXT[:-1], TEXT[:-1] + "B"),
        *(TEXT.replace("%3A", "%3a"), TEXT.replace("%3A%2F%2F", "://"), TEXT.replace("sign", "%ff")),
        f"dss-enrol:v1?e={E}&u=https%3A%2F%2Fsign.example&k={K}",
        *(with_server("https://sign.example/"), with_server("ftp://sign.example"), with_server("https://")),
        *(with_server("https://u:p@sign.example"), with_server("https://sign.example?a=1"), with_server("https://[")),
        *(
            with_server("https://sign.example:99999"),
            with_server("https://s ign.example"),
            with_server("https://\u0441.example"),
        ),
    ],
)
def test_a_qr_that_is_not_written_exactly_so_is_refused(text):
    with pytest.raises(BadInput):
        read_invitation(text)


def test_a_server_without_tls_is_taken_only_on_this_machine():
    assert read_invitation(with_server("http://127.0.0.1:8080")).server == "http://127.0.0.1:8080"
    with pytest.raises(BadInput):
        read_invitation(with_server("http://sign.example"))
