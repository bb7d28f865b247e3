"""Settings of the order service, all from the environment.

    DB_PRIMARY       host:port of the database that takes writes (required)
    DB_REPLICA       host:port of a database to read from (default: none, reads go to the primary)
    DB_USER          account in both databases (default: orders)
    DB_PASSWORD      its password (default: empty)
    DB_NAME          schema that holds the table (default: shop)
    DB_CA            PEM file of the authority that vouches for the databases: they are spoken to by TLS only, and each
                     must show a certificate for the very host that DB_PRIMARY or DB_REPLICA names (default: in clear)
    NODE_NAME        told to the client in X-Served-By (default: the host's name)
    APP_THREADS      requests answered at the same time (default: 64; gunicorn reads it too)
    DB_POOL_SIZE     connections to each database (default: 6)

Every wait has an end, in seconds:

    DB_CONNECT_TIMEOUT    1    until a TCP connection to a database stands
    DB_STATEMENT_TIMEOUT  2    for sending a statement, and for each part of its answer
    DB_POOL_TIMEOUT       1    for a free connection of the pool
    DB_REQUEST_TIMEOUT    3    after this long a request begins nothing new: so it is answered within 3 + 2 seconds
    DB_SILENT_FOR         1    a database that kept silent is left alone this long, then one request tries it
    DB_REFUSED_FOR        0.2  the same for one that refused a connection, since trying costs little
"""

import os
import socket
from collections import namedtuple

Address = namedtuple("Address", "host port")

Settings = namedtuple(
    "Settings",
    "primary replica user password schema authority node threads pool_size"
    " connect_timeout statement_timeout pool_timeout request_timeout silent_for refused_for",
)


def read(environment=os.environ):
    """Reads the settings; raises ValueError, naming the variable, when one is missing or makes no sense."""

    def number(name, default, kind):
        text = environment.get(name, default)
        try:
            value = kind(text)
        except ValueError:
            raise ValueError("%s=%r is not a number" % (name, text)) from None
        if not value > 0:
            raise ValueError("%s=%r must be above 0" % (name, text))
        return value

    def address(name):
        host, colon, port = environment[name].rpartition(":")
        if not (host and colon and port.isdigit()):
            raise ValueError("%s=%r is not host:port" % (name, environment[name]))
        return Address(host, int(port))

    if not environment.get("DB_PRIMARY"):
        raise ValueError("DB_PRIMARY is not set: give host:port of the database that takes writes")
    return Settings(
        primary=address("DB_PRIMARY"),
        replica=address("DB_REPLICA") if environment.get("DB_REPLICA") else None,
        user=environment.get("DB_USER", "orders"),
        password=environment.get("DB_PASSWORD", ""),
        schema=environment.get("DB_NAME", "shop"),
        authority=environment.get("DB_CA") or None,
        node=environment.get("NODE_NAME") or socket.gethostname(),
        threads=number("APP_THREADS", "64", int),
        pool_size=number("DB_POOL_SIZE", "6", int),
        connect_timeout=number("DB_CONNECT_TIMEOUT", "1", float),
        statement_timeout=number("DB_STATEMENT_TIMEOUT", "2", float),
        pool_timeout=number("DB_POOL_TIMEOUT", "1", float),
        request_timeout=number("DB_REQUEST_TIMEOUT", "3", float),
        silent_for=number("DB_SILENT_FOR", "1", float),
        refused_for=number("DB_REFUSED_FOR", "0.2", float),
    )
