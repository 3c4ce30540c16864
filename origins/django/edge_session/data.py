"""What a session may hold, and how two states of it differ.

Guarantees: whatever passes here the gate takes and gives back as it was; what it would refuse, or
hand back as another value, is an error in the application while it can still say so.
"""

import json
import math
import unicodedata

from .errors import SessionDataError
from .jws import compact

DEEPEST = 16
_NAME = "__proto__"
_SMALLEST, _LARGEST = -(2**63), 2**64 - 1


def normalise(serializer, session):
    """The session as JSON has it: lists for tuples, text for names. `serializer` is Django's."""
    try:
        return json.loads(serializer().dumps(session), object_pairs_hook=_once)
    except UnicodeDecodeError as error:
        raise SessionDataError("SESSION_SERIALIZER has to write JSON in UTF-8") from error
    except RecursionError as error:
        raise SessionDataError(f"session data is more than {DEEPEST} deep") from error
    except json.JSONDecodeError as error:
        raise SessionDataError("SESSION_SERIALIZER has to write JSON") from error


def _once(pairs):
    members = dict(pairs)
    if len(members) != len(pairs):
        raise SessionDataError("two names of session data are the same in JSON, as 1 and '1' are")
    return members


def check(data, limit):
    """Raises SessionDataError where the gate would refuse this object."""
    if not isinstance(data, dict):
        raise SessionDataError("session data is not an object")
    _walk(data, DEEPEST, "session")
    size = len(compact(data).encode())
    if size > limit:
        largest = sorted(data, key=lambda name: -len(compact(data[name]).encode()))[:3]
        raise SessionDataError(f"session data is {size} bytes of JSON, more than {limit}; the largest members: {', '.join(largest)}")


def check_subject(subject):
    """Raises SessionDataError where the gate would refuse this subject; None is nobody."""
    if subject is not None and (not 1 <= len(subject) <= 255 or any(unicodedata.category(one) == "Cc" for one in subject)):
        raise SessionDataError("the user's key has to be 1 to 255 characters without control characters")


def _walk(value, levels, where):
    if isinstance(value, dict | list):
        if levels == 0:
            raise SessionDataError(f"{where}: session data is more than {DEEPEST} deep")
        for name, item in value.items() if isinstance(value, dict) else enumerate(value):
            if isinstance(name, str):
                _text(name, where)
                if name == _NAME:
                    raise SessionDataError(f"{where}: a member is named {_NAME}")
            _walk(item, levels - 1, f"{where}[{name!r}]")
    elif isinstance(value, str):
        _text(value, where)
    elif isinstance(value, bool) or value is None:
        pass
    elif isinstance(value, int):
        if not _SMALLEST <= value <= _LARGEST:
            raise SessionDataError(f"{where}: {value} does not fit 64 bits and would come back as another number")
    elif not math.isfinite(value):
        raise SessionDataError(f"{where}: {value} is no JSON")


def _text(text, where):
    for character in text:
        code = ord(character)
        if 0xD800 <= code <= 0xDFFF or 0xFDD0 <= code <= 0xFDEF or code & 0xFFFE == 0xFFFE:
            raise SessionDataError(f"{where}: a text has a character that is none (U+{code:04X})")


def exact(value):
    """A text that is equal for equal values only: 1, 1.0 and True are three."""
    return json.dumps(value, ensure_ascii=True, sort_keys=True, separators=(",", ":"))


def difference(before, after):
    """The members `set` and `unset` that lead from one object to the other, empty ones left out."""
    changed = {name: value for name, value in after.items() if name not in before or exact(before[name]) != exact(value)}
    removed = [name for name in before if name not in after]
    return {key: value for key, value in (("set", changed), ("unset", removed)) if value}


def changed(before, change):
    """The object that `set` and `unset` lead to."""
    kept = {name: value for name, value in before.items() if name not in change.get("unset", ())}
    return {**kept, **change.get("set", {})}
