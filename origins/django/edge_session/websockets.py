"""WebSockets, which Django's middleware does not see: for Channels, in the place of its `SessionMiddlewareStack`.

Guarantees: a handshake that did not come through the gate reaches no consumer; `scope["session"]` is the session as it was
then. What a consumer changes is told to the gate by `save()`; a session cannot begin there.
"""

import logging
from importlib import import_module

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.http.cookie import parse_cookie

from . import standalone
from .conf import config
from .errors import InvalidAssertion
from .jws import read_assertion
from .middleware import ASSERTION_NAME, without_assertion
from .sessions import SessionStore

logger = logging.getLogger("edge_session")


class WebSocketSessions:
    def __init__(self, inner):
        self.inner = inner
        self._store = import_module(settings.SESSION_ENGINE).SessionStore
        if not issubclass(self._store, SessionStore):
            raise ImproperlyConfigured('edge_session.websockets needs SESSION_ENGINE = "edge_session.sessions".')
        config()  # a mistake in it stops the start

    async def __call__(self, scope, receive, send):
        if scope["type"] != "websocket":
            return await self.inner(scope, receive, send)
        cookies = parse_cookie(_header(scope, b"cookie", "; "))
        try:
            claims = _claims(scope, cookies)
        except InvalidAssertion as error:
            logger.warning("Refused a WebSocket without a valid Edge-Session-Assertion: %s", error)
            return await send({"type": "websocket.close", "code": 1008})  # before it is accepted: a 403
        session = self._store(claims=claims)
        session.answered(None)  # no response will carry a change
        return await self.inner({**without_assertion(scope), "cookies": cookies, "session": session}, receive, send)


def _claims(scope, cookies):
    if config().standalone:
        return standalone.sessions.claims(cookies.get(settings.SESSION_COOKIE_NAME))
    return read_assertion(config(), _header(scope, ASSERTION_NAME, ","))


def _header(scope, wanted, between):
    return between.join(value.decode("latin-1") for name, value in scope["headers"] if name.lower() == wanted)
