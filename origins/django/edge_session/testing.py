"""For tests of an application that lives behind the gate.

One line in the settings lets Django's test client work as ever::

    TEST_RUNNER = "edge_session.testing.Runner"

With another runner, or for some tests only, `standalone` does it: a decorator of test classes and
functions, and a context manager. `assertion` makes the header that the gate would send.
"""

import secrets
import time

from django.conf import settings
from django.test import override_settings
from django.test.runner import DiscoverRunner

from .conf import config
from .jws import ASSERTION, compact, sign
from .standalone import sessions


def standalone():
    return override_settings(EDGE_SESSION={**getattr(settings, "EDGE_SESSION", {}), "STANDALONE": True})


class Runner(DiscoverRunner):
    def setup_test_environment(self, **kwargs):
        super().setup_test_environment(**kwargs)
        sessions.clear()
        self._standalone = standalone()
        self._standalone.enable()

    def teardown_test_environment(self, **kwargs):
        self._standalone.disable()
        super().teardown_test_environment(**kwargs)


def assertion(*, sub=None, sid=None, data=None, **claims):
    """A signed assertion for the configured application, with a session where `sid` or `sub` is given."""
    settings_, now = config(), int(time.time())
    payload = {"iss": settings_.issuer, "aud": settings_.audience, "iat": now, "exp": now + 60, "jti": secrets.token_urlsafe(16)}
    if sid is not None or sub is not None:
        payload |= {"sid": sid or secrets.token_urlsafe(16), "data": data or {}}
        payload["session"] = {"created": now, "idle": now + 1800, "absolute": now + 43200, "checked": now}
    if sub is not None:
        payload |= {"sub": sub, "auth_time": now}
    return sign(settings_.keys[0], ASSERTION, compact(payload | claims))
