"""``POST /.edge-session/control``: telling the gate something that answers no request.

Guarantees: it returns only once the gate has done it; a repeat is the same message, which the gate
counts once, so a lost answer does no harm.
"""

import json
import secrets
import time
import urllib.error
import urllib.request
from http.client import HTTPException

from .errors import ControlRefused
from .jws import sign_control
from .standalone import sessions

PAUSES = (0.1, 0.4, 1.0)
NEW = 5  # seconds after which a session that a response announced is no longer awaited

# Not urllib's own name: firewalls turn that away.
HEADERS = {"Content-Type": "application/jose", "User-Agent": "edge-session-django/0.1"}


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *args):
        return None


_opener = urllib.request.build_opener(_NoRedirects)


def send(config, operation, *, new_since=None):
    """Sends one operation and returns what the gate answers. ControlRefused when it was not done.

    `new_since` is set when the session is being made by the response under way: it may not be there
    yet, so "no such session" is then asked again for a moment.
    """
    if config.standalone:
        return sessions.told(operation)
    message = sign_control(config, operation, jti=secrets.token_urlsafe(16))
    for pause in (*PAUSES, None):
        try:
            return _post(config, message)
        except ControlRefused as error:
            awaited = error.status == 404 and new_since is not None and time.monotonic() - new_since < NEW
            passing = error.status is None or error.status in (502, 503, 504)
            if pause is None or not (awaited or passing):
                raise
            time.sleep(pause)
            if awaited:
                message = sign_control(config, operation, jti=secrets.token_urlsafe(16))
    raise AssertionError("unreachable")


def _post(config, message):
    request = urllib.request.Request(config.control_url, data=message.encode(), headers=HEADERS, method="POST")
    try:
        with _opener.open(request, timeout=config.timeout) as response:
            body = response.read()
            return json.loads(body) if response.status == 200 else None
    except urllib.error.HTTPError as error:
        with error:
            code = _code(error)
            where = "; control.invalid in its log says why" if code.startswith("control_") else ""
            raise ControlRefused(f"the gate answered {error.code} ({code}){where}", error.code) from None
    except (OSError, HTTPException, ValueError) as error:
        raise ControlRefused(f"the gate could not be asked: {error}") from error


def _code(error):
    try:
        return str(json.loads(error.read(4096)).get("code", "no code"))
    except (OSError, HTTPException, ValueError, AttributeError):
        return "no code"
