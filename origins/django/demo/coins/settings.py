"""What `django-admin startproject` writes, and the lines of edge-session. `scripts/dev --origin django` runs it behind the gate."""

import os
from pathlib import Path
from urllib.parse import urlsplit

ISSUER = os.environ["EDGE_SESSION_ISSUER"]

# edge-session: "edge_session" stands in the place of "django.contrib.sessions", here and in MIDDLEWARE.
SESSION_ENGINE = "edge_session.sessions"
EDGE_SESSION = {
    "ISSUER": ISSUER,
    "AUDIENCE": os.environ["EDGE_SESSION_AUDIENCE"],
    "KEYS": os.environ["EDGE_SESSION_ORIGIN_KEYS"],
}

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.messages",
    "edge_session",
    "coins",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "edge_session.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]

# The site's name: the kit takes it from the gate, whatever the headers say.
ALLOWED_HOSTS = [urlsplit(ISSUER).hostname]
SECRET_KEY = "of a demonstration that only this machine can reach"
ROOT_URLCONF = "coins.urls"
WSGI_APPLICATION = "coins.wsgi.application"
LOGIN_URL = "/login"
LOGIN_REDIRECT_URL = "/session"
LOGOUT_REDIRECT_URL = "/"
USE_TZ = True

DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": Path(os.environ["DEMO_STATE"]) / "django.sqlite3"}}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "coins.views.site",
            ]
        },
    }
]
LOGGING = {"version": 1, "handlers": {"console": {"class": "logging.StreamHandler"}}, "root": {"handlers": ["console"], "level": "WARNING"}}

# What the demonstration shares with the others: the attacker's page, and scripts/demo/assets.
ATTACKER = os.environ.get("DEMO_ATTACKER", "")
ASSETS = os.environ["DEMO_ASSETS"]
