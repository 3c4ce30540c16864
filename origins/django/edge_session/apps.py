from django.apps import AppConfig


class EdgeSessionConfig(AppConfig):
    name = "edge_session"
    verbose_name = "Edge session"

    def ready(self):
        from . import checks  # noqa: F401  registers them
