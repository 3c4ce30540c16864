"""The two signed messages: the gate's assertion and the application's control.

Guarantees: the algorithm is pinned; nothing of a message is believed before its signature has
verified; payloads that leave are compact UTF-8, since escaped ones would be several times as long.
"""

import json
import re
import time
from dataclasses import dataclass, field
from typing import Any

import jwt
from jwt.algorithms import HMACAlgorithm
from jwt.utils import base64url_encode

from .errors import InvalidAssertion, SessionDataError

ASSERTION = "edge-session-assertion+jwt"
CONTROL = "edge-session-control+jwt"
LEEWAY = 60
LIFE = 30
LONGEST_CONTROL = 8 * 1024
LONGEST_ASSERTION = 64 * 1024

# Base64url decoders of the standard library skip what is none: the form is checked first.
_FORM = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]{43}", re.ASCII)
_hmac = HMACAlgorithm(HMACAlgorithm.SHA256)


@dataclass(frozen=True)
class Claims:
    """What the gate says of a request. `raw` is all of it."""

    jti: str
    sid: str | None = None
    sub: str | None = None
    data: dict = field(default_factory=dict)
    raw: dict = field(default_factory=dict, repr=False)


def read_assertion(config, token):
    """The claims of an assertion that was made for this application just now, or InvalidAssertion."""
    if not isinstance(token, str) or len(token) > LONGEST_ASSERTION or not _FORM.fullmatch(token):
        raise InvalidAssertion("no assertion" if not token else "the assertion is no compact JWS")
    try:
        header = jwt.get_unverified_header(token)
        if set(header) != {"alg", "typ", "kid"} or header["typ"] != ASSERTION or header["alg"] != "HS256":
            raise InvalidAssertion("the assertion's header is not alg HS256, typ and kid")
        key = next((key for kid, key in config.keys if kid == header["kid"]), None)
        if key is None:
            raise InvalidAssertion("the assertion names a key that is not in KEYS")
        claims = jwt.decode(
            token,
            key,
            algorithms=["HS256"],
            audience=config.audience,
            issuer=config.issuer,
            leeway=LEEWAY,
            options={"require": ["iss", "aud", "iat", "exp", "jti"], "strict_aud": True},
        )
    except (jwt.InvalidTokenError, UnicodeError, OverflowError, RecursionError) as error:
        raise InvalidAssertion(_words_for(error, config)) from error
    return claims_of(claims)


def _words_for(error, config):
    """What is to be looked at, where PyJWT says only what has failed."""
    match error:
        case jwt.InvalidSignatureError():
            return "its signature does not verify: the key of its kid in KEYS is not the gate's"
        case jwt.ExpiredSignatureError():
            return "it has expired: it was kept waiting on its way here, or the clocks differ by over 60 s"
        case jwt.ImmatureSignatureError():
            return "it was issued in the future: the clocks differ by over 60 s"
        case jwt.InvalidIssuerError():
            return f"its iss is not ISSUER, which is {config.issuer!r} here"
        case jwt.InvalidAudienceError():
            return f"its aud is not AUDIENCE, which is {config.audience!r} here"
    return f"{type(error).__name__}: {error}"


def claims_of(claims: dict[str, Any]):
    sid, sub, data = claims.get("sid"), claims.get("sub"), claims.get("data")
    for name in ("sid", "sub"):
        if name in claims and (not isinstance(claims[name], str) or not claims[name]):
            raise InvalidAssertion("a claim is not the text that it should be")
    if not isinstance(claims["jti"], str) or not claims["jti"]:
        raise InvalidAssertion("jti is not text")
    if type(claims["iat"]) is not int or type(claims["exp"]) is not int:
        raise InvalidAssertion("iat or exp is no integer")
    complete = isinstance(data, dict) if "sid" in claims else not claims.keys() & {"sub", "data"}
    if not complete:
        raise InvalidAssertion("a session without data, or a subject or data without a session")
    return Claims(jti=claims["jti"], sid=sid, sub=sub, data=data or {}, raw=claims)


def compact(value):
    """JSON as the gate counts it: no spaces, no escapes that need not be."""
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))


def sign(key, typ, payload):
    """A compact JWS of this text. Not PyJWT's `encode`, whose payloads are escaped ASCII."""
    kid, secret = key
    header = compact({"alg": "HS256", "typ": typ, "kid": kid})
    text = b".".join(base64url_encode(part.encode()) for part in (header, payload))
    return b".".join((text, base64url_encode(_hmac.sign(text, secret)))).decode()


def sign_control(config, operation, *, now=None, **identity):
    """A control: `req=` the jti that it answers, or `jti=` one of its own for out of band."""
    issued = int(time.time() if now is None else now)
    payload = {"iss": config.audience, "aud": config.issuer, **identity, "iat": issued, "exp": issued + LIFE, **operation}
    text = sign(config.keys[0], CONTROL, compact(payload))
    if len(text) > LONGEST_CONTROL:
        raise SessionDataError("the change of the session is larger than the 8 KiB that the gate takes")
    return text
