"""Views as Django applications have them. Only `session`, `end_one` and `end_all` know of edge-session."""

import json
import secrets
import time
from datetime import datetime, timezone

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.contrib.auth.models import User
from django.contrib.auth.views import LoginView
from django.db import transaction
from django.db.models import F
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_POST

from edge_session import SessionDataError, end_session, list_sessions, logout_everywhere

from .models import Account

REMEMBER = 30 * 86400
UNLOCKED_FOR = 300


def site(request):
    """For every page."""
    return {"attacker": settings.ATTACKER}


@require_GET
def home(request):
    return render(request, "home.html", {"count": request.session.get("count", 0)})


@require_POST
def counter(request):
    """Works without signing in: writing to the session of nobody makes an anonymous one, and a login takes it along."""
    request.session["count"] = request.session.get("count", 0) + 1
    return redirect("/")


class Login(LoginView):
    """Django's own: a login begins a new session at the gate."""

    template_name = "login.html"
    redirect_authenticated_user = True

    def get_context_data(self, **kwargs):
        return super().get_context_data(people=User.objects.order_by("pk"), **kwargs)

    def form_valid(self, form):
        response = super().form_valid(form)
        if self.request.POST.get("remember"):
            self.request.session.set_expiry(REMEMBER)  # otherwise the cookie goes with the browser
        return response


# `login_required` says what the gate's path rules say. An application should still not show pages to nobody where they don't.


@login_required
@require_GET
def session(request):
    claims = request.session.claims  # what the gate has signed
    times = claims["session"]
    context = {
        "claims": claims,
        "told": json.dumps(claims, indent=2, ensure_ascii=False),
        "created": _date(times["created"]),
        "authenticated": _date(claims["auth_time"]),
        "checked": _date(times["checked"]),
        "deadlines": [
            ("idle", "Idle", "until it ends, unless you do something", _date(times["idle"]), times["idle"] - claims["iat"]),
            ("absolute", "Absolute", "until it ends, whatever you do", _date(times["absolute"]), times["absolute"] - times["created"]),
        ],
        "notes": [(name, text) for name, text in request.session.items() if name.startswith("note-")],
        "unlocked": _unlocked(request) and _date(request.session["unlocked_until"]),
        "others": User.objects.exclude(pk=request.user.pk).order_by("pk"),
        "sessions": list_sessions(request.user),
    }
    return render(request, "session.html", context)


@login_required
@require_POST
def add_note(request):
    """A change of data. Each note is a member of its own: only members that changed are sent, so two tabs lose nothing."""
    name, text = f"note-{secrets.token_hex(4)}", request.POST.get("text", "").strip()[:140]
    if text:
        request.session[name] = text
        try:
            request.session.save()  # it is saved with the response; this says beforehand whether it fits
            messages.success(request, "Note added, in one atomic update.")
        except SessionDataError:
            del request.session[name]
            messages.error(request, "A session holds 2 KiB. Remove a note first; what is large belongs into a database.")
    return redirect("/session#notes")


@login_required
@require_POST
def remove_note(request):
    name = request.POST.get("name", "")
    if name.startswith("note-") and request.session.pop(name, None) is not None:
        messages.success(request, "Note removed.")
    return redirect("/session#notes")


@login_required
def confirm(request):
    """A change of privilege. More rights mean a new ID: one that leaked before this moment is worth nothing now."""
    if request.method != "POST":
        return render(request, "confirm.html")
    if not request.user.check_password(request.POST.get("password", "")):
        return render(request, "confirm.html", {"failed": True}, status=401)
    request.session["unlocked_until"] = int(time.time()) + UNLOCKED_FOR
    request.session.authenticated(amr=["pwd"])
    messages.success(request, "Password confirmed. The session has a new ID; the old one is dead.")
    return redirect("/session#transfer")


@login_required
@require_POST
def lock(request):
    request.session.pop("unlocked_until", None)
    request.session.cycle_key()
    messages.success(request, "Locked again, with a new ID.")
    return redirect("/session#transfer")


@login_required
@require_POST
def transfer(request):
    if not _unlocked(request):
        return redirect("/confirm")
    to, amount = request.POST.get("to", ""), request.POST.get("amount", "")
    if to.isdecimal() and amount.isdecimal() and int(amount) > 0 and _move(request.user.pk, int(to), int(amount)):
        messages.success(request, "Money sent.")
    else:
        messages.error(request, "That transfer is not possible.")
    return redirect("/session#transfer")


@login_required
@require_POST
def end_one(request):
    end_session(request.user, request.POST.get("sid", ""))
    messages.success(request, "That session has ended. Its browser is signed out with its next click.")
    return redirect("/session#sessions")


@require_POST
def end_all(request):
    logout_everywhere(request)
    messages.success(request, "You are signed out everywhere.")
    return redirect("/")


def _unlocked(request):
    return request.session.get("unlocked_until", 0) > time.time()


def _move(giver, taker, amount):
    with transaction.atomic():
        found = giver != taker and Account.objects.filter(pk=taker).exists()
        paid = found and Account.objects.filter(pk=giver, balance__gte=amount).update(balance=F("balance") - amount)
        if paid:
            Account.objects.filter(pk=taker).update(balance=F("balance") + amount)
    return bool(paid)


def _date(seconds):
    return datetime.fromtimestamp(seconds, timezone.utc)
