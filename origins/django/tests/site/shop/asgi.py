"""The project on an ASGI server, with WebSockets by Channels: what its documentation writes, and the kit's line."""

import os

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "shop.settings")
http = get_asgi_application()

from channels.auth import AuthMiddleware  # noqa: E402
from channels.routing import ProtocolTypeRouter, URLRouter  # noqa: E402
from django.urls import path  # noqa: E402

from edge_session.websockets import WebSocketSessions  # noqa: E402

from .consumers import Echo  # noqa: E402

application = ProtocolTypeRouter({"http": http, "websocket": WebSocketSessions(AuthMiddleware(URLRouter([path("socket", Echo.as_asgi())])))})
