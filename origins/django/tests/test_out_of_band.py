"""What goes to the gate by itself: changes after the headers, and jobs. The gate is a small server of ours."""

import asyncio
import json
import socket
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from uuid import UUID

import jwt
from asgiref.sync import sync_to_async
from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.sessions.backends.base import UpdateError
from django.http import StreamingHttpResponse
from django.test import RequestFactory, SimpleTestCase, TestCase, override_settings
from support import Edge, user

from edge_session import ControlRefused, EdgeSessionError, end_session, end_sessions, list_sessions, logout_everywhere
from edge_session.conf import config
from edge_session.jws import Claims
from edge_session.middleware import SessionMiddleware
from edge_session.sessions import SessionStore


class Gate(ThreadingHTTPServer):
    """Records what it is told and answers what it is asked to, 204 by default."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.told, self.answers = [], []
        threading.Thread(target=self.serve_forever, args=(0.02,), daemon=True).start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_port}/.edge-session/control"


class Handler(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        kid, key = config().keys[0]
        claims = jwt.decode(body, key, algorithms=["HS256"], audience=config().issuer, issuer=config().audience)
        assert 0 < claims["exp"] - claims["iat"] <= 60 and "req" not in claims
        self.server.told.append({"agent": self.headers["User-Agent"], "text": body, **claims})
        status, answer = self.server.answers.pop(0) if self.server.answers else (204, None)
        self.send_response(status)
        text = json.dumps(answer).encode() if answer is not None else b""
        if status == 302:
            self.send_header("Location", "/elsewhere")
        if status != 204:
            self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *args):
        pass


class WithGate:
    def setUp(self):
        super().setUp()
        self.gate = Gate()
        self.addCleanup(self.gate.server_close)
        self.addCleanup(self.gate.shutdown)
        changed = override_settings(EDGE_SESSION={**settings.EDGE_SESSION, "CONTROL_URL": self.gate.url})
        changed.enable()
        self.addCleanup(changed.disable)

    def told(self, *names):
        return [{name: one[name] for name in one if name in names or not names and name in ("op", "sub", "sid", "set", "unset")} for one in self.gate.told]


class Streams(WithGate, TestCase):
    def setUp(self):
        super().setUp()
        self.alice = user()
        self.edge = Edge()
        self.edge.login()

    def read(self, path):
        response = self.edge.get(path)
        self.before = list(self.gate.told)
        return b"".join(response.streaming_content)

    def test_a_change_made_while_the_body_is_sent_goes_out_of_band(self):
        self.assertEqual(self.read("/stream"), b"begun\ndone\n")
        self.assertEqual((self.edge.control, self.before), (None, []))
        self.assertEqual(self.told(), [{"op": "update", "sub": str(self.alice.pk), "sid": self.edge.sid, "set": {"streamed": "yes"}}])

    def test_save_sends_it_at_once_and_not_again(self):
        self.read("/stream?save=1")
        self.assertEqual(len(self.gate.told), 1)

    def test_a_client_that_leaves_loses_no_change(self):
        response = self.edge.get("/stream")
        body = iter(response.streaming_content)
        next(body)
        next(body)
        self.assertEqual(self.gate.told, [])
        response.close()
        self.assertEqual(self.told("set"), [{"set": {"streamed": "yes"}}])

    async def test_an_asynchronous_body_is_watched_too(self):
        session = SessionStore(claims=Claims(jti="j", sid="s", sub="7"))

        async def body():
            yield b"begun"
            await session.aset("a", 1)

        request = RequestFactory().get("/")
        request.session, request._edge_session_direct = session, False
        response = SessionMiddleware(lambda request: None).process_response(request, StreamingHttpResponse(body()))
        self.assertEqual([part async for part in response], [b"begun"])
        self.assertEqual(self.told(), [{"op": "update", "sub": "7", "sid": "s", "set": {"a": 1}}])

    async def test_a_client_that_leaves_an_asynchronous_body_loses_no_change(self):
        async def leaves(body):
            await anext(body)
            await body.aclose()  # as Django's handler does after a failed send

        async def fails(body):
            with self.assertRaises(RuntimeError):
                while True:
                    await anext(body)

        async def is_cancelled(body):
            reading = asyncio.create_task(anext(body))
            while not self.session.modified:
                await asyncio.sleep(0)
            reading.cancel()
            await asyncio.wait([reading])
            self.assertTrue(reading.cancelled())

        for how, waits, kept in ((leaves, False, [{"set": {"a": 1}}]), (is_cancelled, True, [{"set": {"a": 1}}]), (fails, False, [])):
            self.gate.told.clear()
            self.session = SessionStore(claims=Claims(jti="j", sid="s", sub="7"))

            async def body(session=self.session, waits=waits):
                await session.aset("a", 1)
                if waits:
                    await asyncio.Event().wait()
                yield b"begun"
                raise RuntimeError("on purpose")

            request = RequestFactory().get("/")
            request.session, request._edge_session_direct = self.session, False
            response = SessionMiddleware(lambda request: None).process_response(request, StreamingHttpResponse(body()))
            await how(aiter(response))
            await sync_to_async(response.close)()
            self.assertEqual(self.told("set"), kept, how.__name__)

    async def test_a_logout_in_an_asynchronous_body_holds_up_nobody_else(self):
        session = SessionStore(claims=Claims(jti="j", sid="s", sub="7"))
        session.answered(None)
        self.gate.answers = [(503, None)]  # it is asked again after a pause
        logout = asyncio.create_task(session.aflush())
        turns = 0
        while not logout.done():
            turns += 1
            await asyncio.sleep(0.01)
        self.assertGreater(turns, 3)
        self.assertEqual([one["op"] for one in self.gate.told], ["destroy", "destroy"])

    def test_what_the_headers_said_is_not_said_again(self):
        self.read("/stream?begin=1")
        self.assertEqual(self.edge.control, {"op": "update", "set": {"begun": True}})
        self.assertEqual(self.told("set"), [{"set": {"streamed": "yes"}}])

    def test_a_session_that_the_headers_began_is_awaited(self):
        visitor = Edge()
        response = visitor.get("/stream?begin=1")
        self.assertEqual(visitor.control, {"op": "create", "data": {"begun": True}})
        self.gate.answers = [(404, {"code": "not_found"}), (503, {"code": "store_unavailable"})]
        b"".join(response.streaming_content)
        self.assertEqual(self.told("sid", "sub", "set"), [{"sid": visitor.sid, "set": {"streamed": "yes"}}] * 3)
        first, *others = (one["jti"] for one in self.gate.told)
        self.assertEqual(len(set(others)), 1)
        self.assertNotIn(first, others, "the same message would be answered as the first time")

    def test_a_session_cannot_begin_once_the_headers_are_gone(self):
        with self.assertRaisesRegex(EdgeSessionError, "headers are gone"):
            b"".join(Edge().get("/stream").streaming_content)

    def test_a_session_that_ended_meanwhile_is_djangos_update_error(self):
        self.gate.answers = [(404, {"code": "not_found"})]
        with self.assertRaises(UpdateError):
            self.read("/stream")

    def test_a_logout_everywhere_after_the_headers_is_one_everywhere(self):
        request = RequestFactory().get("/")
        request.session = SessionStore(claims=Claims(jti="j", sid="s", sub="7"))
        request.session.answered(None)
        logout_everywhere(request)
        self.assertEqual(self.told()[-1], {"op": "destroy_all", "sub": "7"})

    def test_a_logout_after_the_headers_is_sent_at_once(self):
        session = SessionStore(claims=Claims(jti="j", sid="s", sub="7"))
        session.answered(None)
        session.flush()
        self.assertEqual(self.told(), [{"op": "destroy", "sub": "7", "sid": "s"}])

    def test_leaving_a_message_at_a_logout_everywhere_takes_two_operations(self):
        session = SessionStore(claims=Claims(jti="j", sid="s", sub="7"))
        session.flush()
        session.end_everywhere()
        session["note"] = "bye"
        self.assertEqual(session.response_operation(200), {"op": "create", "data": {"note": "bye"}})
        self.assertEqual(self.told(), [{"op": "destroy_all", "sub": "7"}])


class Jobs(WithGate, TestCase):
    def test_all_sessions_of_a_user_are_ended(self):
        alice = user()
        for who in (alice, alice.pk, str(alice.pk)):
            end_sessions(who)
        self.assertEqual(self.told("op", "sub", "sid"), [{"op": "destroy_all", "sub": str(alice.pk)}] * 3)
        account = UUID("7d444840-9dc0-11d1-b245-5ffdce74fad2")
        end_sessions(account)  # as models with a UUIDField have it
        self.assertEqual(self.gate.told[3]["sub"], str(account))
        self.assertNotIn("urllib", self.gate.told[0]["agent"].lower())
        for nobody in (None, True, get_user_model()(), object()):
            with self.assertRaises(TypeError):
                end_sessions(nobody)

    def test_one_session_is_ended_or_was_not_there(self):
        self.gate.answers = [(204, None), (404, {"code": "not_found"})]
        self.assertEqual([end_session("7", "sid"), end_session("7", "sid")], [True, False])
        self.assertEqual(self.told()[0], {"op": "destroy", "sub": "7", "sid": "sid"})

    def test_sessions_are_listed_with_their_deadlines(self):
        self.gate.answers = [(200, {"sessions": [{"sid": "s", "created": 1, "idle": 60, "absolute": 120}]})]
        (one,) = list_sessions("7")
        self.assertEqual((one.session_key, one.idle.isoformat()), ("s", "1970-01-01T00:01:00+00:00"))


class Faults(WithGate, SimpleTestCase):
    def test_a_gate_in_trouble_is_told_the_same_message_again(self):
        self.gate.answers = [(503, {"code": "store_unavailable"}), (502, None)]
        end_sessions("7")
        self.assertEqual(len({one["text"] for one in self.gate.told}), 1)
        self.assertEqual(len(self.gate.told), 3)

    def test_what_the_gate_refuses_is_an_error_with_its_code_and_is_not_repeated(self):
        for status in (400, 403, 302):
            self.gate.told.clear()
            self.gate.answers = [(status, {"code": "control_invalid"})]
            with self.assertRaisesRegex(ControlRefused, "control_invalid.; control.invalid in its log says why") as caught:
                end_sessions("7")
            self.assertEqual((caught.exception.status, len(self.gate.told)), (status, 1))

    def test_an_answer_that_is_no_http_is_an_error_too(self):
        for answer in (b"SSH-2.0-OpenSSH_9.2\r\n", b"HTTP/1.1 400 Bad Request\r\nContent-Length: 50\r\n\r\n{", b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n{"):
            with socket.create_server(("127.0.0.1", 0)) as server:

                def serve(server=server, answer=answer):
                    try:
                        while True:
                            connection, _ = server.accept()
                            with connection:
                                connection.recv(65536)
                                connection.sendall(answer)
                    except OSError:
                        pass  # closed: the test is over

                threading.Thread(target=serve, daemon=True).start()
                url = f"http://127.0.0.1:{server.getsockname()[1]}/"
                with override_settings(EDGE_SESSION={**settings.EDGE_SESSION, "CONTROL_URL": url}), self.assertRaises(ControlRefused):
                    end_sessions("7")
                server.shutdown(socket.SHUT_RDWR)

    def test_no_gate_is_an_error(self):
        gone = {**settings.EDGE_SESSION, "CONTROL_URL": "http://127.0.0.1:1/"}
        with override_settings(EDGE_SESSION=gone), self.assertRaises(ControlRefused) as caught:
            end_sessions("7")
        self.assertIsNone(caught.exception.status)
