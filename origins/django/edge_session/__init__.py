"""Django's sessions, kept by edge-session in front of the application.

``SESSION_ENGINE = "edge_session.sessions"`` and ``edge_session.middleware.SessionMiddleware`` make
``request.session`` the gate's session. For jobs, and for code that used the ``Session`` model::

    from edge_session import end_sessions, list_sessions
    end_sessions(user)
"""

from .errors import ControlRefused, EdgeSessionError, InvalidAssertion, SessionDataError
from .jobs import SessionInfo, end_session, end_sessions, list_sessions, logout_everywhere

__all__ = [
    "ControlRefused",
    "EdgeSessionError",
    "InvalidAssertion",
    "SessionDataError",
    "SessionInfo",
    "end_session",
    "end_sessions",
    "list_sessions",
    "logout_everywhere",
]
