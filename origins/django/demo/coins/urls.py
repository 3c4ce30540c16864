from django.conf import settings
from django.contrib.auth.views import LogoutView
from django.urls import path
from django.views.static import serve

from . import views

urlpatterns = [
    path("", views.home),
    path("counter", views.counter),
    path("login", views.Login.as_view()),
    path("logout", LogoutView.as_view()),
    path("session", views.session),
    path("notes", views.add_note),
    path("notes/remove", views.remove_note),
    path("confirm", views.confirm),
    path("lock", views.lock),
    path("transfer", views.transfer),
    path("sessions/end", views.end_one),
    path("sessions/end-all", views.end_all),
    path("assets/<path:path>", serve, {"document_root": settings.ASSETS}),
]
