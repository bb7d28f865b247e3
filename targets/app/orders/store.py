"""Orders in the databases: writes go to the primary, reads to the replica or, while it is silent, the primary."""

import time

from orders.errors import Unavailable

FIND = "SELECT id, item, quantity FROM orders WHERE id = %s"
INSERT = "INSERT INTO orders (id, item, quantity) VALUES (%s, %s, %s)"
IS_WRITABLE = "SELECT 1 - @@global.read_only"
ANSWERS = "SELECT 1"


class Store:
    """`primary` is a Pool, `replica` one or None."""

    def __init__(self, primary, replica, request_timeout, clock=time.monotonic):
        self._primary = primary
        self._replica = replica
        self._request_timeout = request_timeout
        self._clock = clock

    def find(self, order_id):
        """The row (id, item, quantity), or None. Raises Unavailable when no database answers."""
        rows, _ = self._read(FIND, (order_id,), self._deadline())
        return rows[0] if rows else None

    def insert(self, order_id, item, quantity):
        """Returns when the row is committed. Raises Duplicate, or Unavailable: then the row may be there or not."""
        self._primary.query(INSERT, (order_id, item, quantity), self._deadline(), repeatable=False)

    def readiness(self):
        """Which databases serve: ({"write": name or None, "read": name or None}, reasons)."""
        deadline = self._deadline()
        serves = {"write": None, "read": None}
        reasons = []
        try:
            if self._primary.query(IS_WRITABLE, (), deadline, repeatable=True)[0][0]:
                serves["write"] = self._primary.name
            else:
                reasons.append("%s: read only" % self._primary.name)
        except Unavailable as error:
            reasons.append(str(error))
        try:
            _, serves["read"] = self._read(ANSWERS, (), deadline)
        except Unavailable as error:
            reasons.append(str(error))
        return serves, reasons

    def _deadline(self):
        return self._clock() + self._request_timeout

    def _read(self, statement, arguments, deadline):
        """The rows, and the name of the database that gave them."""
        if self._replica is None:
            return self._primary.query(statement, arguments, deadline, repeatable=True), self._primary.name
        try:
            return self._replica.query(statement, arguments, deadline, repeatable=True), self._replica.name
        except Unavailable as replica_error:
            try:
                return self._primary.query(statement, arguments, deadline, repeatable=True), self._primary.name
            except Unavailable as primary_error:
                raise Unavailable("%s; %s" % (replica_error, primary_error)) from primary_error
