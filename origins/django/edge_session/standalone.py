"""Sessions of one process, for development and tests without a gate.

Guarantees: conf.py lets it run under DEBUG or in a test run only. It does to sessions what the gate
does as far as one application can see; it has no idle times, no rotation by itself, no CSRF rules.
"""

import copy
import secrets
import threading
import time

from .errors import ControlRefused
from .jws import Claims

IDLE, ABSOLUTE, REMEMBER = 30 * 60, 12 * 3600, 30 * 86400


class Sessions:
    def __init__(self):
        self._kept = {}  # sid -> record
        self._lock = threading.Lock()

    def clear(self):
        with self._lock:
            self._kept.clear()

    def claims(self, sid):
        """What the gate would say of a request with this cookie."""
        jti, now = secrets.token_urlsafe(16), int(time.time())
        with self._lock:
            one = self._alive(sid, now)
            if one is None:
                return Claims(jti=jti, raw={"jti": jti})
            one = copy.deepcopy(one)
        session = {"created": one["created"], "idle": min(now + one["idle"], one["absolute"]), "absolute": one["absolute"], "checked": now}
        raw = {"jti": jti, "sid": sid, "sub": one["sub"], "auth_time": one["auth_time"], "amr": one.get("amr"), "session": session, "data": one["data"]}
        raw = {name: value for name, value in raw.items() if value is not None}
        return Claims(jti=jti, sid=sid, sub=one["sub"], data=one["data"], raw=raw)

    def apply(self, claims, operation):
        """Carries out a control and returns the session's key after it."""
        op, now = operation["op"], int(time.time())
        with self._lock:
            current = self._alive(claims.sid, now)
            if op == "destroy_all":
                self._end(operation.get("sub", claims.sub))
            if op in ("destroy", "destroy_all", "create"):
                self._kept.pop(claims.sid, None)
            if op == "create":
                life = REMEMBER if operation.get("remember") else ABSOLUTE
                idle = REMEMBER if operation.get("remember") else IDLE
                sub = operation.get("sub")
                current = {"sub": sub, "data": operation.get("data", {}), "created": now, "auth_time": now if sub else None}
                current |= {"idle": idle, "absolute": now + life, "remember": bool(operation.get("remember"))}
                self._kept[claims.jti] = current
            elif op not in ("update", "rotate") or current is None:
                return None
            self._change(current, operation, now)
            if operation.get("end_others"):
                self._kept = {sid: one for sid, one in self._kept.items() if one is current or one["sub"] != current["sub"]}
            if op == "rotate" and current["sub"] is not None:
                self._kept[claims.jti] = self._kept.pop(claims.sid)
            return claims.sid if op == "update" or (op == "rotate" and current["sub"] is None) else claims.jti

    def told(self, operation):
        """The same for what goes out of band."""
        op, sub, now = operation["op"], operation.get("sub"), int(time.time())
        with self._lock:
            if op == "destroy_all":
                return self._end(sub)
            if op == "list":
                alive = {sid: one for sid in list(self._kept) if (one := self._alive(sid, now)) and one["sub"] == sub}
                return {"sessions": [{"sid": sid, "created": one["created"], "idle": min(now + one["idle"], one["absolute"]), "absolute": one["absolute"]} for sid, one in alive.items()]}
            one = self._alive(operation["sid"], now)
            if one is None or one["sub"] != sub:
                raise ControlRefused("there is no such session", 404)
            if op == "destroy":
                del self._kept[operation["sid"]]
            else:
                self._change(one, operation, now)
            return None

    def lasts(self, sid):
        """The seconds that the session's cookie outlives the browser; None for one that does not."""
        with self._lock:
            one = self._alive(sid, int(time.time()))
            return one["absolute"] - int(time.time()) if one and one["remember"] else None

    def _alive(self, sid, now):
        one = self._kept.get(sid)
        return one if one is not None and now < one["absolute"] else None

    def _end(self, sub):
        for sid in [sid for sid, one in self._kept.items() if sub is not None and one["sub"] == sub]:
            del self._kept[sid]

    @staticmethod
    def _change(one, operation, now):
        data = {name: value for name, value in one["data"].items() if name not in operation.get("unset", ())}
        one["data"] = copy.deepcopy({**data, **operation.get("set", {})})
        one["idle"] = min(one["idle"], operation.get("idle", one["idle"]))
        one["absolute"] = min(one["absolute"], now + operation.get("absolute", REMEMBER))
        one.update({name: operation[name] for name in ("auth_time", "amr") if name in operation})


sessions = Sessions()
