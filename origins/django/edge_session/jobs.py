"""Sessions of a user, for jobs, management commands and code that used the ``Session`` model."""

from datetime import datetime, timezone
from typing import NamedTuple
from uuid import UUID

from django.contrib.auth import logout

from . import out_of_band
from .conf import config


class SessionInfo(NamedTuple):
    session_key: str
    created: datetime
    idle: datetime  # ends then without activity
    absolute: datetime  # ends then whatever happens


def subject_of(user):
    """The subject that a user's sessions have: the primary key as text, as django.contrib.auth keeps it."""
    if isinstance(user, str):
        return user
    meta = getattr(user, "_meta", None)
    if meta is not None and getattr(user, "pk", None) is not None:
        return meta.pk.value_to_string(user)
    if isinstance(user, int | UUID) and not isinstance(user, bool):
        return str(user)
    raise TypeError(f"a user, a primary key or a subject was expected, not {type(user).__name__}")


def end_sessions(user):
    """Ends every session of a user, everywhere, before it returns."""
    out_of_band.send(config(), {"op": "destroy_all", "sub": subject_of(user)})


def end_session(user, session_key):
    """Ends one session of a user. Whether there was one."""
    try:
        out_of_band.send(config(), {"op": "destroy", "sub": subject_of(user), "sid": session_key})
    except out_of_band.ControlRefused as error:
        if error.status == 404:
            return False
        raise
    return True


def list_sessions(user):
    """The sessions of a user that are alive, as SessionInfo."""
    sessions = out_of_band.send(config(), {"op": "list", "sub": subject_of(user)})["sessions"]
    return [SessionInfo(one["sid"], _time(one["created"]), _time(one["idle"]), _time(one["absolute"])) for one in sessions]


def logout_everywhere(request):
    """Logs the user of this request out here and in all other browsers."""
    subject = request.session.subject
    logout(request)
    request.session.end_everywhere(subject)


def _time(seconds):
    return datetime.fromtimestamp(seconds, timezone.utc)
