"""T28: a grammar of what can be made of a signed decline; none of it is a confirmation (RFC 7515, RFC 8785)."""

import json
from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st

from dss.devices import answer as answers
from dss.devices.answer import BOTH, CONFIRM, MAY_CONFIRM, MAY_DECLINE, Answer, Decision
from dss.kernel import b64, canonical
from dss.kernel.errors import AnswerRefused
from tests.world.jws import new_key, public_jwk, sign, sign_claims

KEY = new_key()
JWK = public_jwk(KEY)
DEVICE = "01KAJ9T8VX3N5Q7R9S1T2V4W6Y"
ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551  # of P-256, FIPS 186-5
COMMON = {
    "aud": "http://dss.test",
    "txn": DEVICE,
    "binding": b64.url_encode(bytes(32)),
    "counter": 7,
    "iat": 1772442000,
}
SAID_NO = COMMON | {"decision": "decline", "reason": "no"}
SAID_YES = COMMON | {"decision": "confirm", "verification": "pin", "sealed_sha256": b64.url_encode(bytes(32))}
NO = sign_claims(answers.ANSWER, SAID_NO, KEY, kid=DEVICE)
YES_BEFORE = sign_claims(answers.ANSWER, SAID_YES | {"counter": 6}, KEY, kid=DEVICE)
CHARACTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.=+/ \n\x00é"


def read(text: str) -> Answer | None:
    """What the server takes a text for: an answer by the phone's key, or nothing."""
    try:
        answer = answers.read(text)
    except AnswerRefused:
        return None
    return answer if answer.device == DEVICE and answer.is_signed_by(JWK) else None


def test_t28_the_decline_and_the_confirmation_that_are_changed_here_are_right_ones() -> None:
    no, yes = read(NO), read(YES_BEFORE)
    assert no
    assert yes
    assert (no.decision, no.reason, yes.decision) == (Decision.DECLINE, "no", Decision.CONFIRM)


edits = st.lists(
    st.tuples(st.sampled_from(["put", "cut", "add", "swap"]), st.integers(0, len(NO)), st.sampled_from(CHARACTERS)),
    min_size=1,
    max_size=4,
)


def edited(text: str, how: list[tuple[str, int, str]]) -> str:
    """A text with characters replaced, cut out, added and exchanged."""
    for verb, place, character in how:
        rest = {"put": place + 1, "cut": place + 1, "add": place, "swap": place + 2}[verb]
        put = {"put": character, "cut": "", "add": character, "swap": text[place : place + 2][::-1]}[verb]
        text = text[:place] + put + text[rest:]
    return text


@given(edits)
@settings(max_examples=2000)
def test_t28_no_text_near_a_signed_decline_is_another_answer(how: list[tuple[str, int, str]]) -> None:
    changed = edited(NO, how)
    answer = read(changed)
    assert answer is None or changed == NO


@given(
    st.tuples(*(st.sampled_from([NO, YES_BEFORE]) for _ in range(3))),
    st.sampled_from(["", ".", ".e30", "=", " "]),
)
def test_t28_parts_of_a_decline_and_of_a_confirmation_make_no_third_answer(froms: tuple[str, ...], tail: str) -> None:
    text = ".".join(whole.split(".")[place] for place, whole in enumerate(froms)) + tail
    assert read(text) is None or text in {NO, YES_BEFORE}


signatures = st.sampled_from(["negated", "zero", "der", "exchanged", "twice"])


@given(signatures)
def test_t28_no_other_form_of_its_signature_carries_another_decision(form: str) -> None:
    """(r, n - s) verifies wherever (r, s) does: another text, but the same words."""
    head, payload, signature = NO.split(".")
    r, s = b64.url_decode(signature)[:32], b64.url_decode(signature)[32:]
    forms = {
        "negated": r + (ORDER - int.from_bytes(s)).to_bytes(32),
        "zero": bytes(64),
        "der": b"\x30\x44\x02\x20" + r + b"\x02\x20" + s,
        "exchanged": s + r,
        "twice": r + s + r + s,
    }
    answer = read(f"{head}.{payload}.{b64.url_encode(forms[form])}")
    assert answer is None or (form == "negated" and answer.decision is Decision.DECLINE and answer.reason == "no")


near = st.sampled_from(
    [
        "Confirm",
        "CONFIRM",
        "confirm ",
        " confirm",
        "\u0441onfirm",
        "con\u200bfirm",
        "confirm\x00",
        "conﬁrm",
        "confirmed",
    ]
)
values: Any = st.none() | st.booleans() | st.integers(-1, 10) | st.text(max_size=5) | near
bases = st.sampled_from([SAID_YES, SAID_NO, {name: value for name, value in SAID_NO.items() if name != "reason"}])
decisions: Any = near | values | st.just(["confirm"]) | st.just({"decision": "confirm"})
strangers = st.sampled_from(["Decision", "decision ", "declined_documents", "number", "state", ""])
changes = st.one_of(
    st.tuples(st.just("decision"), decisions),
    st.tuples(strangers, st.sampled_from(["confirm", "decline"]) | values),
    st.sampled_from(sorted({**SAID_NO, **SAID_YES}.items())),
    st.tuples(st.sampled_from(sorted({**SAID_NO, **SAID_YES})), values),
)
members: Any = st.builds(
    lambda said, changed, gone: {name: value for name, value in {**said, **dict(changed)}.items() if name not in gone},
    bases,
    st.lists(changes, max_size=3),
    st.lists(st.sampled_from(sorted({**SAID_NO, **SAID_YES})), max_size=1),
)


@given(members)
@example(dict(SAID_YES))
@example(dict(SAID_NO))
@settings(max_examples=2000)
def test_t28_of_all_that_a_phone_could_sign_only_a_whole_confirmation_confirms(said: dict[str, Any]) -> None:
    """And no object is both: the members of the two have no form in common."""
    answer = read(sign_claims(answers.ANSWER, said, KEY, kid=DEVICE))
    if answer is None:
        return
    assert said["decision"] == answer.decision.value
    if answer.decision is Decision.CONFIRM:
        assert set(said) - MAY_CONFIRM == CONFIRM
    else:
        assert set(said) - MAY_DECLINE == BOTH


raws = st.sampled_from(
    [
        lambda no: no.replace(b'"decision":"decline"', b'"decision":"decline","decision":"confirm"'),
        lambda no: no.replace(b'"decision":"decline"', b'"decision":"confirm","decision":"decline"'),
        lambda no: no.replace(b'"decline"', b'"\\u0063onfirm"'),
        lambda no: no.replace(b'"decline"', b'"confirm"'),
        lambda no: no.replace(b'"decision"', b'"\\u0064ecision"'),
        lambda no: no + b"\n" + canonical.encode(SAID_YES),
        lambda no: canonical.encode(SAID_YES) + no,
        lambda no: b"\xef\xbb\xbf" + no,
        lambda no: json.dumps(SAID_NO).encode(),
        lambda no: json.dumps(SAID_YES).encode(),
        lambda no: b"[" + no + b"," + canonical.encode(SAID_YES) + b"]",
    ]
)


@given(raws)
def test_t28_bytes_that_two_readers_could_read_in_two_ways_are_no_answer(change: Any) -> None:
    """Signed by the phone itself: members twice, other escapes, two objects, other spaces."""
    header = {"alg": "ES256", "typ": answers.ANSWER, "kid": DEVICE}
    assert read(sign(header, change(canonical.encode(SAID_NO)), KEY)) is None
