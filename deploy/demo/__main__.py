"""`python -m deploy.demo [--pdf PATH]`: the whole flow in one command, in about a minute."""

import argparse
import os
import shlex
import sys
from contextlib import ExitStack
from pathlib import Path

import httpx

from deploy.demo.batch import COUNT, Batch
from deploy.demo.browser_way import BrowserWay
from deploy.demo.contract import write_contract
from deploy.demo.life import Life
from deploy.demo.programs import Installation, ProgramFailed, end_with_the_terminal, free_port
from deploy.demo.proof import Proof
from deploy.demo.relying_application import Refused
from deploy.demo.screen import Screen
from deploy.demo.sequel import Sequel
from deploy.demo.story import SIGNER, Signed, Story

EPILOGUE = """
[bold]Where everything lies[/bold]
   {signed}
      the signed PDF
   {evidence}
      what proves it to a stranger; beside it the same for people, as a PDF, and the log's key, log.key
   {folder}/
      this run: documents, receipts, QRs, the phones' stores, pdfsig's database, the server's log
   {home}/
      the server: settings and PINs, tokens, database, documents, letters in spool/, root.pem

[bold]Next[/bold]
   .venv/bin/dss {verify}
   make demo PDF=path/to/your.pdf
   make serve
   .venv/bin/dss audit show --limit 20
   .venv/bin/mobile-mock status --store {phone}
   .venv/bin/dss credential list {login}
   pdfsig -nssdir sql:{folder}/nss {signed}"""


def main() -> None:
    """Run the demo; exit with 1, and what went wrong, if a step fails."""
    parser = argparse.ArgumentParser(prog="make demo", description="Sign a PDF end to end.")
    parser.add_argument("--pdf", type=Path, help="your own PDF; a contract of one page by default")
    pdf = parser.parse_args().pdf
    if pdf is not None and not pdf.is_file():
        parser.error(f"there is no file {pdf}")
    end_with_the_terminal()
    home = Path(os.environ.get("DSS_HOME", "var"))
    try:
        tell(Story(Installation(home, free_port()), Screen()), pdf)
    except (ProgramFailed, Refused, httpx.HTTPError) as fault:
        sys.exit(f"\nThe demo failed: {fault}")
    except KeyboardInterrupt:
        sys.exit(130)


def tell(story: Story, pdf: Path | None) -> None:
    """Tell all steps, and what to try next."""
    screen, here = story.screen, story.installation
    with screen.step("Set up the server: tokens, keys, database, certificate authority"):
        story.set_up()
        document = pdf or write_contract(story.folder / "contract.pdf", SIGNER)
    with ExitStack() as server:
        with screen.step("Start the server"):
            server.enter_context(here.server(story.folder / "server.log"))
            screen.fact(f"healthy at {here.url}")
        with screen.step("Register a relying application and a signer; two letters go out"):
            application, invitation = story.register()
        with screen.step("Enrol the phone, and make the signer's key and certificate"):
            story.enrol(invitation)
            credential_id = story.make_credential(application)
        with screen.step("Sign: the application asks, the phone shows and confirms"):
            signed = story.sign(application, credential_id, document)
            proof = Proof(story, application, signed)
            proof.keep_checkpoint()
        with screen.step("Judge: outside referees, and the same document declined"):
            story.judge(signed.file)
            story.decline(application, credential_id, document)
        tell_of_verification(Life(story, application, credential_id), document)
        leaf = tell_of_batch(Batch(story, application, credential_id))
        tell_of_codes(Life(story, application, credential_id), document)
        tell_of_browsers(BrowserWay(story, application), document)
        tell_of_phones_and_keys(Sequel(story, application), credential_id, document)
        with screen.step("Collect what proves it, and switch the server off"):
            proof.collect(leaf)
            server.close()
    with screen.step("Prove: a stranger checks the evidence, and the log"):
        proof.verify(leaf)
    screen.times()
    tell_what_next(story, proof)


def tell_of_verification(life: Life, document: Path) -> None:
    """Tell how the signer makes sure that a request is theirs."""
    with life.screen.step("Scan the requester's page, and choose its number on the phone"):
        life.choose_number(document)


def tell_of_batch(batch: Batch) -> Signed:
    """Tell how many documents are signed by one confirmation, and return one of them."""
    with batch.screen.step(f"Sign {COUNT} documents by one confirmation, and decline two of them"):
        id = batch.ask()
        batch.confirm(id)
        return batch.collect(id)


def tell_of_codes(life: Life, document: Path) -> None:
    """Tell how a phone without a connection answers."""
    with life.screen.step("Sign without a connection: a QR to the phone, a code from it"):
        life.set_up_codes()
        life.sign_by_code(document)
        life.decline_by_code(document)


def tell_of_browsers(way: BrowserWay, document: Path) -> None:
    """Tell how an application gets a signature of somebody whom its page sends to the server."""
    with way.screen.step("By browser: sign in, consent, confirm on the phone"):
        way.set_password()
        way.judge(way.sign(document))


def tell_of_phones_and_keys(sequel: Sequel, credential_id: str, document: Path) -> None:
    """Tell how the signer gets a second phone, and what becomes of a key."""
    with sequel.screen.step("A second phone waits, gets its share, and signs"):
        sequel.enrol_second_phone()
        sequel.share()
        sequel.sign(credential_id, document)
    with sequel.screen.step("Revoke a key on the phone: it signs nothing any more"):
        other = sequel.make_another_key()
        sequel.revoke(other)
        sequel.show_it_is_dead(other, document)


def tell_what_next(story: Story, proof: Proof) -> None:
    """Tell where everything lies, and what to try next."""
    home, login, folder = story.installation.home, story.login, story.folder
    made = {"signed": proof.signed.file, "evidence": proof.evidence, "folder": folder, "phone": story.phone.store}
    story.screen.note(EPILOGUE.format(**made, verify=shlex.join(proof.command), home=home, login=login))


if __name__ == "__main__":
    main()
