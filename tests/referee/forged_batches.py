"""Forgeries about batches: leaves and parts that are not what was confirmed and logged."""

from tests.referee import shapes
from tests.referee.forging import Draft, Stage, signed
from tests.referee.mutations import forgery, of_kind
from tests.referee.trees import around


def of_batch(draft: Draft) -> bool:
    """Fits a document of a confirmed batch."""
    return bool(draft.leaf)


@forgery(Stage.WRITE, of_batch)
def a_batch_without_a_leaf(draft: Draft) -> None:
    draft.leaf = {}


@forgery(Stage.KEEP, of_batch, anywhere=True)
def a_batch_without_a_part(draft: Draft) -> None:
    del draft.some["part"]


@forgery(Stage.KEEP, lambda draft: not draft.leaf, anywhere=True)
def a_part_of_nothing(draft: Draft) -> None:
    draft.some["part"] = {"count": 1, "root": shapes.text_of(bytes(32))}


@forgery(Stage.WRITE, lambda draft: not draft.leaf)
def a_leaf_of_nothing(draft: Draft) -> None:
    item = {"index": 0, "format": "hash", "scheme": "ecdsa", "hash_algorithm": "sha256"}
    draft.leaf = {
        "item": {**item, "to_sign": shapes.text_of(bytes(32))},
        "item_path": [],
        "piece": {"attributes": "", "index": 0, "value": ""},
        "piece_number": 0,
        "piece_path": [],
    }


@forgery(Stage.WRITE, of_batch)
def a_leaf_with_a_member_more(draft: Draft) -> None:
    draft.leaf["seen"] = True


@forgery(Stage.WRITE, of_batch)
def another_name_for_the_document(draft: Draft) -> None:
    draft.leaf["item"]["index"] += 1
    draft.leaf["piece"]["index"] += 1


@forgery(Stage.WRITE, of_batch)
def a_document_that_was_not_in_the_batch(draft: Draft) -> None:
    draft.leaf["item"] = {**draft.leaf["item"], "scheme": "pss-20"}


@forgery(Stage.WRITE, of_batch)
def another_signature_than_was_logged(draft: Draft) -> None:
    draft.leaf["piece"]["value"] = signed(draft, draft.leaf["item"], bytes(64))["value"] + "AA"


@forgery(Stage.WRITE, of_batch)
def a_document_s_path_without_its_last_hash(draft: Draft) -> None:
    draft.leaf["item_path"].pop()


@forgery(Stage.WRITE, of_batch)
def a_document_s_path_with_a_hash_more(draft: Draft) -> None:
    draft.leaf["item_path"].append(shapes.text_of(bytes(32)))


@forgery(Stage.WRITE, of_batch)
def a_document_s_path_with_another_hash(draft: Draft) -> None:
    draft.leaf["item_path"][0] = shapes.text_of(bytes(32))


@forgery(Stage.WRITE, of_batch)
def a_signature_s_path_with_a_hash_more(draft: Draft) -> None:
    draft.leaf["piece_path"].append(shapes.text_of(bytes(32)))


@forgery(Stage.WRITE, of_batch)
def a_signature_that_is_another_of_its_part(draft: Draft) -> None:
    draft.leaf["piece_number"] += 1


@forgery(Stage.KEEP, of_batch, anywhere=True)
def a_part_of_another_size(draft: Draft) -> None:
    draft.some["part"]["count"] = draft.leaf["piece_number"]


@forgery(Stage.KEEP, of_batch, anywhere=True)
def a_part_with_another_root(draft: Draft) -> None:
    draft.some["part"]["root"] = shapes.text_of(bytes(32))


@forgery(Stage.ASK, of_batch, anywhere=True)
def a_batch_with_another_root(draft: Draft) -> None:
    draft.claims["request"]["batch"]["root"] = shapes.text_of(bytes(32))


@forgery(Stage.ASK, of_batch, anywhere=True)
def a_document_in_another_place_than_it_says(draft: Draft) -> None:
    leaf, batch, part = draft.leaf, draft.claims["request"]["batch"], draft.some["part"]
    other = (leaf["piece"]["index"] + 1) % batch["count"]
    leaf["piece"]["index"] = other
    batch["root"], leaf["item_path"] = around(leaf["item"], other, batch["count"])
    part["root"], leaf["piece_path"] = around(leaf["piece"], leaf["piece_number"], part["count"])


@forgery(Stage.ANSWER, lambda draft: of_batch(draft) and not draft.by_code, anywhere=True)
def a_leaf_that_was_declined(draft: Draft) -> None:
    draft.claims["answer"]["declined_documents"] = [draft.leaf["piece"]["index"]]


@forgery(Stage.SIGN, of_batch, anywhere=True)
def a_batch_of_a_hundred(draft: Draft) -> None:
    draft.claims["request"]["batch"]["count"] = 100
    draft.leaf["item"]["index"] = 99


@forgery(Stage.SIGN, of_batch, anywhere=True)
def a_batch_of_more_than_ten_thousand(draft: Draft) -> None:
    draft.claims["request"]["batch"]["count"] = 10_001


@forgery(Stage.ASK, of_batch, anywhere=True)
def a_batch_with_documents_besides(draft: Draft) -> None:
    draft.claims["request"]["documents"] = [{**draft.leaf["item"], "index": 0}]


@forgery(Stage.KEEP, of_batch, anywhere=True)
def signatures_beside_a_leaf(draft: Draft) -> None:
    draft.pieces = [draft.leaf["piece"]]


@forgery(Stage.ASK, of_batch, anywhere=True)
def a_batch_of_another_key(draft: Draft) -> None:
    draft.claims["request"]["credential"]["certificate_sha256"] = shapes.text_of(bytes(32))


@forgery(Stage.LOG, of_batch)
def a_part_that_is_told_as_the_end(draft: Draft) -> None:
    draft.event["kind"] = "transaction.signed"


@forgery(Stage.LOG, of_kind("sign", "create"))
def an_end_that_is_told_as_a_part(draft: Draft) -> None:
    draft.event["kind"] = "transaction.part_signed" if not draft.leaf else "transaction.signed"


@forgery(Stage.LOG, of_batch)
def a_part_by_a_phone(draft: Draft) -> None:
    draft.event["actor"] = f"device:{draft.claims['receipt']['device']}"


@forgery(Stage.ASK, of_kind("sign"))
def a_batch_that_is_none(draft: Draft) -> None:
    draft.claims["request"]["batch"] = {"count": 101, "root": shapes.text_of(bytes(32))}


@forgery(Stage.ASK, of_kind("create", "change", "share"))
def a_batch_where_nothing_is_signed(draft: Draft) -> None:
    draft.claims["request"]["batch"] = {"count": 101, "root": shapes.text_of(bytes(32))}
