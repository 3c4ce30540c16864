"""WebSockets under ASGI: who shakes hands, and what a consumer changes."""

from unittest import mock

from asgiref.sync import sync_to_async
from django.core.exceptions import ImproperlyConfigured
from django.test import TestCase, override_settings
from support import user
from test_out_of_band import WithGate

from edge_session import EdgeSessionError, out_of_band
from edge_session.standalone import sessions
from edge_session.testing import assertion, standalone
from edge_session.websockets import WebSocketSessions


class WebSockets(WithGate, TestCase):
    async def shake(self, *headers, kind="websocket", consumer=None):
        """What the consumer was given, or None and what the handshake was answered."""
        given, sent = [], []

        async def inner(scope, receive, send):
            given.append(scope)
            if consumer is not None:
                await sync_to_async(consumer)(scope["session"])

        async def send(message):
            sent.append(message)

        await WebSocketSessions(inner)({"type": kind, "headers": list(headers)}, None, send)
        return (given or [None])[0], sent

    @staticmethod
    def signed(**claims):
        return b"Edge-Session-Assertion", assertion(**claims).encode()

    async def test_a_handshake_has_the_session_and_no_assertion(self):
        scope, _ = await self.shake(self.signed(sub="7", sid="s", data={"a": 1}), (b"cookie", b"b=c"))
        self.assertEqual((scope["session"]["_auth_user_id"], scope["session"]["a"], scope["session"].session_key), ("7", 1, "s"))
        self.assertEqual(scope["headers"], [(b"cookie", b"b=c")])

    async def test_one_that_did_not_come_through_the_gate_reaches_no_consumer(self):
        twice = [self.signed(sub="7"), self.signed(sub="8")]
        for headers in ([], [(b"edge-session-assertion", b"x")], twice):
            with self.assertLogs("edge_session", "WARNING"):
                scope, sent = await self.shake(*headers)
            self.assertIsNone(scope)
            self.assertEqual(sent, [{"type": "websocket.close", "code": 1008}])

    async def test_what_is_no_websocket_is_left_alone(self):
        scope, _ = await self.shake(kind="lifespan")
        self.assertNotIn("session", scope)

    async def test_a_change_and_a_logout_are_told_to_the_gate_at_once(self):
        def consumer(session):
            session["n"] = 1
            session.save()
            session.flush()

        await self.shake(self.signed(sub="7", sid="s"), consumer=consumer)
        about = {"sub": "7", "sid": "s"}
        self.assertEqual(self.told(), [{"op": "update", "set": {"n": 1}, **about}, {"op": "destroy", **about}])

    async def test_what_another_task_changes_meanwhile_is_not_taken_for_told(self):
        send = out_of_band.send

        def consumer(session):
            def meanwhile(*args, **kwargs):
                session.update({"n": 2, "m": 1})
                return send(*args, **kwargs)

            session["n"] = 1
            with mock.patch.object(out_of_band, "send", meanwhile):
                session.save()
            session.save()

        await self.shake(self.signed(sub="7", sid="s", data={"k": 1}), consumer=consumer)
        about = {"sub": "7", "sid": "s"}
        self.assertEqual(self.told(), [{"op": "update", "set": {"n": 1}, **about}, {"op": "update", "set": {"n": 2, "m": 1}, **about}])

    async def test_a_logout_of_a_session_that_has_ended_is_no_error(self):
        self.gate.answers = [(404, {"code": "not_found"})]
        scope, _ = await self.shake(self.signed(sub="7", sid="s"), consumer=lambda session: session.flush())
        self.assertIsNone(scope["session"].session_key)

    async def test_a_consumer_has_the_cookies_as_under_channels(self):
        scope, _ = await self.shake(self.signed(), (b"cookie", b"theme=dark; a=b"))
        self.assertEqual(scope["cookies"], {"theme": "dark", "a": "b"})

    async def test_another_engine_is_a_mistake_at_the_start(self):
        with override_settings(SESSION_ENGINE="django.contrib.sessions.backends.signed_cookies"), self.assertRaisesRegex(ImproperlyConfigured, "SESSION_ENGINE"):
            WebSocketSessions(None)

    async def test_no_session_can_begin_there(self):
        def consumer(session):
            session["n"] = 1
            with self.assertRaisesRegex(EdgeSessionError, "cannot begin"):
                session.save()

        await self.shake(self.signed(), consumer=consumer)
        self.assertEqual(self.told(), [])

    async def test_without_the_gate_the_test_clients_cookie_says_who_it_is(self):
        alice = await sync_to_async(user)()
        with standalone():
            await self.async_client.aforce_login(alice)
            cookie = self.async_client.cookies["sessionid"].value
            scope, _ = await self.shake((b"cookie", f"a=b; sessionid={cookie}".encode()))
            self.assertEqual(scope["session"]["_auth_user_id"], str(alice.pk))
            scope, _ = await self.shake()
            self.assertEqual(scope["session"].get("_auth_user_id"), None)
        sessions.clear()
