"""``manage.py check``: what would go wrong later."""

from django.apps import apps
from django.conf import settings
from django.core.checks import Error, Warning, register
from django.core.exceptions import ImproperlyConfigured

from .conf import config

OURS = "edge_session.middleware.SessionMiddleware"
DJANGO = "django.contrib.sessions.middleware.SessionMiddleware"
CACHE = "django.middleware.cache.UpdateCacheMiddleware"
SECURITY = "django.middleware.security.SecurityMiddleware"
# Applications that look sessions up by their keys, which only the gate can.
LOOK_UP = ("allauth.usersessions", "user_sessions", "qsessions")


@register
def check_settings(app_configs, **kwargs):
    found = []
    middleware = list(settings.MIDDLEWARE)
    try:
        config()
    except ImproperlyConfigured as error:
        found.append(Error(str(error), id="edge_session.E001"))
    if settings.SESSION_ENGINE != "edge_session.sessions":
        found.append(Error('SESSION_ENGINE is not "edge_session.sessions".', id="edge_session.E002"))
    if DJANGO in middleware:
        found.append(Error("Django's own session middleware is in MIDDLEWARE.", hint=f"Write {OURS} in its place.", id="edge_session.E003"))
    if OURS in middleware and CACHE in middleware[middleware.index(OURS) :]:
        found.append(
            Error(
                "The session middleware comes before UpdateCacheMiddleware: one user's page would be cached for others.",
                hint=f"Put {CACHE} first.",
                id="edge_session.E004",
            )
        )
    if settings.SECURE_SSL_REDIRECT and not settings.SECURE_PROXY_SSL_HEADER and OURS in middleware and SECURITY in middleware[: middleware.index(OURS)]:
        found.append(
            Warning(
                "SECURE_SSL_REDIRECT redirects before the session middleware has said that the request is https.",
                hint="Turn it off: the gate redirects plain http by itself.",
                id="edge_session.W001",
            )
        )
    if apps.is_installed("django.contrib.sessions"):
        found.append(
            Warning(
                "django.contrib.sessions is in INSTALLED_APPS: its table is made and stays empty.",
                hint='Take it out; "edge_session" has the command clearsessions too.',
                id="edge_session.W002",
            )
        )
    found.extend(
        Error(f"{name} cannot see or end the gate's sessions.", hint="Take it out; list_sessions and end_session of edge_session take its place.", id="edge_session.E005")
        for name in LOOK_UP
        if apps.is_installed(name)
    )
    return found
