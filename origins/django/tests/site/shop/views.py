"""Views as applications have them, and a few that tests need to look inside. None knows of edge-session but `everywhere`."""

import json
import threading
from itertools import count

from django.contrib import messages
from django.contrib.auth import get_user_model, login, logout, update_session_auth_hash
from django.contrib.auth.decorators import login_required
from django.contrib.auth.views import LoginView
from django.http import HttpResponse, JsonResponse, StreamingHttpResponse
from django.middleware.csrf import get_token
from django.shortcuts import redirect
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from edge_session import logout_everywhere

made = count(1)
held = {}
seen = []  # paths of unsafe requests that came this far


def named(name):
    return held.setdefault(name, threading.Event())


class Login(LoginView):
    """Django's own, with the usual "remember me" over it."""

    template_name = "login.html"

    def form_valid(self, form):
        response = super().form_valid(form)
        self.request.session.set_expiry(14 * 86400 if self.request.POST.get("remember") else 0)
        return response


@require_POST
def log_out(request):
    logout(request)
    if request.GET.get("say"):
        messages.info(request, "You have been logged out.")
    return redirect("/login")


@login_required
def password(request):
    request.user.set_password(request.POST["password"])
    request.user.save()
    update_session_auth_hash(request, request.user)
    return HttpResponse("changed")


@never_cache
def data(request):
    """GET tells the session; POST with a JSON body of `set` and `unset` changes it."""
    if request.method == "POST":
        seen.append(request.path)
        body = json.loads(request.body)
        request.session.update(body.get("set", {}))
        for name in body.get("unset", []):
            request.session.pop(name, None)
    kept = {name: value for name, value in request.session.items() if name[0] != "_"}
    user = request.user.get_username()
    return JsonResponse({"user": user, "key": request.session.session_key, "data": kept, "token": get_token(request), "age": request.session.get_expiry_age()})


@never_cache
def cart(request):
    """The usual way to give a visitor's cart a key."""
    if not request.session.session_key:
        request.session.create()
    return JsonResponse({"cart": request.session.session_key})


@never_cache
def bump(request):
    request.session[request.GET["name"]] = json.loads(request.GET.get("value", "1"))
    return HttpResponse("ok")


def cached(request):
    """A page of the per-site cache that reads the session."""
    return HttpResponse(f"{next(made)} {request.user.get_username() or 'nobody'} {request.session.get('note', '')}")


def quiet(request):
    return HttpResponse(f"{next(made)}")


def tagged(request):
    """A page with an entity tag that changes the session: a 304 must not lose that."""
    request.session["tagged"] = request.session.get("tagged", 0) + 1
    return HttpResponse("always the same", headers={"ETag": '"same"'})


def notice(request):
    if request.method == "POST":
        messages.success(request, "Gespeichert: Grüße")
        return redirect("/notice")
    return HttpResponse("|".join(str(message) for message in messages.get_messages(request)))


def sudo(request):
    request.session.cycle_key()
    request.session["sudo"] = True
    return JsonResponse({"key": request.session.session_key})


def login_with_otp(request):
    login(request, get_user_model().objects.get(username=request.POST["user"]))
    request.session.authenticated(amr=["pwd", "otp"])
    return redirect("/data")


def again(request):
    request.session.authenticated(amr=["pwd", "otp"], end_others=True)
    return JsonResponse({"key": request.session.session_key})


def everywhere(request):
    logout_everywhere(request)
    return redirect("/login")


@never_cache
def where(request):
    meta = {name: value for name, value in request.META.items() if name.startswith(("HTTP_X_", "HTTP_FORWARDED", "HTTP_EDGE"))}
    return JsonResponse({"uri": request.build_absolute_uri("/x"), "secure": request.is_secure(), "meta": meta, "cookies": sorted(request.COOKIES)})


def upload(request):
    total = 0
    while part := request.read(65536):
        total += len(part)
    request.session["uploaded"] = total
    return HttpResponse(str(total))


def stream(request):
    def body():
        yield "begun\n"
        request.session["streamed"] = request.GET.get("value", "yes")
        if request.GET.get("save"):
            request.session.save()
        yield "done\n"

    if request.GET.get("begin"):
        request.session["begun"] = True
    return StreamingHttpResponse(body())


def fails(request):
    request.session["lost"] = True
    if request.GET.get("logout"):
        logout(request)
    if request.GET.get("huge"):
        request.session["huge"] = json.loads(request.GET["huge"])
        return HttpResponse("not an error?")
    raise RuntimeError("on purpose")


def late(request):
    """Changes the session, and answers only when it is released."""
    request.session["late"] = True
    named(f"{request.GET['name']} here").set()
    named(request.GET["name"]).wait(20)
    return HttpResponse("late")


def release(request):
    if request.GET.get("await"):
        named(f"{request.GET['await']} here").wait(20)
    else:
        named(request.GET["name"]).set()
    return HttpResponse("ok")


def healthz(request):
    if request.GET.get("session"):
        request.session["x"] = 1
    return HttpResponse(f"healthy {len(seen)}")
