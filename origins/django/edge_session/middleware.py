"""The middleware in the place of django.contrib.sessions'.

Guarantees: a request that did not come through the gate reaches no view (``DIRECT_PATHS`` aside,
which have no session); a response carries at most one control, and none when nothing changed; one
that carries it is kept by no cache of ours.
"""

import logging
from http import HTTPStatus
from urllib.parse import urlsplit

from asgiref.sync import sync_to_async
from django.conf import settings
from django.contrib.sessions.middleware import SessionMiddleware as DjangoSessionMiddleware
from django.core.exceptions import ImproperlyConfigured
from django.core.handlers.exception import response_for_exception
from django.http import FileResponse, HttpResponseForbidden
from django.utils.cache import patch_vary_headers

from . import standalone
from .conf import config
from .errors import EdgeSessionError, InvalidAssertion
from .jws import Claims, read_assertion, sign_control
from .sessions import SessionStore

logger = logging.getLogger("edge_session")

ASSERTION = "HTTP_EDGE_SESSION_ASSERTION"
ASSERTION_NAME = b"edge-session-assertion"  # in an ASGI scope
CONTROL = "Edge-Session-Control"
# What may say where a request came from. The issuer says it, so these are not for the application.
ROUTING = ("HTTP_X_FORWARDED_HOST", "HTTP_X_FORWARDED_PORT", "HTTP_X_FORWARDED_PROTO", "HTTP_FORWARDED")


class SessionMiddleware(DjangoSessionMiddleware):
    def __init__(self, get_response):
        super().__init__(get_response)
        if not issubclass(self.SessionStore, SessionStore):
            raise ImproperlyConfigured('edge_session.middleware needs SESSION_ENGINE = "edge_session.sessions".')
        config()  # a mistake in it stops the start

    def process_request(self, request):
        settings_ = config()
        token = take_assertion(request)
        if settings_.standalone:
            claims = standalone.sessions.claims(request.COOKIES.get(settings.SESSION_COOKIE_NAME))
        elif request.path_info in settings_.direct_paths:
            claims = None
        else:
            try:
                claims = read_assertion(settings_, token)
            except InvalidAssertion as error:
                logger.warning("Refused a request without a valid Edge-Session-Assertion: %s", error)
                text = "The gate's assertion does not verify here; this application's log says why." if token else "This application is reached through its gate only."
                response = HttpResponseForbidden(text, content_type="text/plain")
                response.headers["Cache-Control"] = "no-store"
                return response
        if settings_.host_from_issuer and not settings_.standalone:
            address_from_issuer(request, settings_)
        request.session = self.SessionStore(claims=claims or Claims(jti=""))
        request._edge_session_direct = claims is None
        return None

    def process_response(self, request, response):
        session = getattr(request, "session", None)
        if not isinstance(session, SessionStore):
            return response
        try:
            operation = session.response_operation(response.status_code)
        except Exception as error:
            operation = session.response_operation(HTTPStatus.INTERNAL_SERVER_ERROR)
            if operation is None:
                raise
            response = response_for_exception(request, error)  # as Django would, but the user is logged out
        if operation is not None and request._edge_session_direct:
            raise EdgeSessionError(f"{request.path_info} is one of DIRECT_PATHS: it has no session that could change")
        if operation is not None:
            self.tell(session, response, operation)
        if session.accessed or operation is not None:
            patch_vary_headers(response, ("Cookie",))
        session.answered(operation)
        if response.streaming and not isinstance(response, FileResponse):
            watch = _WatchedAsync if response.is_async else _watched
            response.streaming_content = watch(response.streaming_content, session)
        return response

    @staticmethod
    def tell(session, response, operation):
        settings_, claims = config(), session._bound()
        if settings_.standalone:
            _set_cookie(response, standalone.sessions.apply(claims, operation))
        else:
            response.headers[CONTROL] = sign_control(settings_, operation, req=claims.jti)
        # It answers this request and no other: no cache, and no 304, which would lose it.
        response.headers["Cache-Control"] = "private, no-store"
        for name in ("ETag", "Last-Modified", "Expires"):
            response.headers.pop(name, None)


def take_assertion(request):
    """It is as good as a password: not for views, error pages and their mails."""
    if hasattr(request, "scope"):
        request.scope = without_assertion(request.scope)
    request.__dict__.pop("headers", None)
    return request.META.pop(ASSERTION, "")


def without_assertion(scope):
    return {**scope, "headers": [(name, value) for name, value in scope["headers"] if name.lower() != ASSERTION_NAME]}


def address_from_issuer(request, settings_):
    """Scheme, host and port are the site's, whatever the connection and its headers say."""
    meta = request.META
    for name in ROUTING:
        meta.pop(name, None)
    site = urlsplit(settings_.issuer)
    meta["HTTP_HOST"] = settings_.authority
    meta["SERVER_NAME"], meta["SERVER_PORT"] = site.hostname, str(site.port or (443 if settings_.secure else 80))
    meta["wsgi.url_scheme"] = site.scheme
    if hasattr(request, "scope"):
        request.scope = {**request.scope, "scheme": site.scheme}
    if settings.SECURE_PROXY_SSL_HEADER:
        name, secure = settings.SECURE_PROXY_SSL_HEADER
        meta[name] = secure if settings_.secure else "http"


def _watched(content, session):
    """A body that is sent piece by piece; what its making changes in the session is sent after it."""
    try:
        yield from content
    except GeneratorExit:  # the client left; what was changed so far was changed
        session.send_rest()
        raise
    session.send_rest()


class _WatchedAsync:
    """The same of an asynchronous body. Of a client that left Django tells it by closing the response."""

    def __init__(self, content, session):
        self._content, self._session, self._failed = content, session, False

    async def __aiter__(self):
        try:
            async for part in self._content:
                yield part
        except Exception:
            self._failed = True
            raise
        await sync_to_async(self._session.send_rest)()

    def close(self):
        if not self._failed:
            self._session.send_rest()


def _set_cookie(response, sid):
    place = {"path": settings.SESSION_COOKIE_PATH, "domain": settings.SESSION_COOKIE_DOMAIN, "samesite": settings.SESSION_COOKIE_SAMESITE}
    if sid is None:
        response.delete_cookie(settings.SESSION_COOKIE_NAME, **place)
    else:
        flags = {"secure": settings.SESSION_COOKIE_SECURE or None, "httponly": settings.SESSION_COOKIE_HTTPONLY or None}
        response.set_cookie(settings.SESSION_COOKIE_NAME, sid, max_age=standalone.sessions.lasts(sid), **flags, **place)
