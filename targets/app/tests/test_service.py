import io
import json
import threading
import unittest

from orders import VERSION
from orders.errors import Duplicate, Unavailable
from orders.service import LARGEST_BODY, SPARE_THREADS, Service


class FakeStore:
    def __init__(self):
        self.rows = {"7": ("7", "tea", 2)}
        self.failure = None

    def find(self, order_id):
        if self.failure:
            raise self.failure
        return self.rows.get(order_id)

    def insert(self, order_id, item, quantity):
        if self.failure:
            raise self.failure
        if order_id in self.rows:
            raise Duplicate()
        self.rows[order_id] = (order_id, item, quantity)

    def readiness(self):
        if self.failure:
            return {"write": None, "read": "replica"}, [str(self.failure)]
        return {"write": "primary", "read": "replica"}, []


class ServiceTest(unittest.TestCase):
    def setUp(self):
        self.store = FakeStore()
        self.service = Service(self.store, "server2", threads=SPARE_THREADS + 1)
        self.log = io.StringIO()

    def ask(self, method, path, body=b"", length=None):
        if not isinstance(body, bytes):
            body = json.dumps(body).encode()
        environ = {
            "REQUEST_METHOD": method,
            "PATH_INFO": path,
            "CONTENT_LENGTH": str(len(body)) if length is None else length,
            "wsgi.input": io.BytesIO(body),
            "wsgi.errors": self.log,
        }
        said = []
        answer = b"".join(self.service(environ, lambda status, headers: said.append((status, dict(headers)))))
        (status, headers), = said
        self.assertEqual(headers["X-Served-By"], "server2")
        self.assertEqual(int(headers["Content-Length"]), len(answer))
        text = headers["Content-Type"].startswith("text/plain")
        return int(status[:3]), answer.decode() if text else json.loads(answer), headers

    def test_an_order_is_read(self):
        self.assertEqual(self.ask("GET", "/api/orders/7")[:2], (200, {"id": "7", "item": "tea", "quantity": 2}))
        self.assertEqual(self.ask("GET", "/api/orders/8")[0], 404)
        self.assertEqual(self.ask("GET", "/api/orders/a b")[0], 404)

    def test_an_order_is_placed_once(self):
        body = {"id": "new-1", "item": "milk", "quantity": 3}
        status, answer, headers = self.ask("POST", "/api/orders", body)
        self.assertEqual((status, answer, headers["Location"]), (201, body, "/api/orders/new-1"))
        self.assertEqual(self.ask("POST", "/api/orders", body)[0], 409)
        self.assertEqual(self.ask("GET", "/api/orders/new-1")[1], body)

    def test_a_bad_order_is_refused_and_the_answer_says_why(self):
        good = {"id": "x", "item": "tea", "quantity": 1}
        bad = [
            (b"{", "JSON"),
            (b"\xff", "JSON"),
            (b"", "JSON"),
            ([], "expected"),
            ({**good, "id": ""}, "id"),
            ({**good, "id": "x" * 65}, "id"),
            ({**good, "id": "a/b"}, "id"),
            ({**good, "id": "a\n"}, "id"),
            ({**good, "id": 7}, "id"),
            ({**good, "item": ""}, "item"),
            ({**good, "item": None}, "item"),
            ({**good, "quantity": 0}, "quantity"),
            ({**good, "quantity": True}, "quantity"),
            ({**good, "quantity": 1.5}, "quantity"),
            ({**good, "quantity": 10**9}, "quantity"),
        ]
        for body, expected in bad:
            with self.subTest(body=body):
                status, answer, _ = self.ask("POST", "/api/orders", body)
                self.assertEqual(status, 400)
                self.assertIn(expected, answer["error"])
        self.assertEqual(self.store.rows.keys(), {"7"})

    def test_a_body_that_is_too_long_is_not_read(self):
        self.assertEqual(self.ask("POST", "/api/orders", b"x", length=str(LARGEST_BODY + 1))[0], 413)
        self.assertEqual(self.ask("POST", "/api/orders", b"x", length="many")[0], 400)

    def test_other_methods_and_pages_are_refused(self):
        status, _, headers = self.ask("DELETE", "/api/orders/7")
        self.assertEqual((status, headers["Allow"]), (405, "GET, HEAD"))
        self.assertEqual(self.ask("GET", "/api/orders")[0], 405)
        self.assertEqual(self.ask("GET", "/admin")[0], 404)

    def test_a_database_that_does_not_answer_is_503_with_the_reason(self):
        self.store.failure = Unavailable("primary db:1: refused")
        for method, path, body in [
            ("GET", "/api/orders/7", b""),
            ("POST", "/api/orders", {"id": "x", "item": "tea", "quantity": 1}),
            ("GET", "/ready", b""),
        ]:
            status, answer, _ = self.ask(method, path, body)
            self.assertEqual((status, answer["reason"]), (503, "primary db:1: refused"), path)
        self.assertEqual(self.ask("GET", "/health")[0], 200)

    def test_ready_says_which_databases_serve(self):
        status, answer, _ = self.ask("GET", "/ready")
        self.assertEqual((status, answer), (200, {"status": "ready", "write": "primary", "read": "replica"}))

    def test_a_monitor_is_told_the_version(self):
        status, answer, _ = self.ask("GET", "/metrics")
        self.assertEqual((status, answer.splitlines()[-1]), (200, 'application_info{version="%s"} 1' % VERSION))

    def test_a_fault_of_ours_is_logged_and_not_shown(self):
        self.store.failure = KeyError("secret")
        status, answer, _ = self.ask("GET", "/api/orders/7")
        self.assertEqual((status, answer), (500, {"error": "internal error"}))
        self.assertIn("secret", self.log.getvalue())

    def test_health_is_answered_while_every_other_thread_waits_for_a_database(self):
        entered, leave = threading.Event(), threading.Event()

        def find(_order_id):
            entered.set()
            leave.wait(20)

        self.store.find = find
        waiting = threading.Thread(target=self.ask, args=("GET", "/api/orders/7"))
        waiting.start()
        self.assertTrue(entered.wait(20))
        status, answer, _ = self.ask("GET", "/api/orders/7")
        self.assertEqual((status, answer["reason"]), (503, "too many requests wait for it"))
        self.assertEqual(self.ask("GET", "/health")[0], 200)
        leave.set()
        waiting.join(20)
        self.assertEqual(self.ask("GET", "/api/orders/7")[0], 404)
