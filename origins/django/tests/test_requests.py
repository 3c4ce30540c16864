"""Which requests reach a view, and what they say about scheme and host."""

import base64
import time
from pathlib import Path
from unittest import mock

from django.core.checks import run_checks
from django.core.exceptions import ImproperlyConfigured
from django.core.management import call_command
from django.http import HttpResponse
from django.test import AsyncClient, AsyncRequestFactory, Client, RequestFactory, SimpleTestCase, TestCase, override_settings
from support import Edge, user

from edge_session.conf import config, parse_keys
from edge_session.middleware import SessionMiddleware
from edge_session.testing import assertion

GOOD = {"ISSUER": "https://shop.example", "KEYS": "test-1:" + "QUJD" * 11}
SPOOFED = {
    "host": "evil.example",
    "x-forwarded-host": "evil.example",
    "x-forwarded-proto": "http",
    "x-forwarded-port": "1",
    "forwarded": "host=evil.example;proto=http",
}


class Refusals(TestCase):
    def status(self, token, path="/data", **headers):
        headers = {"edge-session-assertion": token, **headers} if token is not None else headers
        with self.assertLogs("edge_session", "WARNING") if token != "good" else mock.MagicMock():
            return Client(headers=headers).get(path).status_code

    def test_what_did_not_come_through_the_gate_reaches_no_view(self):
        now = int(time.time())
        token = assertion()
        expired, early = assertion(iat=now - 200, exp=now - 61), assertion(iat=now + 120, exp=now + 180)
        for bad in (None, "", "x", token[:-1], token + "A", expired, early, f"{token},{token}", assertion(aud="other"), assertion(aud=["origin"]), assertion(iss="https://evil.example")):
            self.assertEqual(self.status(bad), 403, bad)

    def test_the_log_says_what_is_to_be_looked_at_and_the_answer_whether_an_assertion_came_at_all(self):
        now = int(time.time())
        for token, words in (
            (assertion()[:-43] + "A" * 43, "the key of its kid in KEYS is not the gate's"),
            (assertion(iss="https://evil.example"), f"its iss is not ISSUER, which is {config().issuer!r} here"),
            (assertion(aud="other"), "its aud is not AUDIENCE, which is 'origin' here"),
            (assertion(iat=now - 360, exp=now - 300), "it has expired"),
            (assertion(iat=now + 300, exp=now + 360), "the clocks differ by over 60 s"),
        ):
            with self.assertLogs("edge_session", "WARNING") as logs:
                response = Client(headers={"edge-session-assertion": token}).get("/data")
            self.assertIn(words, logs.output[0])
            self.assertContains(response, "this application's log says why", status_code=403)
        with self.assertLogs("edge_session", "WARNING"):
            self.assertContains(Client().get("/data"), "through its gate only", status_code=403)

    def test_what_a_parser_chokes_on_is_refused_too(self):
        part = lambda text: base64.urlsafe_b64encode(text.encode()).rstrip(b"=").decode()  # noqa: E731
        for header in ("[" * 40_000, '{"a":' * 9_000, "9" * 5_000, "\ud800".encode("utf-8", "surrogatepass").decode("latin-1")):
            self.assertEqual(self.status(f"{part(header)}.{part('{}')}.{'A' * 43}"), 403, header[:5])

    def test_a_refusal_is_kept_by_no_cache(self):
        with self.assertLogs("edge_session", "WARNING"):
            self.assertEqual(Client().get("/data").headers["Cache-Control"], "no-store")

    def test_a_clock_within_a_minute_of_the_gates_is_good_enough(self):
        now = int(time.time())
        for token in (assertion(iat=now + 50, exp=now + 110), assertion(iat=now - 110, exp=now - 50)):
            self.assertEqual(Client(headers={"edge-session-assertion": token}).get("/data").status_code, 200)

    def test_every_key_of_the_list_verifies(self):
        token = assertion()
        newer = {**GOOD, "KEYS": "test-2:" + "REVG" * 11 + "," + GOOD["KEYS"]}
        with override_settings(EDGE_SESSION=newer):
            self.assertEqual(Client(headers={"edge-session-assertion": token}).get("/data").status_code, 200)
        with override_settings(EDGE_SESSION={**GOOD, "KEYS": "test-2:" + "REVG" * 11}):
            self.assertEqual(self.status(token), 403)

    def test_direct_paths_are_exact_and_have_no_session(self):
        self.assertEqual(Client(headers={"host": "10.0.0.1"}).get("/healthz").status_code, 200)
        for path in ("/healthz/", "/healthz/../data", "/HEALTHZ", "/healthz2"):
            self.assertEqual(self.status(None, path), 403, path)
        edge = Edge()
        self.assertEqual(edge.get("/healthz?session=1").status_code, 500)
        self.assertIsNone(edge.control)

    def test_the_assertion_is_not_shown_to_the_application(self):
        for asked in (False, True):
            shown = {}

            def view(request):
                shown.update(request.META)
                shown["headers"] = dict(request.headers)
                return HttpResponse("ok")

            request = RequestFactory(headers={"edge-session-assertion": assertion()}).get("/")
            if asked:
                self.assertIn("Edge-Session-Assertion", request.headers)
            self.assertEqual(SessionMiddleware(view)(request).status_code, 200)
            self.assertNotIn("edge-session-assertion", repr(shown).lower().replace("_", "-"))

    async def test_nor_in_the_scope_of_an_asynchronous_one(self):
        scope = {}

        async def view(request):
            scope.update(request.scope)
            return HttpResponse("ok")

        middleware = SessionMiddleware(view)
        for more in ({}, {"EDGE_SESSION": {**GOOD, "HOST_FROM_ISSUER": False}}):
            with override_settings(**more):
                request = AsyncRequestFactory().get("/", headers={"edge-session-assertion": assertion(), "x-other": "1"})
                self.assertEqual((await middleware(request)).status_code, 200)
            self.assertIn(b"x-other", dict(scope["headers"]))
            self.assertNotIn("edge-session-assertion", repr(scope).lower())

    async def test_an_asynchronous_application_is_guarded_the_same(self):
        answer = (await AsyncClient().get("/where", headers={"edge-session-assertion": assertion(), **SPOOFED})).json()
        self.assertEqual((answer["uri"], answer["secure"]), ("https://shop.example/x", True))
        with self.assertLogs("edge_session", "WARNING"):
            self.assertEqual((await AsyncClient().get("/where")).status_code, 403)


class Addresses(TestCase):
    def test_scheme_and_host_are_the_issuers_whatever_the_headers_say(self):
        with override_settings(USE_X_FORWARDED_HOST=True, USE_X_FORWARDED_PORT=True, SECURE_PROXY_SSL_HEADER=("HTTP_X_FORWARDED_PROTO", "https")):
            answer = Edge().get("/where", **SPOOFED).json()
        self.assertEqual((answer["uri"], answer["secure"]), ("https://shop.example/x", True))
        with override_settings(SECURE_PROXY_SSL_HEADER=("HTTP_X_SCHEME", "https")):
            self.assertTrue(Edge().get("/where", **{"x-scheme": "http"}).json()["secure"])
        answer = Edge().get("/where", **SPOOFED).json()
        self.assertEqual((answer["uri"], answer["secure"], answer["meta"]), ("https://shop.example/x", True, {}))

    def test_it_can_be_turned_off(self):
        with override_settings(EDGE_SESSION={**GOOD, "HOST_FROM_ISSUER": False}, ALLOWED_HOSTS=["inside.example"]):
            answer = Edge().get("/where", host="inside.example").json()
        self.assertEqual((answer["uri"], answer["secure"]), ("http://inside.example/x", False))

    def test_djangos_own_csrf_middleware_knows_the_site(self):
        user()
        edge = Edge()
        edge.client = Client(enforce_csrf_checks=True)
        edge.get("/login")
        form = {"username": "alice", "password": "secret", "csrfmiddlewaretoken": edge.client.cookies["csrftoken"].value}
        for headers, status in (({"origin": "https://evil.example"}, 403), ({"origin": "https://shop.example"}, 302)):
            self.assertEqual(edge.post("/login", form, **headers).status_code, status)
        self.assertEqual(edge.post("/sudo", {}, origin="https://shop.example").status_code, 403)


class Caches(TestCase):
    def test_a_page_cached_for_one_user_is_not_shown_to_another(self):
        user("alice"), user("bob")
        alice, bob, nobody = Edge(), Edge(), Edge()
        alice.login("alice"), bob.login("bob")
        first = alice.get("/cached").content
        self.assertEqual(alice.get("/cached").content, first)
        self.assertIn(b"alice", first)
        self.assertIn(b"bob", bob.get("/cached").content)
        self.assertIn(b"nobody", nobody.get("/cached").content)

    def test_a_control_is_never_served_from_the_cache(self):
        first, second = Edge(), Edge()
        self.assertEqual(first.get("/cached").status_code, 200)
        self.assertEqual(second.get("/tagged").status_code, 200)
        self.assertNotEqual(second.control, None)
        third = Edge()
        third.get("/tagged")
        self.assertEqual(third.control["op"], "create")


class Settings(SimpleTestCase):
    def test_mistakes_are_errors_at_the_start(self):
        for wrong in (
            None,
            {},
            {**GOOD, "ISSUER": "https://shop.example/"},
            {**GOOD, "ISSUER": "shop.example"},
            {**GOOD, "KEYS": "test-1:short"},
            {**GOOD, "KEYS": "test-1:" + ("QUJD" * 11)[:42]},
            {**GOOD, "KEYS": GOOD["KEYS"] + "," + GOOD["KEYS"]},
            {**GOOD, "KEYS": GOOD["KEYS"] + ", test-2:" + "REVG" * 11},
            {**GOOD, "KEYS": "test 1:" + "QUJD" * 11},
            {**GOOD, "KEYS": "test-1:" + "QUJD" * 22},
            {**GOOD, "KEYS": ""},
            {**GOOD, "AUDIENCE": GOOD["ISSUER"]},
            {**GOOD, "DIRECT_PATHS": "/healthz"},
            {**GOOD, "DIRECT_PATHS": ["healthz"]},
            {**GOOD, "DATA_LIMIT": 5000},
            {**GOOD, "ISUER": "https://shop.example"},
        ):
            with override_settings(EDGE_SESSION=wrong), self.subTest(str(wrong)):
                with self.assertRaises(ImproperlyConfigured):
                    SessionMiddleware(lambda request: HttpResponse())
                self.assertIn("edge_session.E001", [one.id for one in run_checks()])

    def test_only_what_has_no_default_is_asked_for(self):
        with override_settings(EDGE_SESSION=None):
            (said,) = [one.msg for one in run_checks() if one.id == "edge_session.E001"]
        self.assertIn("ISSUER and KEYS", said)
        with override_settings(EDGE_SESSION={"ISSUER": GOOD["ISSUER"], "KEYS": GOOD["KEYS"]}):
            self.assertEqual(config().audience, "origin")

    def test_development_keys_are_for_a_site_on_this_machine_only(self):
        keys = GOOD["KEYS"] + ",DEV-origin-1:" + "REVG" * 11
        for issuer in ("http://localhost:8787", "http://app.localhost", "http://127.0.0.1:1", "http://[::1]:1"):
            with override_settings(EDGE_SESSION={"ISSUER": issuer, "KEYS": keys}):
                self.assertEqual(config().issuer, issuer)
        for issuer in ("https://shop.example", "https://localhost.example", "https://127.example"):
            with override_settings(EDGE_SESSION={"ISSUER": issuer, "KEYS": keys}), self.assertRaisesMessage(ImproperlyConfigured, "development key"):
                config()

    def test_another_session_engine_is_an_error_at_the_start(self):
        with override_settings(SESSION_ENGINE="django.contrib.sessions.backends.cache"), self.assertRaises(ImproperlyConfigured):
            SessionMiddleware(lambda request: HttpResponse())

    def test_keys_do_not_print(self):
        self.assertNotIn("ABC", repr(config()))
        self.assertEqual(parse_keys("a:" + "QUJD" * 11)[0], ("a", b"ABC" * 11))

    def test_the_list_may_end_with_the_newline_of_the_file_that_it_was_kept_in_and_has_no_other_white_space(self):
        for end in ("\n", "\r\n"):
            self.assertEqual(parse_keys(GOOD["KEYS"] + end), parse_keys(GOOD["KEYS"]))
        for keys in (GOOD["KEYS"] + "\n\n", GOOD["KEYS"] + " ", "\n" + GOOD["KEYS"]):
            with self.assertRaises(ImproperlyConfigured):
                parse_keys(keys)

    def test_checks_find_what_would_go_wrong_later(self):
        ours, cache = "edge_session.middleware.SessionMiddleware", "django.middleware.cache.UpdateCacheMiddleware"
        security, django = "django.middleware.security.SecurityMiddleware", "django.contrib.sessions.middleware.SessionMiddleware"
        for settings, expected in (
            ({}, []),
            ({"MIDDLEWARE": [ours, cache]}, ["edge_session.E004"]),
            ({"MIDDLEWARE": [django]}, ["edge_session.E003"]),
            ({"MIDDLEWARE": [security, ours], "SECURE_SSL_REDIRECT": True}, ["edge_session.W001"]),
            ({"SESSION_ENGINE": "django.contrib.sessions.backends.db"}, ["edge_session.E002"]),
        ):
            with override_settings(**settings):
                found = [one.id for one in run_checks() if one.id.startswith("edge_session")]
                self.assertEqual(found, expected)
        self.assertEqual([one for one in run_checks() if one.id == "admin.E410"], [])
        with mock.patch("edge_session.checks.apps.is_installed", {"allauth.usersessions", "user_sessions"}.__contains__):
            self.assertEqual([one.id for one in run_checks() if one.id.startswith("edge_session")], ["edge_session.E005"] * 2)

    def test_clearsessions_exists_and_does_nothing(self):
        call_command("clearsessions")

    def test_there_is_no_session_table(self):
        from django.apps import apps

        self.assertEqual([model for model in apps.get_models() if "session" in model._meta.db_table], [])
        self.assertFalse((Path(__file__).parents[1] / "edge_session/models.py").exists())
