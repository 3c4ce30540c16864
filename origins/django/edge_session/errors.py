"""What can go wrong between an application and its gate."""


class EdgeSessionError(Exception):
    """The root of all."""


class InvalidAssertion(EdgeSessionError):
    """A request did not come through the gate, or not just now. The text is for the log."""


class SessionDataError(EdgeSessionError, ValueError):
    """The session holds something that the gate would not take."""


class ControlRefused(EdgeSessionError):
    """The gate did not do what it was told out of band. `status` is its answer, None without one."""

    def __init__(self, message, status=None):
        super().__init__(message)
        self.status = status
