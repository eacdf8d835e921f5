"""POST /v1/signatures: what may not be asked of a signer."""

import base64
from typing import Any

import pytest

from tests.protocol.scene import ABSENT, HASH, Refusal, Scene, scene
from tests.world.pdfs import simple_pdf

__all__ = ["scene"]

pytestmark = pytest.mark.asyncio(loop_scope="module")

PROTECTED = ("id", "state", "owner", "client_id", "user_id", "expires_at", "policy", "signature", "reason")


def of_length(length: int) -> str:
    return base64.b64encode(bytes(length)).decode()


async def test_a_credential_that_does_not_exist_cannot_sign(scene: Scene):
    await scene.refuses_wish(Refusal(404, "not_found", "credential"), credential_id=ABSENT)


async def test_an_identifier_of_another_form_is_no_credential(scene: Scene):
    await scene.refuses_wish(Refusal(422, "invalid", "$.credential_id"), credential_id="alice")


async def test_a_document_that_does_not_exist_cannot_be_signed(scene: Scene):
    await scene.refuses_wish(Refusal(404, "not_found", "document"), hashes=None, documents=[{"id": ABSENT}])


@pytest.mark.parametrize(("length", "name"), [(31, "sha256"), (33, "sha256"), (0, "sha256"), (32, "sha384")])
async def test_a_hash_of_the_wrong_length_is_refused_and_the_right_length_told(scene: Scene, length: int, name: str):
    right = {"sha256": 32, "sha384": 48}[name]
    says = f"a {name} digest has {right} bytes, not {length}"
    await scene.refuses_wish(Refusal(422, "bad_digest", says), hashes=[of_length(length)], hash_algorithm=name)


async def test_one_wrong_hash_among_right_ones_refuses_them_all(scene: Scene):
    says = "hashes[1]: a sha256 digest has 32 bytes, not 31"
    await scene.refuses_wish(Refusal(422, "bad_digest", says), hashes=[HASH, of_length(31), HASH])


async def test_an_unknown_hash_algorithm_is_refused_and_the_known_ones_told(scene: Scene):
    await scene.refuses_wish(Refusal(422, "bad_digest", "sha256, sha384, sha512"), hash_algorithm="md5")


@pytest.mark.parametrize("text", [HASH.rstrip("="), HASH[:-2] + "R=", HASH + "\n", "é" * 44])
async def test_a_hash_has_one_text_only(scene: Scene, text: str):
    """RFC 4648 sections 3.3 and 3.5."""
    await scene.refuses_wish(Refusal(400, "bad_request", "hashes[2]: not base64"), hashes=[HASH, HASH, text])


async def test_t04_a_text_of_501_characters_is_refused_and_never_cut(scene: Scene):
    await scene.refuses_wish(Refusal(422, "invalid", "length <= 500 - at `$.text`"), text="x" * 501)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("pay 100\u202e000", "bidirectional format character, U+202E"),
        ("\u2066pay\u2069", "U+2066"),
        ("pay\u200b 100", "U+200B"),
        ("pay\u200d 100", "U+200D"),
        ("\ufeffpay", "U+FEFF"),
        ("pay\r\nnothing", "U+000D"),
        ("pay\u3164", "an invisible character, U+3164"),
    ],
)
async def test_t04_a_text_that_no_screen_shows_as_it_is_is_refused(scene: Scene, text: str, says: str):
    await scene.refuses_wish(Refusal(422, "deceptive_text", says), text=text)


async def test_t56_the_10_001st_hash_is_refused_and_the_limit_told(scene: Scene):
    await scene.refuses_wish(Refusal(422, "invalid", "10000"), hashes=[HASH] * 10_001)


async def test_t56_the_10_001st_document_is_refused_and_the_limit_told(scene: Scene):
    documents = [{"id": ABSENT}] * 10_001
    await scene.refuses_wish(Refusal(422, "invalid", "10000"), hashes=None, documents=documents)


@pytest.mark.parametrize("sha256", ["", "0" * 63, "0" * 64 + "\n", "A" * 64, HASH])
async def test_what_is_no_sha256_of_a_document_is_refused(scene: Scene, sha256: str):
    says = Refusal(422, "invalid", "$.documents[0].sha256")
    await scene.refuses_wish(says, hashes=None, documents=[{"id": ABSENT, "sha256": sha256}])


@pytest.mark.parametrize("count", [2, 101])
async def test_t03_another_document_than_the_one_that_is_meant_is_refused(scene: Scene, count: int):
    id = (await scene.shop.upload(simple_pdf()))["id"]
    wished = [{"id": id}, {"id": id, "sha256": "0" * 64}, *[{"id": id}] * (count - 2)]
    says = Refusal(409, "conflict", "documents[1]: the uploaded document has another SHA-256")
    await scene.refuses_wish(says, hashes=None, documents=wished)


async def test_t56_a_hundred_thousand_hashes_are_refused_by_their_size_alone(scene: Scene):
    await scene.refuses_wish(Refusal(413, "too_large", "2097152 bytes"), hashes=[HASH] * 100_000)


async def test_documents_and_hashes_cannot_be_asked_for_together(scene: Scene):
    await scene.refuses_wish(Refusal(422, "invalid", "documents or hashes, one of the two"), documents=[{"id": ABSENT}])


@pytest.mark.parametrize("changes", [{"hashes": None}, {"hashes": []}, {"hashes": None, "documents": []}])
async def test_nothing_to_sign_is_refused(scene: Scene, changes: dict[str, Any]):
    await scene.refuses_wish(Refusal(422, "invalid", "documents or hashes, one of the two"), **changes)


@pytest.mark.parametrize("seconds", [9, 3601, -1, 0, 10.5, "60", 2**53])
async def test_a_time_to_answer_that_is_too_short_too_long_or_no_integer_is_refused(scene: Scene, seconds: Any):
    await scene.refuses_wish(Refusal(422, "invalid", "$.expires_in"), expires_in=seconds)


async def test_a_time_to_answer_over_53_bits_is_refused(scene: Scene):
    await scene.refuses_wish(Refusal(422, "invalid", "$.expires_in: an integer has at most 53 bits"), expires_in=2**53)


@pytest.mark.parametrize("scheme", ["pkcs1v15", "pss-32"])
async def test_a_scheme_that_the_key_cannot_sign_with_is_refused(scene: Scene, scheme: str):
    await scene.refuses_wish(Refusal(422, "invalid", "a P-256 key cannot sign with"), scheme=scheme)


@pytest.mark.parametrize("scheme", ["rsa", "pss", "pss-", "pss-032", "ECDSA", "ecdsa-1", ""])
async def test_an_unknown_scheme_is_refused_and_the_known_ones_told(scene: Scene, scheme: str):
    await scene.refuses_wish(Refusal(422, "invalid", "pkcs1v15, ecdsa or pss-N"), scheme=scheme)


@pytest.mark.parametrize("member", [*PROTECTED, "colour"])
async def test_t31_a_member_that_is_not_the_caller_s_to_set_is_refused(scene: Scene, member: str):
    await scene.refuses_wish(Refusal(422, "invalid", f"unknown field `{member}`"), **{member: "signed"})


@pytest.mark.parametrize("member", ["name", "digest", "size", "client_id"])
async def test_t31_a_document_is_named_by_its_id_and_its_hash_alone(scene: Scene, member: str):
    documents = [{"id": ABSENT, member: "x"}]
    await scene.refuses_wish(Refusal(422, "invalid", f"unknown field `{member}`"), hashes=None, documents=documents)


@pytest.mark.parametrize("member", [*PROTECTED, "certificate", "subject", "not_after"])
async def test_t31_a_credential_is_asked_for_by_its_signer_and_its_kind_of_key_alone(scene: Scene, member: str):
    call = scene.shop.http.post("/v1/credentials", json={"user": "alice", member: "x"})
    await scene.refuses(call, Refusal(422, "invalid", f"unknown field `{member}`"))


async def test_a_credential_of_an_unknown_kind_of_key_is_refused_and_the_known_ones_told(scene: Scene):
    call = scene.shop.http.post("/v1/credentials", json={"user": "alice", "key_type": "RSA-1024"})
    known = "$.key_type: one of RSA-2048, RSA-3072, RSA-4096, P-256, P-384, P-521"
    await scene.refuses(call, Refusal(422, "invalid", known))


async def test_a_credential_for_nobody_is_refused(scene: Scene):
    call = scene.shop.http.post("/v1/credentials", json={"user": "nobody"})
    await scene.refuses(call, Refusal(404, "not_found"))
