"""docs/evidence.md section 5: `dss evidence verify` opens no database and no connection, and ends with 0 or 1."""

import base64
import json
import os
import subprocess
import sys
import unicodedata
from pathlib import Path

import pytest
from click.testing import Result
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from typer.testing import CliRunner

from dss.cli.main import app
from dss.evidence.record import LARGEST
from dss.infra.jose import thumbprint
from dss.kernel.text import HIDDEN
from dss.notify.model import LOCALES
from tests.world import jws
from tests.world.evidence_kinds import good_drafts
from tests.world.evidence_maker import PDF, Maker

# Ends the process, so that nothing can catch it.
WATCHED = """
import os, sys
HOME = os.environ["DSS_HOME"]
FORBIDDEN = {"socket.connect", "socket.bind", "socket.getaddrinfo", "sqlite3.connect", "subprocess.Popen", "os.system"}

def watch(event, values):
    named = [os.fsdecode(one) for one in values if isinstance(one, str | bytes | os.PathLike)]
    if event in FORBIDDEN or event in {"open", "os.listdir", "os.scandir"} and any(HOME in name for name in named):
        os.write(2, f"forbidden: {event} {values}".encode())
        os._exit(99)

sys.addaudithook(watch)
"""
RUN = "from dss.cli.main import app; app()"
# The verifier as somebody else's program would take it: nothing else of this project is imported before or besides.
ALONE = """
import sys
from pathlib import Path
from dss.evidence.verifying import Trust, VerifierKey, verify

record, root, key = (Path(name).read_bytes() for name in sys.argv[1:])
sys.stdout.write(verify(record, Trust(root, VerifierKey.read(key.decode()))).transaction)
"""
DECEPTIVE = "Ke\u202ey\u200b\x1b[2J\x9b1m\x00\r\n- The\u2028end\ufeff"
ESCAPED = "Ke\\u202Ey\\u200B\\u001B[2J\\u009B1m\\u0000\\u000D ¶ - The\\u2028end\\uFEFF"
FORBIDDEN_ACTS = {
    "connects": "import socket; socket.create_connection(('127.0.0.1', 9))",
    "resolves": "import socket; socket.getaddrinfo('localhost', 9)",
    "opens a database": "import sqlite3; sqlite3.connect(':memory:')",
    "reads the home": "open(os.path.join(HOME, 'dss.env'))",
}


class Bench:
    """Files of one record, and the command over them."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.maker = folder, Maker()
        record = self.maker.finish(self.maker.with_consistency(self.maker.sign("pdf", "hash")))
        root = x509.load_der_x509_certificate(self.maker.chain.certificates[-1])
        self.put("record", record.encoded())
        self.put("root.pem", root.public_bytes(Encoding.PEM))
        self.put("log.key", f"{self.maker.log.key.text}\n".encode())
        self.put("kept", self.maker.log.checkpoint(2).encode())
        self.put("contract.pdf", PDF)

    def put(self, name: str, content: bytes) -> str:
        (self.folder / name).write_bytes(content)
        return str(self.folder / name)

    def arguments(self, **changed: str | None) -> list[str]:
        """The command line; an option that is None is left out."""
        files = {"record": "record", "root": "root.pem", "log_key": "log.key", "checkpoint": "kept"}
        given = {name: str(self.folder / file) for name, file in files.items()} | changed
        options = [
            (f"--{name.replace('_', '-')}", value) for name, value in given.items() if name != "record" and value
        ]
        return ["evidence", "verify", str(given["record"]), *(word for option in options for word in option)]

    def run(self, *more: str, **changed: str | None) -> Result:
        return CliRunner().invoke(app, [*self.arguments(**changed), *more], catch_exceptions=False)

    def refused(self, why: str, **changed: str | None) -> None:
        done = self.run(**changed)
        assert (done.exit_code, done.stdout) == (1, ""), done.output
        assert why in done.stderr


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def watched(program: str, folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a program that may not connect, open a database or look into DSS_HOME."""
    home = folder / "home"
    home.mkdir()
    (home / "dss.env").write_text("DSS_DATABASE_URL=nonsense\n")
    environment = os.environ | {"DSS_HOME": str(home), "DSS_DATABASE_URL": "nonsense"}
    command = [sys.executable, "-c", WATCHED + program, *arguments]
    return subprocess.run(command, env=environment, cwd=folder, capture_output=True, text=True, timeout=90, check=False)


def test_verifying_opens_no_connection_no_database_and_no_home(bench, tmp_path):
    done = watched(RUN, tmp_path, *bench.arguments())

    assert (done.returncode, done.stderr) == (0, "")
    assert "Олена Коваль" in done.stdout


@pytest.mark.parametrize("act", FORBIDDEN_ACTS.values(), ids=FORBIDDEN_ACTS.keys())
def test_the_watch_sees_what_is_forbidden(tmp_path, act):
    assert watched(act, tmp_path).returncode == 99


@pytest.mark.parametrize("kind", ["sign pdf", "sign hash", "create", "share", "sign declined"])
def test_the_verifier_works_though_nothing_else_was_imported(tmp_path, kind):
    """How attributes of CMS are read depends on what the library for ASN.1 was told, by whomever."""
    maker = Maker()
    draft = good_drafts(maker)[kind]()
    files = {"record": maker.finish(draft).encoded(), "root": maker.chain.certificates[-1]}
    files["key"] = maker.log.key.text.encode()
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)

    command = [sys.executable, "-c", ALONE, *files]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=90, check=False)

    assert (done.returncode, done.stderr, done.stdout) == (0, "", draft.request["transaction"])


def printed(bench: Bench, text: str, language: str) -> str:
    """What is printed of a record in which strangers' texts are all this one."""
    draft = bench.maker.sign("pdf")
    asked = draft.request
    asked["text"] = asked["signer"]["name"] = asked["signer"]["login"] = text
    asked["relying_application"]["name"] = asked["documents"][0]["name"] = text
    record = bench.put("by strangers", bench.maker.finish(draft).encoded())
    done = bench.run("--language", language, record=record, checkpoint=None)
    assert done.exit_code == 0, done.output
    return done.stdout


@pytest.mark.parametrize("language", LOCALES)
def test_texts_of_strangers_are_printed_so_that_nothing_is_hidden_in_them(bench, language):
    """T04: step 10 lets any characters pass; a terminal gets none of them."""
    told, plain = printed(bench, DECEPTIVE, language), printed(bench, "Key", language)

    assert told.count(ESCAPED) == 5
    assert told.count("\n") == plain.count("\n")
    assert not any(unicodedata.category(one) in HIDDEN for one in told.replace("\n", ""))


def test_what_is_refused_is_named_so_that_nothing_is_hidden_in_it(bench):
    draft = bench.maker.sign("pdf")
    draft.request[DECEPTIVE] = DECEPTIVE

    done = bench.run(record=bench.put("deceptive", bench.maker.finish(draft).encoded()), checkpoint=None)

    assert (done.exit_code, done.stdout) == (1, "")
    assert "has a member that it may not have" in done.stderr
    assert not any(unicodedata.category(one) in HIDDEN for line in done.stderr.split("\n") for one in line)


@pytest.mark.parametrize(
    ("language", "words"),
    [("en", "What is proven"), ("ru", "Что доказано"), ("uk", "Що доведено"), ("ro", "Ce este dovedit")],
)
def test_what_is_proven_and_what_is_not_is_said_in_four_languages(bench, language, words):
    done = bench.run("--language", language)

    assert done.exit_code == 0
    assert words in done.stdout
    assert "Pixel 9" in done.stdout


def test_the_key_may_be_given_as_text(bench):
    assert bench.run(log_key=bench.maker.log.key.text).exit_code == 0


def test_a_file_that_is_there_is_not_taken_for_a_key(bench):
    key = (bench.folder / "log.key").read_bytes()

    assert bench.run(log_key=bench.put("the+log's+key", key)).exit_code == 0


def test_what_is_longer_than_a_name_of_a_file_may_be_is_taken_for_a_key(bench):
    bench.refused("the log's key cannot be used", log_key="x" * 5000 + "+00000000+AAAA")


def test_as_json_everything_proven_can_be_read_by_a_machine(bench):
    done = bench.run("--json", document=str(bench.folder / "contract.pdf"))

    told = json.loads(done.stdout)
    assert done.stdout.isascii()
    assert told["signer"]["name"] == "Олена Коваль"
    assert (told["kind"], told["decision"], told["verification"]) == ("sign", "confirm", "pin")
    assert told["answered_at"] == "2026-03-02T09:01:00+00:00"
    assert told["logged"]["kept"] == 2
    assert told["given"] == {"number": 1, "is_signed": False}
    assert told["said"]["title"] == "Evidence of a confirmation"


def test_a_given_file_is_told(bench):
    done = bench.run(document=str(bench.folder / "contract.pdf"))

    assert done.stdout.endswith(
        "The given file is document 1 as it was shown: its size and its SHA-256 are the same.\n"
    )


@pytest.mark.parametrize("more", [(), ("--json",)])
def test_the_original_is_known_by_its_hash_and_does_not_show_what_the_signature_is_over(bench, more):
    named, over = "That a given file is one of the documents", "That a signature is over the document that is named"
    told, compared = bench.run(*more).stdout, bench.run(*more, document=str(bench.folder / "contract.pdf")).stdout

    assert (named in told, over in told) == (True, True)
    assert (named in compared, over in compared) == (False, True)


def test_the_thumbprint_of_the_channel_key_is_told_to_who_knows_it(bench):
    """RFC 7638."""
    known = thumbprint(jws.public_jwk(bench.maker.channel))

    assert f": {known}\n" in bench.run().stdout
    assert json.loads(bench.run("--json").stdout)["channel_key"] == known


def test_of_a_given_file_that_is_none_of_the_documents_the_evidence_is_not_to_blame(bench):
    bench.refused(
        "The evidence is good; the given file is not its document: the file is none of the documents of the request",
        document=bench.put("other.pdf", b"other"),
    )


def test_a_step_that_fails_is_named(bench):
    spoilt = (bench.folder / "record").read_bytes().replace(b'"leaf":3', b'"leaf":2')

    bench.refused("The evidence is not good: the inclusion proof: the path", record=bench.put("spoilt", spoilt))


@pytest.mark.parametrize("name", ["record", "root", "log_key", "checkpoint", "document"])
def test_a_file_that_is_not_there_is_named(bench, name):
    bench.refused("nowhere cannot be read: No such file or directory", **{name: str(bench.folder / "nowhere")})
    bench.refused("cannot be read: Is a directory", **{name: str(bench.folder)})


@pytest.mark.parametrize("content", [b"", b"text", b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"])
def test_a_root_that_is_no_certificate_is_told(bench, content):
    bench.refused("does not hold one certificate in PEM", root=bench.put("bad.pem", content))


def test_a_root_of_a_version_that_is_none_is_told(bench):
    der = bench.maker.chain.certificates[-1].replace(b"\xa0\x03\x02\x01\x02", b"\xa0\x03\x02\x01\x09", 1)
    pem = b"-----BEGIN CERTIFICATE-----\n" + base64.encodebytes(der) + b"-----END CERTIFICATE-----\n"

    bench.refused("does not hold one certificate in PEM that can be read", root=bench.put("version10.pem", pem))


def test_of_two_roots_none_is_taken(bench):
    root = (bench.folder / "root.pem").read_bytes()

    bench.refused("does not hold one certificate in PEM", root=bench.put("two.pem", root + root))


@pytest.mark.parametrize("key", ["sign.example/log+00000000+AAAA", "a+b", "+"])
def test_a_bad_key_is_told(bench, key):
    bench.refused("the log's key cannot be used", log_key=key)
    bench.refused("the log's key cannot be used", log_key=bench.put("bad.key", key.encode()))


def test_a_checkpoint_that_is_no_text_is_told(bench):
    bench.refused("is not text in UTF-8", checkpoint=bench.put("bad", b"\xff"))


def test_a_language_that_is_not_spoken_is_told(bench):
    bench.refused("the language is one of en, ru, uk, ro", language="de")


def test_files_that_are_too_large_are_not_read(bench):
    bench.refused(f"has more than {LARGEST} bytes", record=bench.put("large", bytes(LARGEST + 1)))
    bench.refused("has more than 65536 bytes", root=bench.put("large.pem", bytes(65537)))
    bench.refused("has more than 65536 bytes", checkpoint=bench.put("large.note", bytes(65537)))
