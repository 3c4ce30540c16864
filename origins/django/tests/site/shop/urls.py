from django.contrib import admin
from django.urls import path

from . import views

urlpatterns = [
    path("admin/", admin.site.urls),
    path("login", views.Login.as_view()),
    path("logout", views.log_out),
    path("password", views.password),
    path("data", views.data),
    path("cart", views.cart),
    path("bump", views.bump),
    path("cached", views.cached),
    path("quiet", views.quiet),
    path("tagged", views.tagged),
    path("notice", views.notice),
    path("sudo", views.sudo),
    path("again", views.again),
    path("login-with-otp", views.login_with_otp),
    path("everywhere", views.everywhere),
    path("where", views.where),
    path("upload", views.upload),
    path("stream", views.stream),
    path("fails", views.fails),
    path("late", views.late),
    path("release", views.release),
    path("healthz", views.healthz),
]
