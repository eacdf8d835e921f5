"""Kinds of values that recur in wire structs and parameters."""

from typing import Annotated

from msgspec import Meta

from dss.kernel.storable import LARGEST

# The length beside the pattern: `$` alone would let a line feed follow.
Id = Annotated[
    str,
    Meta(
        pattern="^[0-9A-HJKMNP-TV-Z]{26}$",
        min_length=26,
        max_length=26,
        description="An identifier: 26 characters of Crockford base32.",
        examples=["01KAJ9T8VX3N5Q7R9S1T2V4W6Y"],
    ),
]

Time = Annotated[
    str,
    Meta(
        description="RFC 3339 in UTC, whole seconds, ending in Z.",
        extra_json_schema={"format": "date-time"},
        examples=["2026-11-21T14:05:00Z"],
    ),
]

Scale = Annotated[int, Meta(ge=1, le=20, description="Pixels for each module of the code.")]

Sha256 = Annotated[
    str,
    Meta(pattern="^[0-9a-f]{64}$", min_length=64, max_length=64, description="A SHA-256, in lower hexadecimal digits."),
]

Wait = Annotated[int, Meta(ge=0, le=60, description="Seconds to wait until there is something to tell.")]

Index = Annotated[int, Meta(ge=0, le=9999, description="The place of a document in its transaction, from 0.")]

From = Annotated[int, Meta(ge=0, le=10_000, description="The index to begin with.")]

Size = Annotated[int, Meta(ge=1, le=LARGEST, description="The size of a checkpoint that the caller kept.")]

IdempotencyKey = Annotated[
    str,
    Meta(
        pattern="^[\\x21-\\x7e]+$",
        min_length=1,
        max_length=255,
        description="The caller's own name for this request: sent again with the same body, it has no second effect.",
    ),
]

Browser = Annotated[
    str,
    Meta(
        pattern="^[\\x21-\\x7e]+$",
        min_length=16,
        max_length=128,
        description="A stable opaque name of the person's browser, chosen by the caller: a random cookie's value.",
    ),
]
