"""JSON in exactly one spelling: sorted keys, no blanks, strings, integers and lists; no float ever.

The reader refuses what hides meaning: duplicate keys, NaN, infinities, floats, integers beyond 2**53,
deep nesting, oversized input.
"""

from __future__ import annotations

import json
from typing import Any, NoReturn

SIZE_LIMIT = 4 << 20
_DEPTH_LIMIT = 32
_INTEGER_LIMIT = 1 << 53


class NotCanonical(ValueError):
    """The text is no JSON of the restricted kind; the message says why."""


def canonical(value: Any) -> bytes:
    """The one spelling of ``value`` (mappings with string keys, lists, strings, booleans, null, integers).

    >>> canonical({"b": [1, None], "a": "é"}).decode()
    '{"a":"é","b":[1,null]}'
    """
    _check(value, 0)
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False).encode()


def parse(text: bytes) -> Any:
    """Read restricted JSON; raises :class:`NotCanonical` for everything else, never another error."""
    if len(text) > SIZE_LIMIT:
        raise NotCanonical(f"{len(text):,} bytes, more than {SIZE_LIMIT:,}")
    try:
        value = json.loads(
            text.decode("utf-8"),
            object_pairs_hook=_unique,
            parse_float=_refuse_float,
            parse_constant=_refuse_float,
            parse_int=_integer,
        )
    except UnicodeDecodeError:
        raise NotCanonical("not UTF-8 text") from None
    except RecursionError:
        raise NotCanonical("nested too deeply") from None
    except json.JSONDecodeError as problem:
        raise NotCanonical(f"not JSON: {problem.msg} at byte {problem.pos}") from None
    _check(value, 0)
    return value


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise NotCanonical(f"the key {key[:40]!r} occurs twice")
        found[key] = value
    return found


def _refuse_float(text: str) -> NoReturn:
    raise NotCanonical(f"the number {text[:40]} is no integer: numbers are written as strings")


def _integer(text: str) -> int:
    if len(text) > 17:
        raise NotCanonical("an integer beyond 2**53")
    return int(text)


def _check(value: Any, depth: int) -> None:
    if depth > _DEPTH_LIMIT:
        raise NotCanonical("nested too deeply")
    match value:
        case None | bool():
            return
        case str():
            if any(0xD800 <= ord(character) <= 0xDFFF for character in value):
                raise NotCanonical("a string with a lone surrogate")
        case int():
            if abs(value) >= _INTEGER_LIMIT:
                raise NotCanonical("an integer beyond 2**53")
        case list() | tuple():
            for item in value:
                _check(item, depth + 1)
        case dict():
            for key, item in value.items():
                if not isinstance(key, str):
                    raise NotCanonical("a key that is no string")
                _check(key, depth + 1)
                _check(item, depth + 1)
        case _:
            raise NotCanonical(f"a {type(value).__name__}: numbers are written as strings")
