"""The setting ``EDGE_SESSION``, read once and checked.

Guarantees: an unknown or missing member is an error, not a default; standalone mode, which asks no
gate who somebody is, runs under DEBUG or in a test run and nowhere else.
"""

import base64
import binascii
import re
import sys
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import ip_address
from urllib.parse import urlsplit

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.signals import setting_changed

CONTROL_PATH = "/.edge-session/control"
DEFAULTS = {
    "ISSUER": None,
    "AUDIENCE": "origin",
    "KEYS": None,
    "DIRECT_PATHS": (),
    "HOST_FROM_ISSUER": True,
    "DATA_LIMIT": 2048,
    "CONTROL_URL": None,
    "TIMEOUT": 5,
    "STANDALONE": False,
}


@dataclass(frozen=True)
class Config:
    issuer: str
    audience: str
    keys: tuple  # of (kid, key bytes), newest first
    direct_paths: frozenset
    host_from_issuer: bool
    data_limit: int
    control_url: str
    timeout: float
    standalone: bool

    @property
    def secure(self):
        return self.issuer.startswith("https://")

    @property
    def authority(self):
        """Host and, unless it is the scheme's own, port: what browsers send as Host."""
        return self.issuer.split("://", 1)[1]

    def __repr__(self):  # keys do not print
        return f"<Config {self.issuer} {self.audience}>"


def under_test():
    """Whether Django's test environment is set up, as `manage.py test` and pytest-django do."""
    utils = sys.modules.get("django.test.utils")
    return utils is not None and hasattr(utils._TestState, "saved_data")


@lru_cache(maxsize=1)
def config():
    given = getattr(settings, "EDGE_SESSION", None)
    if not isinstance(given, dict):
        raise ImproperlyConfigured("EDGE_SESSION has to be a dictionary with ISSUER and KEYS.")
    unknown = sorted(set(given) - set(DEFAULTS))
    if unknown:
        raise ImproperlyConfigured(f"EDGE_SESSION has members that mean nothing: {', '.join(unknown)}.")
    value = {**DEFAULTS, **given}
    standalone = value["STANDALONE"] is True
    if standalone and not (settings.DEBUG or under_test()):
        raise ImproperlyConfigured("EDGE_SESSION['STANDALONE'] is for development and tests: DEBUG is off and this is no test run.")
    if standalone:
        value["ISSUER"] = value["ISSUER"] or "http://testserver"
        value["KEYS"] = value["KEYS"] or "standalone:" + "A" * 43
    issuer = _issuer(value["ISSUER"])
    if not isinstance(value["AUDIENCE"], str) or not value["AUDIENCE"] or value["AUDIENCE"] == issuer:
        raise ImproperlyConfigured("EDGE_SESSION['AUDIENCE'] has to be the gate's `audience`: a text, and not the issuer.")
    paths = value["DIRECT_PATHS"]
    if isinstance(paths, str) or not all(isinstance(path, str) and path.startswith("/") for path in paths):
        raise ImproperlyConfigured("EDGE_SESSION['DIRECT_PATHS'] has to be a list of exact paths, like ['/healthz'].")
    limit = value["DATA_LIMIT"]
    if not isinstance(limit, int) or not 0 < limit <= 4096:
        raise ImproperlyConfigured("EDGE_SESSION['DATA_LIMIT'] has to be the gate's `limits.data`: 1 to 4096 bytes.")
    keys = parse_keys(value["KEYS"])
    if not _is_loopback(urlsplit(issuer).hostname) and any(kid.lower().startswith("dev-") for kid, _ in keys):
        raise ImproperlyConfigured("EDGE_SESSION['KEYS'] has a development key (its id begins with dev-); they are refused unless the issuer is a loopback host.")
    return Config(
        issuer=issuer,
        audience=value["AUDIENCE"],
        keys=keys,
        direct_paths=frozenset(paths),
        host_from_issuer=bool(value["HOST_FROM_ISSUER"]),
        data_limit=limit,
        control_url=value["CONTROL_URL"] or issuer + CONTROL_PATH,
        timeout=float(value["TIMEOUT"]),
        standalone=standalone,
    )


def _issuer(text):
    problem = "EDGE_SESSION['ISSUER'] has to be the gate's `issuer`: the site's address as https://app.example.com, without a slash at the end."
    if not isinstance(text, str):
        raise ImproperlyConfigured(problem)
    parts = urlsplit(text)
    if parts.scheme not in ("http", "https") or not parts.hostname or f"{parts.scheme}://{parts.netloc}" != text or "@" in text:
        raise ImproperlyConfigured(problem)
    return text


def _is_loopback(host):
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def parse_keys(text):
    """The list `kid:key,kid:key` as the gate has it in EDGE_SESSION_ORIGIN_KEYS."""
    keys = []
    # A list that was kept in a file ends with its newline, as scripts/keys and editors write it; wrangler takes it off, too.
    for entry in re.sub(r"\r?\n\Z", "", text).split(",") if isinstance(text, str) else ():
        match = re.fullmatch(r"([A-Za-z0-9._-]{1,32}):([A-Za-z0-9_-]+)", entry)
        kid, key = match.groups() if match else ("", "")
        try:
            raw = base64.urlsafe_b64decode(key + "=" * (-len(key) % 4))
        except binascii.Error:
            raw = b""
        if not 32 <= len(raw) <= 64:
            raise ImproperlyConfigured("EDGE_SESSION['KEYS'] has to be the gate's EDGE_SESSION_ORIGIN_KEYS: kid:key,kid:key, without spaces.")
        keys.append((kid, raw))
    if not keys or len({kid for kid, _ in keys}) != len(keys):
        raise ImproperlyConfigured("EDGE_SESSION['KEYS'] has no key, or one key id twice.")
    return tuple(keys)


def _forget(*, setting, **kwargs):
    if setting in ("EDGE_SESSION", "DEBUG"):
        config.cache_clear()


setting_changed.connect(_forget, dispatch_uid="edge_session.conf")
