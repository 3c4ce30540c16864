"""An application's own tests, written for Django's test client, without a gate."""

import json
from unittest import mock

from django.contrib.auth import get_user_model
from django.contrib.sessions.middleware import SessionMiddleware as DjangoSessionMiddleware
from django.core.exceptions import ImproperlyConfigured
from django.http import HttpResponse
from django.test import Client, RequestFactory, SimpleTestCase, TestCase, override_settings
from support import user

from edge_session import end_session, end_sessions, list_sessions, logout_everywhere
from edge_session.conf import config
from edge_session.middleware import SessionMiddleware
from edge_session.testing import Runner, standalone


def post(client, path, **body):
    return client.post(path, json.dumps(body), content_type="application/json")


@standalone()
class WithDjangosTestClient(TestCase):
    def setUp(self):
        self.alice = user()

    def test_login_and_logout(self):
        self.assertTrue(self.client.login(username="alice", password="secret"))
        self.assertEqual(self.client.get("/data").json()["user"], "alice")
        self.client.logout()
        self.assertEqual(self.client.get("/data").json()["user"], "")

    def test_force_login(self):
        self.client.force_login(self.alice)
        self.assertEqual(self.client.get("/data").json()["user"], "alice")

    def test_the_login_form(self):
        response = self.client.post("/login", {"username": "alice", "password": "secret", "remember": "on"})
        self.assertRedirects(response, "/data")
        self.assertEqual(self.client.cookies["sessionid"]["max-age"], 30 * 86400)
        self.client.post("/logout")
        self.assertEqual(self.client.cookies["sessionid"].value, "")

    def test_session_set_by_the_test_and_read_by_the_view_and_back(self):
        session = self.client.session
        session["cart"] = 3
        session.save()
        post(self.client, "/data", set={"more": None})
        self.assertEqual(self.client.get("/data").json()["data"], {"cart": 3, "more": None})
        self.assertEqual(dict(self.client.session.items()), {"cart": 3, "more": None})

    def test_what_is_not_saved_is_not_kept(self):
        post(self.client, "/data", set={"cart": [1]})
        self.client.session["cart"].append(2)
        self.assertEqual(self.client.session["cart"], [1])

    def test_the_key_is_known_at_once_and_stays(self):
        cart = self.client.get("/cart").json()["cart"]
        self.assertEqual(self.client.session.session_key, cart)
        self.assertEqual(self.client.get("/cart").json()["cart"], cart)

    def test_a_get_that_writes_nothing_sets_no_cookie(self):
        self.client.get("/data")
        self.assertNotIn("sessionid", self.client.cookies)

    def test_messages(self):
        self.assertContains(self.client.post("/notice", follow=True), "Gespeichert: Grüße")

    def test_a_password_change_throws_other_browsers_out(self):
        other = Client()
        for client in (self.client, other):
            client.force_login(self.alice)
        self.client.post("/password", {"password": "new"})
        self.assertEqual([one.get("/data").json()["user"] for one in (self.client, other)], ["alice", ""])

    def test_the_admin(self):
        get_user_model().objects.create_superuser("root", password="secret")
        response = self.client.post("/admin/login/?next=/admin/", {"username": "root", "password": "secret", "next": "/admin/"}, follow=True)
        self.assertContains(response, "Site administration")

    def test_streams_change_the_session(self):
        self.client.force_login(self.alice)
        b"".join(self.client.get("/stream").streaming_content)
        self.assertEqual(self.client.session["streamed"], "yes")

    def test_sessions_are_listed_and_ended(self):
        for _ in range(3):
            Client().force_login(self.alice)
        keys = [one.session_key for one in list_sessions(self.alice)]
        self.assertEqual(len(keys), 3)
        self.assertEqual([end_session(self.alice, keys[0]), end_session(self.alice, keys[0])], [True, False])
        end_sessions(self.alice)
        self.assertEqual(list_sessions(self.alice), [])

    def test_authenticating_again_ends_the_others_and_says_how(self):
        here, there = Client(), Client()
        for client in (here, there):
            client.force_login(self.alice)
        here.post("/again")
        self.assertEqual(here.session.claims["amr"], ["pwd", "otp"])
        self.assertEqual(here.get("/data").json()["user"], "alice")
        self.assertEqual(there.get("/data").json()["user"], "")

    def test_logging_out_everywhere(self):
        other = Client()
        for client in (self.client, other):
            client.force_login(self.alice)
        other.post("/everywhere")
        self.assertEqual(self.client.get("/data").json()["user"], "")

    def test_requests_of_a_factory_get_a_session_either_way(self):
        for middleware in (DjangoSessionMiddleware, SessionMiddleware):
            request = RequestFactory().get("/")
            middleware(lambda request: HttpResponse()).process_request(request)
            request.session["a"] = 1
            request.session.save()
            self.assertTrue(request.session.session_key)

    def test_logout_everywhere_of_a_request_without_a_session_does_nothing(self):
        request = RequestFactory().get("/")
        SessionMiddleware(lambda request: HttpResponse()).process_request(request)
        logout_everywhere(request)
        self.assertIsNone(request.session.response_operation(200))


class Production(SimpleTestCase):
    def test_standalone_mode_is_refused_where_nobody_develops_or_tests(self):
        with standalone(), mock.patch("edge_session.conf.under_test", return_value=False):
            for debug in (True, False):
                with override_settings(DEBUG=debug):
                    if debug:
                        self.assertTrue(config().standalone)
                    else:
                        with self.assertRaises(ImproperlyConfigured):
                            SessionMiddleware(lambda request: HttpResponse())

    def test_under_test_means_that_django_set_its_tests_up(self):
        from django.test.utils import _TestState

        from edge_session.conf import under_test

        self.assertTrue(under_test())
        saved = _TestState.saved_data
        del _TestState.saved_data
        try:
            self.assertFalse(under_test())
        finally:
            _TestState.saved_data = saved

    def test_only_true_turns_it_on(self):
        for value in ("yes", 1):
            with override_settings(EDGE_SESSION={"ISSUER": "https://shop.example", "KEYS": "a:" + "QUJD" * 11, "STANDALONE": value}):
                self.assertFalse(config().standalone)

    def test_the_runner_is_djangos_and_turns_it_on_for_its_tests_alone(self):
        runner = Runner(verbosity=0)
        with mock.patch("django.test.runner.setup_test_environment"), mock.patch("django.test.runner.teardown_test_environment"):
            runner.setup_test_environment()
            self.assertTrue(config().standalone)
            runner.teardown_test_environment()
        self.assertFalse(config().standalone)
