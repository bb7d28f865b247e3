"""gunicorn's worker with threads, which lets go of idle connections at once when it is to end.

The original keeps them open until its process is gone. A web server that keeps connections for the next request sends on
one of them meanwhile, and has a reset for an answer: in a graceful reload a failed request for each kept connection.

Not in the application's package: gunicorn's master imports it, and what the master has imported stays what it is for every
worker that it forks, also after a reload for a new version.
"""

from gunicorn.workers.gthread import ThreadWorker


class Worker(ThreadWorker):
    """The worker class for gunicorn's `worker_class`."""

    def murder_keepalived(self):
        """Closes idle connections whose time is over. It is called at the end of each turn of the main loop, also of the
        last one, after which there is no time left for any."""
        if not self.alive:
            with self._lock:
                for connection in self._keep:
                    connection.timeout = 0
        super().murder_keepalived()
