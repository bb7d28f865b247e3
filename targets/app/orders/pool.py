"""A bounded pool of connections to one database, which remembers when the database is down."""

import threading
import time

from orders.errors import ConnectionLost, Duplicate, Unavailable


class Pool:
    """At most `size` connections made by `connect()`, each used by one thread at a time.

    While the database is down, one request tries it every `silent_for` seconds when it kept silent, which costs that
    request its whole timeout, and every `refused_for` seconds when it refused. The others are told at once.
    """

    def __init__(self, name, connect, size, wait, silent_for, refused_for, clock=time.monotonic):
        self.name = name
        self._connect = connect
        self._slots = threading.Semaphore(size)
        self._wait = wait
        self._silent_for = silent_for
        self._refused_for = refused_for
        self._clock = clock
        self._lock = threading.Lock()
        self._idle = []
        self._down = None  # why the database is down, or None
        self._pause = 0.0
        self._ask_again = 0.0

    def query(self, statement, arguments, deadline, repeatable):
        """Runs one statement and returns its rows.

        Begins nothing after `deadline` on the pool's clock. A statement that never reached the database is sent once
        more on a fresh connection; one that may have reached it only when it is `repeatable`, which a write is not.
        """
        try:
            self._refuse_while_down()
            had_to_wait = self._take_slot(deadline)
            try:
                if had_to_wait:
                    # Whoever had the slot may have found out meanwhile.
                    self._refuse_while_down()
                return self._query(statement, arguments, deadline, repeatable)
            finally:
                self._slots.release()
        except Unavailable as error:
            raise Unavailable("%s: %s" % (self.name, error)) from error

    def _take_slot(self, deadline):
        if self._slots.acquire(blocking=False):
            return False
        if self._slots.acquire(timeout=max(0, min(self._wait, deadline - self._clock()))):
            return True
        raise Unavailable("no free connection in time")

    def _query(self, statement, arguments, deadline, repeatable):
        connection = self._take_idle()
        if connection is not None:
            try:
                return self._run(connection, statement, arguments)
            except ConnectionLost as lost:
                if lost.timed_out or (lost.sent and not repeatable):
                    raise
        if self._clock() >= deadline:
            raise Unavailable("no time left to connect")
        try:
            connection = self._connect()
        except ConnectionLost as lost:
            self._note_down(lost)
            raise
        return self._run(connection, statement, arguments)

    def _run(self, connection, statement, arguments):
        try:
            rows = connection.query(statement, arguments)
        except ConnectionLost as lost:
            if lost.timed_out:
                self._note_down(lost)
            raise
        except (Duplicate, Unavailable):
            # The server answered, if not as hoped.
            self._note_up(connection)
            raise
        except BaseException:
            connection.close()
            raise
        self._note_up(connection)
        return rows

    def _note_up(self, connection):
        self._down = None
        self._idle.append(connection)

    def _take_idle(self):
        # The last one used comes first: it is the least likely to have been closed meanwhile.
        while self._idle:
            try:
                connection = self._idle.pop()
            except IndexError:  # another thread was faster
                break
            if not connection.is_stale():
                return connection
            connection.close()
        return None

    def _note_down(self, why):
        with self._lock:
            self._pause = self._silent_for if why.timed_out else self._refused_for
            self._ask_again = self._clock() + self._pause
            self._down = str(why)

    def _refuse_while_down(self):
        if self._down is None:
            return
        with self._lock:
            if self._down is not None and self._clock() < self._ask_again:
                raise Unavailable(self._down)
            # This request tries it; whoever comes meanwhile is told what is known.
            self._ask_again = self._clock() + self._pause
