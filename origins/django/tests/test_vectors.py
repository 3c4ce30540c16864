"""The shared vectors, which the Rust core makes and judges too."""

import datetime
import json
import unittest
from pathlib import Path
from unittest import mock

from django.core.signing import JSONSerializer

from edge_session import data
from edge_session.conf import Config, parse_keys
from edge_session.errors import InvalidAssertion, SessionDataError
from edge_session.jws import CONTROL, compact, read_assertion, sign, sign_control

PATH = Path(__file__).resolve().parents[3] / "tests/vectors/vectors.json"
vectors = json.loads(PATH.read_text()) if PATH.exists() else None
LIMIT = 2048


def at(seconds):
    """PyJWT's clock."""

    class Clock(datetime.datetime):
        @classmethod
        def now(cls, tz=None):
            return datetime.datetime.fromtimestamp(seconds, tz)

    return mock.patch("jwt.api_jwt.datetime", Clock)


@unittest.skipIf(vectors is None, "tests/vectors/vectors.json is not there")
class Vectors(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.keys = parse_keys(vectors["keys"])
        cls.config = Config(vectors["issuer"], vectors["audience"], cls.keys, frozenset(), True, LIMIT, "", 5, False)

    def test_exactly_the_assertions_that_the_core_accepts_are_accepted(self):
        for one in vectors["assertions"]:
            with self.subTest(one["name"]), at(one["now"]):
                if one["accept"]:
                    claims = read_assertion(self.config, one["token"])
                    self.assertEqual(data.exact(claims.raw), data.exact(one["claims"]))
                else:
                    with self.assertRaises(InvalidAssertion):
                        read_assertion(self.config, one["token"])

    def test_signed_controls_are_the_cores_byte_for_byte(self):
        checked = 0
        for one in vectors["controls"] + vectors["out_of_band"]:
            header = json.loads(one["header"]) if one["accept"] else {}
            if list(header) != ["alg", "typ", "kid"]:
                continue
            with self.subTest(one["name"]):
                key = next(key for key in self.keys if key[0] == header["kid"])
                self.assertEqual(sign(key, CONTROL, one["payload"]), one["token"])
                checked += 1
        self.assertGreater(checked, 15)

    def test_a_control_of_ours_is_the_cores(self):
        one = next(one for one in vectors["controls"] if one["name"] == "create, a user")
        payload = json.loads(one["payload"])
        operation = {name: value for name, value in payload.items() if name not in ("iss", "aud", "iat", "exp", "req")}
        token = sign_control(self.config, operation, now=payload["iat"], req=one["req"])
        self.assertEqual(token, one["token"])

    def test_a_control_that_is_longer_than_the_gate_takes_is_an_error_of_the_application(self):
        with self.assertRaises(SessionDataError):
            sign_control(self.config, {"op": "update", "set": {"a": "x" * 6000}}, req="r")

    def test_data_that_the_core_refuses_is_refused_before_it_is_sent(self):
        for one in vectors["data"]:
            with self.subTest(one["name"]):
                try:
                    value = data.normalise(JSONSerializer, json.loads(one["json"]))
                    data.check(value, one.get("bytes", LIMIT))
                except SessionDataError:
                    self.assertFalse(one["accept"])
                else:
                    self.assertTrue(one["accept"])
                    self.assertEqual(len(compact(value).encode()), one["bytes"])
                    with self.assertRaises(SessionDataError):
                        data.check(value, one["bytes"] - 1)

    def test_changes_are_the_cores(self):
        for one in vectors["changes"]:
            with self.subTest(one["name"]):
                change = data.difference(one["before"], one["after"])
                self.assertEqual(data.exact(change.get("set", {})), data.exact(one["set"]))
                self.assertEqual(sorted(change.get("unset", [])), one["unset"])
