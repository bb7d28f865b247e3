"""What can go wrong between the service and a database, in the service's own words."""


class Unavailable(Exception):
    """The database could not do it now. The message is told to the client as the reason."""


class ConnectionLost(Unavailable):
    """The connection broke and is closed.

    `sent` says whether the statement may have reached the database: if so a write may have been made.
    `timed_out` says that the database kept silent, so that asking again would only wait again.
    """

    def __init__(self, reason, sent, timed_out):
        super().__init__(reason)
        self.sent = sent
        self.timed_out = timed_out


class Duplicate(Exception):
    """There is a row with this key already."""
