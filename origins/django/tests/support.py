"""A browser's way through a gate, in this process: what is sent is signed, what comes back is verified and done."""

import jwt
from django.contrib.auth import get_user_model
from django.test import Client

from edge_session.conf import config
from edge_session.standalone import Sessions
from edge_session.testing import assertion

NO_CONTROL = None


class Edge:
    def __init__(self, sid=None, *, sessions=None):
        self.sessions = sessions or Sessions()
        self.sid = sid
        self.client = Client(raise_request_exception=False)
        self.control = NO_CONTROL  # what the last response said
        self.jti = None  # the last request's

    def request(self, method, path, body=None, *, keep=False, **headers):
        """Sends one request; `keep` leaves the control undone, as when the answer is late."""
        claims = self.sessions.claims(self.sid)
        self.jti = claims.jti
        self.client.cookies.pop("__Host-session", None)
        if claims.sid:
            self.client.cookies["__Host-session"] = claims.sid
        options = {"headers": {"edge-session-assertion": assertion(**claims.raw), **headers}}
        if body is not None:
            options |= {"data": body, "content_type": "application/json"} if isinstance(body, str) else {"data": body}
        response = getattr(self.client, method)(path, **options)
        self.control = self.read(response)
        if self.control is not None and not keep:
            self.sid = self.sessions.apply(claims, self.control)
        return response

    def get(self, path, **options):
        return self.request("get", path, **options)

    def post(self, path, body=None, **options):
        return self.request("post", path, body or {}, **options)

    def read(self, response):
        token = response.headers.get("Edge-Session-Control")
        if token is None:
            return NO_CONTROL
        kid, key = config().keys[0]
        assert jwt.get_unverified_header(token) == {"alg": "HS256", "typ": "edge-session-control+jwt", "kid": kid}
        claims = jwt.decode(token, key, algorithms=["HS256"], audience=config().issuer, issuer=config().audience)
        assert claims.pop("req") == self.jti
        for name in ("iss", "aud", "iat", "exp"):
            claims.pop(name)
        return claims

    def login(self, name="alice", password="secret", **more):
        return self.post("/login", {"username": name, "password": password, **more})

    @property
    def data(self):
        return self.sessions.claims(self.sid).data


def user(name="alice", password="secret", **more):
    return get_user_model().objects.create_user(name, password=password, **more)
