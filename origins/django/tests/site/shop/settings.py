"""A small Django project behind the gate: what `django-admin startproject` writes, and the lines of edge-session."""

import os
from pathlib import Path

ISSUER = os.environ.get("EDGE_SESSION_ISSUER", "https://shop.example")

SECRET_KEY = os.environ.get("SECRET_KEY", "only the tests use it")
DEBUG = False
ALLOWED_HOSTS = [ISSUER.split("://")[1].split(":")[0]]
ROOT_URLCONF = "shop.urls"
USE_TZ = True
STATIC_URL = "static/"
LOGIN_URL = "/login"
LOGIN_REDIRECT_URL = "/data"
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]  # fast, for tests
WSGI_APPLICATION = "shop.wsgi.application"

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.messages",
    "edge_session",
    "shop",
]

MIDDLEWARE = [
    "django.middleware.cache.UpdateCacheMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "django.middleware.http.ConditionalGetMiddleware",
    "edge_session.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django.middleware.cache.FetchFromCacheMiddleware",
]

SESSION_ENGINE = "edge_session.sessions"
EDGE_SESSION = {
    "ISSUER": ISSUER,
    "AUDIENCE": os.environ.get("EDGE_SESSION_AUDIENCE", "origin"),
    "KEYS": os.environ.get("EDGE_SESSION_ORIGIN_KEYS", "test-1:" + "QUJD" * 11),
    "DIRECT_PATHS": ["/healthz"],
}
MESSAGE_STORAGE = "django.contrib.messages.storage.session.SessionStorage"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": os.environ.get("DATABASE", str(Path(__file__).parent / "db.sqlite3"))}}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
LOGGING = {"version": 1, "handlers": {"console": {"class": "logging.StreamHandler"}}, "root": {"handlers": ["console"], "level": os.environ.get("LOG", "WARNING")}}
