"""gunicorn for the demonstration, as `scripts/python-tools demo` starts it."""

import os

wsgi_app = "coins.wsgi"
bind = f"127.0.0.1:{os.environ.get('PORT', '8000')}"
threads = 8
graceful_timeout = 1
loglevel = "warning"
control_socket_disable = True  # it would be a file in the home folder


def when_ready(server):
    print("listening on", server.LISTENERS[0].sock.getsockname()[1], flush=True)
