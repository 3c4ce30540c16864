"""``SESSION_ENGINE = "edge_session.sessions"``: Django's session, kept by the gate.

The data came with the request, in the assertion; what changed leaves with the response, as one
control. Nothing is stored here. A session without a request (a test's) is one of the standalone
mode and is saved where that keeps them.
"""

import json
import time
from datetime import datetime, timezone

from asgiref.sync import sync_to_async
from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.auth.signals import user_logged_in
from django.contrib.sessions.backends.base import SessionBase, UpdateError
from django.core.exceptions import ImproperlyConfigured, ValidationError

from . import data as session_data
from . import out_of_band, standalone
from .conf import config
from .errors import ControlRefused, EdgeSessionError
from .jws import Claims

# Where django.contrib.auth keeps the user. It is the session's `sub`, and not stored twice.
SUBJECT = "_auth_user_id"
EXPIRY = "_session_expiry"
ANOTHER = "the session of another request is the gate's alone: list_sessions(user) and end_session(user, session_key) of edge_session take its place"


class SessionStore(SessionBase):
    def __init__(self, session_key=None, *, claims=None):
        self._claims = claims
        self._immediate = False  # saved at once: there is no response to save it with
        if claims is None and config().standalone:
            self._immediate = True
            self._claims = standalone.sessions.claims(session_key)
        elif claims is None and session_key:  # Django takes an empty one for none, too
            raise EdgeSessionError(ANOTHER)
        self._answered = False  # the response's headers are made: changes go out of band
        self._new_since = None  # when this request's response made or renamed the session
        self._rebase(self._claims)
        super().__init__(None)

    def _rebase(self, claims):
        """From here on, `claims` is what the gate has."""
        self._sid = claims and claims.sid
        self._sub = claims and claims.sub
        self._foreign = self._sub is not None and not _can_be_a_user(self._sub)
        self._before = claims.data if claims else {}
        self._ended = self._new = self._rotated = self._everywhere = False
        self._authentication = {}

    @property
    def claims(self):
        """What the gate said of this request: auth_time, amr, session (its deadlines) and so on."""
        self.accessed = True
        return self._bound().raw

    def _bound(self):
        if self._claims is None:
            raise EdgeSessionError(
                "this session belongs to no request, so the gate says nothing of it. "
                "In jobs use edge_session.end_sessions and list_sessions, in tests edge_session.testing."
            )
        return self._claims

    # Keys. The one of a session that is just being made is known before the gate makes it.

    def _get_session_key(self):
        if self._claims is None:
            return None
        alive = self._sid is not None and not self._ended
        if self._new or (alive and self._current_subject() != self._sub):
            return self._claims.jti
        if not alive:
            return None
        return self._claims.jti if self._rotated and self._sub is not None else self._sid

    def _set_session_key(self, value):
        pass  # keys are the gate's

    _session_key = property(_get_session_key, _set_session_key)

    @property
    def session_key(self):
        self.accessed = True
        return self._get_session_key()

    def _current_subject(self):
        """Whose session it is now."""
        cache = getattr(self, "_session_cache", None)
        if cache is None:
            return None if self._ended else self._sub
        return self._subject_in(cache)

    def _subject_in(self, data):
        """Whose session it is with this data. Django's authentication is not told of another application's user."""
        subject = data.get(SUBJECT)
        if subject is None:
            return self._sub if self._foreign and not self._ended else None
        return str(subject)

    # What Django asks of a session engine.

    def load(self):
        self._bound()
        # Escaped, for Django's serializer reads Latin-1.
        loaded = self.serializer().loads(json.dumps(self._before).encode()) if self._before else {}
        loaded.pop(SUBJECT, None)  # another application of the site may have written it
        if self._sub is not None and not self._foreign:
            loaded[SUBJECT] = self._sub
        return loaded

    def exists(self, session_key):
        if session_key is not None and session_key != self._get_session_key():
            raise EdgeSessionError(ANOTHER)  # "no" would be taken for its end
        return session_key is not None

    def create(self):
        self._bound()
        _ = self._session
        self._new = self.modified = True
        if self._immediate:
            self.save()

    def cycle_key(self):
        _ = self._session
        if self._foreign and not self._ended:
            self.flush()  # a login begins with nothing of another user's
        if self._get_session_key() is None:
            self.create()
        else:
            self._rotated = self.modified = True

    async def acycle_key(self):
        self.cycle_key()

    def authenticated(self, *, amr=None, end_others=False):
        """The user has just authenticated, again or by other means: a new key, and `auth_time` is now.

        `amr` names the means (RFC 8176, such as ["pwd", "otp"]); `end_others` ends the user's other sessions. In the
        request that logs in it goes with the login.
        """
        told = {"auth_time": int(time.time()), "amr": amr and list(amr), "end_others": end_others or None}
        self._authentication = _without_none(told)
        self.cycle_key()

    def flush(self):
        self._bound()
        self.clear()
        self._ended = self._sid is not None
        self._new = self._rotated = False
        if self._ended and self._immediate:
            self.save()
        elif self._answered:
            self._send(self.operation())

    async def aload(self):
        return self.load()

    async def aflush(self):
        await sync_to_async(self.flush)()  # it may ask the gate

    def delete(self, session_key=None):
        if session_key is None or session_key == self._get_session_key():
            self.flush()
        elif self._immediate:
            SessionStore(session_key).flush()
        else:
            raise EdgeSessionError(ANOTHER)

    def save(self, must_create=False):
        """Checks the data. It is sent with the response, or at once when that is on its way already."""
        self._bound()
        self.modified = True
        _ = self._session
        if must_create or (self._get_session_key() is None and not (self._ended and self.is_empty())):
            self._new = True
        operation = self.operation()
        if self._immediate:
            self._save_standalone(operation)
        elif self._answered:
            self._send(operation)

    @classmethod
    def clear_expired(cls):
        """Nothing: the gate ends sessions by itself."""

    def get_session_cookie_age(self):
        """The seconds until the session ends without activity, as the gate last said."""
        idle = self._claims.raw.get("session", {}).get("idle") if self._sid and not self._ended else None
        return max(0, int(idle - time.time())) if isinstance(idle, int) else super().get_session_cookie_age()

    @property
    def subject(self):
        """Whose session the gate has it to be."""
        return self._sub

    def end_everywhere(self, subject=None):
        """Every session of this user ends with this one; of `subject` where this one has ended already."""
        subject = self._sub or subject
        if not self._ended:
            self.flush()
        if not self._answered:
            self._everywhere = self._sub is not None
        elif subject is not None:
            out_of_band.send(config(), {"op": "destroy_all", "sub": subject})

    # What the gate has to be told.

    def operation(self):
        """The one operation that makes the gate's session this one; None when it is so already."""
        if self._claims is None:
            return None
        now = session_data.normalise(self.serializer, self._session)
        subject = self._subject_in(now)
        now.pop(SUBJECT, None)
        alive = self._sid is not None and not self._ended
        nothing = not now and subject is None
        if not alive and not self._new and nothing:
            return self._ending()
        if alive and not self._new and nothing and self._sub is not None:
            return {"op": "destroy"}
        if not alive or self._new or subject != self._sub:
            session_data.check(now, config().data_limit)
            session_data.check_subject(subject)
            life = _lifetime(now.get(EXPIRY), True)
            return _without_none({"op": "create", "sub": subject, "data": now or None, **life, **self._authentication})
        change = session_data.difference(self._before, now)
        if EXPIRY in change.get("set", {}):
            change |= _lifetime(now[EXPIRY], False)
        if change:
            session_data.check(now, config().data_limit)
        if self._rotated:
            return {"op": "rotate", **change, **self._authentication}
        return {"op": "update", **change} if change else None

    def _ending(self):
        if not self._ended:
            return None
        return {"op": "destroy_all", "sub": self._sub} if self._everywhere else {"op": "destroy"}

    def response_operation(self, status):
        """What this response has to say. After an error of the application only a logout counts."""
        if status >= 500:
            return self._ending()
        if self._everywhere and self._session:
            # One operation a response: something is kept over the logout, so that goes in it.
            out_of_band.send(config(), {"op": "destroy_all", "sub": self._sub})
            self._everywhere = False
        return self.operation() if self.modified or settings.SESSION_SAVE_EVERY_REQUEST else None

    def answered(self, operation):
        """The response says `operation`; what changes from now on goes out of band."""
        self._answered = True
        if operation and operation["op"] in ("create", "rotate"):
            self._new_since = time.monotonic()
        if self._session_loaded():
            self._rebase(self._after(operation))
        self.modified = False

    def _session_loaded(self):
        return hasattr(self, "_session_cache")

    def _after(self, operation):
        """The claims that a next request would bring. What another task changed while the gate was told is not among them."""
        operation = operation or {"op": "update"}
        jti = self._claims.jti
        if operation["op"] == "create":
            return Claims(jti=jti, sid=jti, sub=operation.get("sub"), data=operation.get("data", {}))
        if operation["op"] == "rotate":
            sid = jti if self._sub is not None else self._sid
        else:
            sid = self._sid if operation["op"] == "update" and not self._ended else None
        if sid is None:
            return Claims(jti=jti)
        return Claims(jti=jti, sid=sid, sub=self._sub, data=session_data.changed(self._before, operation))

    # Out of band.

    def send_rest(self):
        """Sends what changed after the response's headers; nothing when nothing did."""
        if self._answered and self.modified:
            self._send(self.operation())

    def _send(self, operation):
        self.modified = False
        if operation is None:
            return
        if operation["op"] not in ("update", "destroy", "destroy_all"):
            raise EdgeSessionError("the response's headers are gone: a session cannot begin or change its key any more")
        if operation["op"] == "destroy_all":
            message = operation
        else:
            message = _without_none({**operation, "sub": self._sub, "sid": self._sid})
        try:
            out_of_band.send(config(), message, new_since=self._new_since)
        except ControlRefused as error:
            if error.status != 404:
                raise
            if operation["op"] == "update":
                raise UpdateError("the session ended before it could be changed") from error
        self._rebase(self._after(operation))

    def _save_standalone(self, operation):
        sid = standalone.sessions.apply(self._claims, operation) if operation else self._sid
        cache = self._session_cache
        self._claims = standalone.sessions.claims(sid)
        self._rebase(self._claims)
        self._session_cache = cache


def _can_be_a_user(subject):
    try:
        get_user_model()._meta.pk.to_python(subject)
    except (ValidationError, ImproperlyConfigured):
        return False
    return True


def _lifetime(value, new):
    """What set_expiry asks of the gate. Only what was asked for explicitly outlasts the browser."""
    if not value:
        return {}
    if isinstance(value, str):
        until = datetime.fromisoformat(value)
        now = datetime.now(timezone.utc) if until.tzinfo else datetime.now()
        fields = {"absolute": max(1, int((until - now).total_seconds()))}
    else:
        fields = {"idle": max(1, int(value))}
    asked = isinstance(value, str) or value > 0
    return {**fields, "remember": True} if new and asked else fields


def _without_none(members):
    return {name: value for name, value in members.items() if value is not None}


def _signed_in(sender, request, user, **kwargs):
    """A login always begins a session, with a life of its own, whoever was signed in before. One for an API's token touches none."""
    session = getattr(request, "session", None)
    if isinstance(session, SessionStore) and session.modified and session._current_subject() == user._meta.pk.value_to_string(user):
        session._new = True


user_logged_in.connect(_signed_in, dispatch_uid="edge_session.sessions")
