"""request.session on the gate's session: what each habit of Django's users makes the gate do."""

import json
import time
from datetime import timedelta

from django.contrib.auth import get_user_model, user_logged_in
from django.test import TestCase, override_settings
from django.utils import timezone
from support import NO_CONTROL, Edge, user

from edge_session.data import normalise
from edge_session.errors import EdgeSessionError
from edge_session.jws import Claims
from edge_session.sessions import SessionStore
from edge_session.testing import assertion, standalone

LIMITED = {"ISSUER": "https://shop.example", "KEYS": "test-1:" + "QUJD" * 11, "DATA_LIMIT": 100}


def change(edge, **changes):
    return edge.request("post", "/data", json.dumps(changes))


class Controls(TestCase):
    def setUp(self):
        self.edge = Edge()
        self.alice = user()

    def test_a_request_without_cookies_that_writes_nothing_makes_no_session(self):
        for path in ("/data", "/cached", "/login", "/notice", "/admin/login/"):
            self.edge.get(path)
            self.assertIs(self.edge.control, NO_CONTROL, path)

    def test_the_first_write_makes_an_anonymous_session_with_the_whole_data(self):
        change(self.edge, set={"a": 1, "b": None})
        self.assertEqual(self.edge.control, {"op": "create", "data": {"a": 1, "b": None}})

    def test_a_write_is_an_update_of_what_changed(self):
        change(self.edge, set={"a": 1, "b": {"c": [1]}, "d": "x"})
        change(self.edge, set={"b": {"c": [1, 2]}}, unset=["d"])
        self.assertEqual(self.edge.control, {"op": "update", "set": {"b": {"c": [1, 2]}}, "unset": ["d"]})

    def test_null_is_a_value_and_not_the_lack_of_one(self):
        change(self.edge, set={"a": 1})
        change(self.edge, set={"a": None, "b": None})
        self.assertEqual(self.edge.control, {"op": "update", "set": {"a": None, "b": None}})
        self.assertEqual(self.edge.get("/data").json()["data"], {"a": None, "b": None})

    def test_writing_what_is_there_already_says_nothing(self):
        change(self.edge, set={"a": {"x": 1, "y": 2.5}, "big": 2**63})
        change(self.edge, set={"a": {"y": 2.5, "x": 1}, "big": 2**63})
        self.assertIs(self.edge.control, NO_CONTROL)

    def test_all_letters_come_back_as_they_were(self):
        values = {"größe": "Straße 日本 😀", "text": "a\"\\\n\u0001</script>\u2028"}
        change(self.edge, set=values)
        self.assertEqual(self.edge.data, values)
        self.assertEqual(self.edge.get("/data").json()["data"], values)
        change(self.edge, set={"größe": "Straße 日本 😀"})
        self.assertIs(self.edge.control, NO_CONTROL)

    def test_one_and_true_are_two_values(self):
        change(self.edge, set={"a": 1})
        for value in (True, 1.0, "1"):
            change(self.edge, set={"a": value})
            self.assertEqual(self.edge.control["set"], {"a": value})
            self.assertIs(type(self.edge.data["a"]), type(value))

    def test_reading_says_nothing_even_where_every_request_saves(self):
        change(self.edge, set={"a": 1})
        with override_settings(SESSION_SAVE_EVERY_REQUEST=True):
            self.edge.get("/data")
            self.assertIs(self.edge.control, NO_CONTROL)
            self.edge.sid = None
            self.edge.get("/data")
            self.assertIs(self.edge.control, NO_CONTROL)

    def strangers(self):
        """A session whose user no primary key can name: another application of the site has signed it in."""
        self.edge.sid = self.edge.sessions.apply(Claims(jti="of-the-other"), {"op": "create", "sub": "user-x", "data": {"cart": 3}})

    def test_a_session_that_another_application_signed_in_is_nobodys_here_and_left_alone(self):
        self.strangers()
        self.assertEqual(self.edge.get("/data").json()["user"], "")
        self.assertIs(self.edge.control, NO_CONTROL)
        change(self.edge, set={"a": 1})
        self.assertEqual(self.edge.control, {"op": "update", "set": {"a": 1}})
        change(self.edge, unset=["a", "cart"])
        self.assertEqual(self.edge.control, {"op": "update", "unset": ["cart", "a"]})

    def test_it_is_the_same_where_there_are_no_users_at_all(self):
        with override_settings(AUTH_USER_MODEL="none.User"):
            session = SessionStore(claims=Claims(jti="j", sid="s", sub="7", data={"a": 1}))
            session["b"] = 2
            self.assertEqual(session.operation(), {"op": "update", "set": {"b": 2}})

    def test_a_login_over_it_is_a_new_session_with_none_of_its_data(self):
        self.strangers()
        self.edge.login()
        self.assertEqual((self.edge.control["op"], self.edge.control["sub"]), ("create", str(self.alice.pk)))
        self.assertNotIn("cart", self.edge.data)

    def test_a_logout_ends_it(self):
        self.strangers()
        self.edge.post("/logout")
        self.assertEqual(self.edge.control, {"op": "destroy"})

    def test_login_makes_the_users_session_and_keeps_the_data(self):
        change(self.edge, set={"cart": 3})
        self.assertEqual(self.edge.login().status_code, 302)
        control = self.edge.control
        self.assertEqual((control["op"], control["sub"]), ("create", str(self.alice.pk)))
        self.assertEqual(control["data"]["cart"], 3)
        self.assertNotIn("_auth_user_id", control["data"])
        self.assertNotIn("remember", control)
        self.assertEqual(self.edge.get("/data").json()["user"], "alice")

    def test_login_reads_next(self):
        response = self.edge.post("/login?next=/cart", {"username": "alice", "password": "secret", "next": "/cart"})
        self.assertEqual(response.headers["location"], "/cart")

    def test_only_an_explicit_set_expiry_means_remember(self):
        self.edge.login(remember="on")
        self.assertEqual((self.edge.control["remember"], self.edge.control["idle"]), (True, 14 * 86400))
        other = Edge()
        other.login()
        self.assertFalse({"remember", "idle", "absolute"} & set(other.control))
        past = SessionStore(claims=Claims(jti="j"))
        past.set_expiry(-5)
        self.assertEqual(past.operation(), {"op": "create", "data": {"_session_expiry": -5}, "idle": 1})

    def test_another_users_login_keeps_nothing_of_the_first(self):
        user("bob")
        self.edge.login()
        change(self.edge, set={"secret": 1})
        self.edge.login("bob")
        self.assertEqual((self.edge.control["op"], self.edge.control["sub"]), ("create", str(get_user_model().objects.get(username="bob").pk)))
        self.assertNotIn("secret", self.edge.control["data"])

    def test_logging_in_again_begins_a_new_life(self):
        self.edge.login()
        before = self.edge.sid
        self.edge.login(remember="on")
        self.assertEqual((self.edge.control["op"], self.edge.control["remember"]), ("create", True))
        self.assertNotEqual(self.edge.sid, before)

    def test_logout_ends_the_session(self):
        self.edge.login()
        self.edge.post("/logout")
        self.assertEqual(self.edge.control, {"op": "destroy"})
        self.edge.post("/logout")
        self.assertIs(self.edge.control, NO_CONTROL)

    def test_logout_that_says_so_is_a_new_anonymous_session(self):
        self.edge.login()
        self.edge.post("/logout?say=1")
        self.assertEqual(self.edge.control["op"], "create")
        self.assertNotIn("sub", self.edge.control)
        self.assertContains(self.edge.get("/login"), "You have been logged out.")

    def test_logging_out_everywhere_is_one_operation(self):
        self.edge.login()
        self.edge.post("/everywhere")
        self.assertEqual(self.edge.control, {"op": "destroy_all", "sub": str(self.alice.pk)})

    def test_cycle_key_is_a_rotation_and_its_new_key_is_known(self):
        self.edge.login()
        before = self.edge.sid
        key = self.edge.post("/sudo").json()["key"]
        self.assertEqual(self.edge.control, {"op": "rotate", "set": {"sudo": True}})
        self.assertEqual((key, self.edge.sid), (self.edge.jti, self.edge.jti))
        self.assertNotEqual(key, before)

    def test_authenticating_again_is_a_rotation_that_says_when_and_how(self):
        self.edge.login()
        before = int(time.time())
        key = self.edge.post("/again").json()["key"]
        control = dict(self.edge.control)
        self.assertTrue(before <= control.pop("auth_time") <= time.time())
        self.assertEqual(control, {"op": "rotate", "amr": ["pwd", "otp"], "end_others": True})
        self.assertEqual(key, self.edge.jti)

    def test_how_a_user_signed_in_goes_with_the_login(self):
        self.edge.post("/login-with-otp", {"user": "alice"})
        control = self.edge.control
        self.assertEqual((control["op"], control["sub"], control["amr"]), ("create", str(self.alice.pk), ["pwd", "otp"]))

    def test_an_anonymous_session_keeps_its_key_over_a_rotation(self):
        change(self.edge, set={"a": 1})
        before = self.edge.sid
        self.assertEqual(self.edge.post("/sudo").json()["key"], before)
        self.assertEqual(self.edge.control["op"], "rotate")

    def test_the_key_of_a_session_just_made_is_the_requests_jti(self):
        cart = self.edge.get("/cart").json()["cart"]
        self.assertEqual(self.edge.control, {"op": "create"})
        self.assertEqual((cart, self.edge.sid), (self.edge.jti, self.edge.jti))
        self.assertEqual(self.edge.get("/cart").json()["cart"], cart)
        self.assertIs(self.edge.control, NO_CONTROL)

    def test_a_changed_password_throws_other_browsers_out_and_this_one_not(self):
        here, there = Edge(sessions=self.edge.sessions), Edge(sessions=self.edge.sessions)
        here.login()
        there.login()
        self.assertEqual(here.post("/password", {"password": "new"}).status_code, 200)
        self.assertEqual((here.control["op"], list(here.control["set"])), ("rotate", ["_auth_user_hash"]))
        self.assertEqual(here.get("/data").json()["user"], "alice")
        self.assertEqual(there.get("/data").json()["user"], "")
        self.assertEqual(there.control, {"op": "destroy"})

    def test_messages_pass_and_are_shown_once(self):
        self.edge.post("/notice")
        self.assertContains(self.edge.get("/notice"), "Gespeichert: Grüße")
        self.assertEqual(self.edge.get("/notice").content, b"")

    def test_what_an_error_page_wrote_is_not_kept_but_a_logout_counts(self):
        self.edge.login()
        self.assertEqual((self.edge.get("/fails").status_code, self.edge.control), (500, NO_CONTROL))
        for error in ("", "&huge=NaN"):  # one of the view, and one of what it leaves in the session
            self.edge.login()
            self.assertEqual(self.edge.get("/fails?logout=1" + error).status_code, 500)
            self.assertEqual(self.edge.control, {"op": "destroy"}, error)

    def test_what_the_gate_would_refuse_is_an_error_in_the_application(self):
        deep = "[" * 16 + "]" * 16
        for value in (str(10**30), '"' + "x" * 2100 + '"', '"\\ud800"', '{"__proto__": 1}', "1e400", "NaN", deep, '"\\ufffe"'):
            response = self.edge.request("get", "/fails?huge=" + value.replace('"', "%22"))
            self.assertEqual((response.status_code, self.edge.control), (500, NO_CONTROL), value)

    def test_the_configured_limit_counts_the_data_after_the_change(self):
        with override_settings(EDGE_SESSION=LIMITED):
            edge = Edge()
            change(edge, set={"a": "x" * 50})
            self.assertEqual(change(edge, set={"b": "x" * 50}).status_code, 500)
            self.assertEqual(change(edge, set={"b": "x" * 50}, unset=["a"]).status_code, 200)

    def test_responses_that_read_the_session_vary_by_cookie_and_others_do_not(self):
        for path, varies in (("/data", True), ("/cached", True), ("/cart", True), ("/quiet", False)):
            vary = self.edge.get(path).headers.get("vary", "")
            self.assertEqual("Cookie" in vary, varies, path)

    def test_a_response_with_a_control_is_kept_by_no_cache_and_never_304(self):
        for expected in (1, 2, 3):
            response = self.edge.get("/tagged", **{"if-none-match": '"same"'})
            self.assertEqual((response.status_code, response.headers["cache-control"]), (200, "private, no-store"))
            self.assertEqual(self.edge.data["tagged"], expected)


class Stores(TestCase):
    """The engine by itself."""

    def store(self, **claims):
        claims = {"jti": "jti-of-this-request", **claims}
        return SessionStore(claims=Claims(**claims, raw=claims))

    def test_names_are_text_and_tuples_are_lists_as_with_djangos_serializer(self):
        session = self.store()
        session["a"] = {1: (2, 3)}
        self.assertEqual(session.operation(), {"op": "create", "data": {"a": {"1": [2, 3]}}})
        with self.assertRaises(ValueError):
            normalise(session.serializer, {"a": {1: 1, "1": 2}})

    def test_a_nested_change_is_saved_when_the_application_says_modified(self):
        session = self.store(sid="sid", data={"a": [1], "b": 1})
        session["a"].append(2)
        self.assertIsNone(session.response_operation(200))
        session.modified = True
        self.assertEqual(session.response_operation(200), {"op": "update", "set": {"a": [1, 2]}})

    def test_expiry_on_a_living_session_only_shortens_it(self):
        for value, fields in ((300, {"idle": 300}), (0, {}), (-1, {"idle": 1})):
            session = self.store(sid="sid", sub="7", data={})
            session.set_expiry(value)
            self.assertEqual(session.operation(), {"op": "update", "set": {"_session_expiry": value}, **fields})

    def test_an_expiry_date_is_the_absolute_deadline(self):
        for value in (timedelta(hours=1), timezone.now() + timedelta(hours=1)):
            session = self.store()
            session["a"] = 1
            session.set_expiry(value)
            operation = session.operation()
            self.assertTrue(operation["remember"])
            self.assertAlmostEqual(operation["absolute"], 3600, delta=2)

    def test_the_age_is_what_the_gate_says(self):
        deadline = int(timezone.now().timestamp()) + 600
        session = SessionStore(claims=Claims(jti="j", sid="s", data={}, raw={"session": {"idle": deadline}}))
        self.assertAlmostEqual(session.get_expiry_age(), 600, delta=2)
        self.assertEqual(self.store().get_expiry_age(), 14 * 86400)

    def test_taking_the_user_away_leaves_no_signed_in_session(self):
        session = self.store(sid="sid", sub="7", data={"a": 1})
        del session["_auth_user_id"]
        self.assertEqual(session.operation(), {"op": "create", "data": {"a": 1}})
        self.assertEqual(session.session_key, "jti-of-this-request")
        session = self.store(sid="sid", sub="7", data={"a": 1})
        session.clear()
        self.assertEqual(session.operation(), {"op": "destroy"})

    def test_flush_and_new_data_is_a_new_session(self):
        session = self.store(sid="sid", data={"a": 1})
        session.flush()
        self.assertIsNone(session.session_key)
        session["b"] = 2
        self.assertEqual(session.operation(), {"op": "create", "data": {"b": 2}})

    def test_save_makes_a_session_as_django_does(self):
        session = self.store()
        session.save()
        self.assertEqual((session.session_key, session.operation()), ("jti-of-this-request", {"op": "create"}))

    def test_a_session_of_no_request_says_what_to_use(self):
        with self.assertRaisesRegex(EdgeSessionError, "end_sessions"):
            SessionStore().save()

    def test_the_session_of_another_request_is_an_error_and_not_an_empty_one(self):
        # allauth.usersessions took "it does not exist" for "it has ended", and said so to the user.
        for ask in (lambda: SessionStore("another-key"), lambda: SessionStore().exists("another-key"), lambda: SessionStore().delete("another-key")):
            with self.assertRaisesRegex(EdgeSessionError, "end_session"):
                ask()
        mine = self.store(sid="sid")
        for ask in (mine.exists, mine.delete):
            with self.assertRaisesRegex(EdgeSessionError, "end_session"):
                ask("another-key")
        self.assertTrue(mine.exists("sid"))
        self.assertFalse(mine.exists(None))
        SessionStore("")  # as of a cookie that is not there: no session, and no other's
        with standalone(), self.assertRaisesRegex(EdgeSessionError, "end_session"):
            SessionStore().exists("another-key")

    def test_expired_sessions_are_the_gates_to_clear(self):
        self.assertIsNone(SessionStore.clear_expired())

    def test_who_is_signed_in_is_the_gates_to_say_and_not_the_datas(self):
        alice = user()
        signed_in = {"_auth_user_id": str(alice.pk), "_auth_user_backend": "django.contrib.auth.backends.ModelBackend", "_auth_user_hash": alice.get_session_auth_hash()}
        edge = Edge()
        for sub in (None, "99"):
            response = edge.client.get("/data", headers={"edge-session-assertion": assertion(sid="s", sub=sub, data=signed_in)})
            self.assertEqual(response.json()["user"], "", sub)

    def test_a_login_that_touches_no_session_begins_none(self):  # one for an API's token
        for claims in ({}, {"sid": "s", "data": {"a": 1}}, {"sid": "s", "sub": "99", "data": {}}):
            session = self.store(**claims)
            user_logged_in.send(None, request=type("Request", (), {"session": session}), user=user(f"user-{len(claims)}"))
            self.assertEqual((session.modified, session.operation()), (False, None), claims)

    def test_a_users_key_has_to_be_a_subject(self):
        for key in ("", "x" * 256, "a\nb"):
            session = self.store()
            session["_auth_user_id"] = key
            with self.assertRaises(ValueError):
                session.operation()


class Async(TestCase):
    async def test_the_methods_for_asynchronous_views_do_the_same(self):
        session = SessionStore(claims=Claims(jti="j", sid="s", sub="7", data={"a": 1}))
        await session.aset("b", None)
        await session.acycle_key()
        self.assertEqual(session.operation(), {"op": "rotate", "set": {"b": None}})
        self.assertEqual(session.session_key, "j")
        await session.aflush()
        self.assertEqual(session.operation(), {"op": "destroy"})
