"""Connections to MariaDB. The only module that knows PyMySQL."""

import select
import socket
import ssl

import pymysql
from pymysql.constants import CR, ER

from orders.errors import ConnectionLost, Duplicate, Unavailable


# What the client's side found; the numbers below come from the server.
CLIENT_ERRORS = range(2000, 3000)


class Connection:
    """One connection, in autocommit mode: a statement that was answered is committed."""

    def __init__(self, address, settings):
        """Connects; raises ConnectionLost when that fails."""
        try:
            self._mysql = pymysql.connect(
                host=address.host,
                port=address.port,
                user=settings.user,
                password=settings.password,
                database=settings.schema,
                charset="utf8mb4",
                autocommit=True,
                connect_timeout=settings.connect_timeout,
                read_timeout=settings.statement_timeout,
                write_timeout=settings.statement_timeout,
                # PyMySQL has the name or address of the host checked too, before it logs in.
                ssl_ca=settings.authority,
                ssl_verify_cert=bool(settings.authority),
                ssl_verify_identity=bool(settings.authority),
            )
        except pymysql.err.MySQLError as error:
            raise ConnectionLost(message(error), sent=False, timed_out=timed_out(error)) from error
        if settings.authority and not isinstance(self._mysql._sock, ssl.SSLSocket):
            # PyMySQL goes on in clear with a server that offers no TLS.
            self.close()
            raise ConnectionLost("the server offers no TLS", sent=False, timed_out=False)
        self._poll = select.poll()
        self._poll.register(self._mysql._sock, select.POLLIN)

    def is_stale(self):
        """Whether the server has hung up: an idle connection on which something arrives has been closed."""
        return bool(self._poll.poll(0))

    def query(self, statement, arguments):
        """Runs one statement and returns its rows."""
        try:
            with self._mysql.cursor() as cursor:
                cursor.execute(statement, arguments)
                return cursor.fetchall()
        except pymysql.err.MySQLError as error:
            raise self._told(error) from error

    def close(self):
        """Closes without asking the server, which may not answer."""
        self._mysql._force_close()

    def _told(self, error):
        code = error.args[0] if error.args else None
        if code == ER.DUP_ENTRY:
            return Duplicate()
        if not self._mysql.open or not isinstance(code, int) or code in CLIENT_ERRORS:
            # PyMySQL says "gone away" when it could not write the whole statement, and a part is never executed.
            self.close()
            return ConnectionLost(message(error), sent=code != CR.CR_SERVER_GONE_ERROR, timed_out=timed_out(error))
        return Unavailable(message(error))


def message(error):
    """The error's text without its number."""
    return str(error.args[-1]) if error.args else type(error).__name__


def timed_out(error):
    """Whether the cause of a PyMySQL error is silence."""
    while error is not None:
        if isinstance(error, socket.timeout):
            return True
        error = error.__cause__ or error.__context__
    return False
