"""The HTTP interface (WSGI, PEP 3333).

    GET  /api/orders/{id}   200 with the order, 404
    POST /api/orders        {"id": "...", "item": "...", "quantity": n}: 201 once committed, 409 when the id is taken
    GET  /health            200 with the version while the process is alive; asks no database
    GET  /ready             200 when a database takes writes and one answers reads, and says which; else 503
    GET  /metrics           200 for a monitor (Prometheus' text format): that it is alive, and the version

A database that does not answer makes a 503 with the reason. Every answer names this node in X-Served-By and, but for
/metrics, is JSON.
"""

import json
import re
import threading

from orders import VERSION
from orders.errors import Duplicate, Unavailable

# An id is the client's choice; these characters need no quoting in an address.
ORDER_ID = re.compile(r"[A-Za-z0-9._~-]{1,64}\Z")
ORDERS = "/api/orders"
LARGEST_BODY = 16 * 1024
LARGEST_QUANTITY = 1000000
# Requests are counted by those in front, who see also what never gets here.
METRICS = '''\
# HELP application_info Always 1; the label says which version answers.
# TYPE application_info gauge
application_info{version="%s"} 1
''' % VERSION
# Threads that never wait for a database, so that /health is answered while every other thread waits.
SPARE_THREADS = 4


class Rejected(Exception):
    """An answer other than success: status line, message for the client, further headers."""

    def __init__(self, status, message, *headers):
        super().__init__(message)
        self.status = status
        self.headers = headers


class Service:
    """The WSGI application over a Store."""

    def __init__(self, store, node, threads):
        self._store = store
        self._node = node
        self._seats = threading.Semaphore(max(1, threads - SPARE_THREADS))

    def __call__(self, environ, start_response):
        try:
            status, headers, answer = self._answer(environ)
        except Rejected as rejected:
            status, headers, answer = rejected.status, rejected.headers, {"error": str(rejected)}
        except Unavailable as error:
            status, headers = "503 Service Unavailable", (("Retry-After", "1"),)
            answer = {"error": "the database does not answer", "reason": str(error)}
        except Exception as error:
            # A fault of ours: the log gets the whole story, the client does not.
            environ["wsgi.errors"].write("%s: %r\n" % (environ["PATH_INFO"], error))
            status, headers, answer = "500 Internal Server Error", (), {"error": "internal error"}
        kind, body = ("text/plain; version=0.0.4", answer) if isinstance(answer, str) else \
            ("application/json", json.dumps(answer) + "\n")
        body = body.encode()
        start_response(status, [
            ("Content-Type", kind),
            ("Content-Length", str(len(body))),
            ("X-Served-By", self._node),
            *headers,
        ])
        return [body]

    def _answer(self, environ):
        method, path = environ["REQUEST_METHOD"], environ["PATH_INFO"]
        if path == ORDERS:
            expect(method, "POST")
            return self._insert(environ)
        if path.startswith(ORDERS + "/"):
            expect(method, "GET", "HEAD")
            return self._find(path[len(ORDERS) + 1:])
        if path == "/health":
            expect(method, "GET", "HEAD")
            return "200 OK", (), {"status": "alive", "version": VERSION}
        if path == "/ready":
            expect(method, "GET", "HEAD")
            return self._readiness()
        if path == "/metrics":
            expect(method, "GET", "HEAD")
            return "200 OK", (), METRICS
        raise Rejected("404 Not Found", "no such page")

    def _find(self, order_id):
        row = self._with_database(self._store.find, order_id) if ORDER_ID.match(order_id) else None
        if row is None:
            raise Rejected("404 Not Found", "no such order")
        return "200 OK", (), {"id": row[0], "item": row[1], "quantity": row[2]}

    def _insert(self, environ):
        order_id, item, quantity = order(read_body(environ))
        try:
            self._with_database(self._store.insert, order_id, item, quantity)
        except Duplicate:
            raise Rejected("409 Conflict", "order %s exists already" % order_id) from None
        location = ("Location", "%s/%s" % (ORDERS, order_id))
        return "201 Created", (location,), {"id": order_id, "item": item, "quantity": quantity}

    def _readiness(self):
        serves, reasons = self._with_database(self._store.readiness)
        if serves["write"] and serves["read"]:
            return "200 OK", (), {"status": "ready", **serves}
        return "503 Service Unavailable", (), {"status": "not ready", **serves, "reason": "; ".join(reasons)}

    def _with_database(self, work, *arguments):
        if not self._seats.acquire(blocking=False):
            raise Unavailable("too many requests wait for it")
        try:
            return work(*arguments)
        finally:
            self._seats.release()


def expect(method, *allowed):
    """Rejects every method but `allowed`."""
    if method not in allowed:
        raise Rejected("405 Method Not Allowed", "use " + " or ".join(allowed), ("Allow", ", ".join(allowed)))


def read_body(environ):
    """The JSON value in the request's body."""
    try:
        length = int(environ.get("CONTENT_LENGTH") or 0)
    except ValueError:
        raise Rejected("400 Bad Request", "Content-Length is not a number") from None
    if length > LARGEST_BODY:
        raise Rejected("413 Content Too Large", "the body is longer than %d bytes" % LARGEST_BODY)
    try:
        return json.loads(environ["wsgi.input"].read(length))
    except ValueError:
        raise Rejected("400 Bad Request", "the body is not JSON") from None


def order(value):
    """The id, item and quantity in a request's JSON value."""
    if not isinstance(value, dict):
        raise Rejected("400 Bad Request", 'expected {"id": "...", "item": "...", "quantity": n}')
    order_id, item, quantity = value.get("id"), value.get("item"), value.get("quantity")
    if not (isinstance(order_id, str) and ORDER_ID.match(order_id)):
        raise Rejected("400 Bad Request", "id must be 1 to 64 letters, digits and . _ ~ -")
    if not (isinstance(item, str) and 0 < len(item) <= 200):
        raise Rejected("400 Bad Request", "item must be a text of 1 to 200 characters")
    # bool is a kind of int in Python, but not a quantity.
    if type(quantity) is not int or not 0 < quantity <= LARGEST_QUANTITY:
        raise Rejected("400 Bad Request", "quantity must be a whole number from 1 to %d" % LARGEST_QUANTITY)
    return order_id, item, quantity
