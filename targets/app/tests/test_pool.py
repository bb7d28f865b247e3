import threading
import unittest

from orders.errors import Duplicate, Unavailable
from orders.pool import Pool
from tests.fakes import Clock, Database, broken, refused, silence

READ, WRITE = True, False


class PoolTest(unittest.TestCase):
    def setUp(self):
        self.clock = Clock()

    def pool(self, database, size=2, wait=0.05):
        return Pool("primary db:1", database.connect, size, wait, silent_for=1, refused_for=0.2, clock=self.clock)

    def ask(self, pool, repeatable=READ, within=3):
        return pool.query("SELECT 1", (), self.clock.now + within, repeatable)

    def fails(self, pool, repeatable=READ, **within):
        with self.assertRaises(Unavailable) as caught:
            self.ask(pool, repeatable, **within)
        return str(caught.exception)

    def test_a_connection_is_used_again(self):
        database = Database()
        pool = self.pool(database)
        self.assertEqual([self.ask(pool), self.ask(pool)], [[(1,)], [(1,)]])
        self.assertEqual(database.connects, 1)

    def test_a_connection_that_the_server_closed_is_replaced_before_anything_is_sent(self):
        database = Database()
        pool = self.pool(database)
        self.ask(pool)
        pool._idle[0].stale = True
        self.ask(pool, WRITE)
        self.assertEqual((database.connects, len(database.statements)), (2, 2))

    def test_a_write_that_was_not_sent_is_sent_once_more(self):
        database = Database([(1,)], broken(sent=False))
        pool = self.pool(database)
        self.ask(pool)
        self.assertEqual(self.ask(pool, WRITE), [(1,)])
        self.assertEqual(database.connects, 2)

    def test_a_write_that_may_have_been_made_is_never_sent_again(self):
        database = Database([(1,)], broken(sent=True))
        pool = self.pool(database)
        self.ask(pool)
        self.assertIn("connection reset", self.fails(pool, WRITE))
        self.assertEqual(len(database.statements), 2)

    def test_a_read_may_be_sent_again_but_only_once(self):
        database = Database([(1,)], broken(sent=True), broken(sent=True))
        pool = self.pool(database)
        self.ask(pool)
        self.fails(pool, READ)
        self.assertEqual(len(database.statements), 3)

    def test_silence_is_not_waited_for_twice(self):
        database = Database([(1,)], silence())
        pool = self.pool(database)
        self.ask(pool)
        self.fails(pool, READ)
        self.assertEqual(len(database.statements), 2)

    def test_a_silent_database_is_left_alone_for_a_second_and_then_asked_by_one(self):
        database = Database(silence())
        pool = self.pool(database)
        self.fails(pool)
        self.clock.now += 0.99
        self.assertIn("timed out", self.fails(pool))
        self.assertEqual(len(database.statements), 1, "asked although it was known to be silent")
        self.clock.now += 0.02
        told_meanwhile = []

        def answer_late():
            told_meanwhile.append(self.fails(pool))
            return [(7,)]

        database.script.append(answer_late)
        self.assertEqual(self.ask(pool), [(7,)])
        self.assertIn("timed out", told_meanwhile[0])
        self.assertEqual(self.ask(pool), [(1,)], "it is up again for everybody")

    def test_a_database_that_refuses_is_asked_again_sooner(self):
        database = Database()
        database.up = False
        pool = self.pool(database)
        self.fails(pool)
        self.clock.now += 0.19
        self.fails(pool)
        self.assertEqual(database.connects, 1)
        self.clock.now += 0.02
        database.up = True
        self.assertEqual(self.ask(pool), [(1,)])

    def test_a_connection_that_broke_does_not_make_the_database_down(self):
        database = Database(broken(sent=True))
        pool = self.pool(database)
        self.fails(pool, WRITE)
        self.assertEqual(self.ask(pool, WRITE), [(1,)])

    def test_what_the_server_refuses_costs_no_connection(self):
        database = Database(Duplicate(), Unavailable("read only"))
        pool = self.pool(database)
        with self.assertRaises(Duplicate):
            self.ask(pool, WRITE)
        self.assertEqual(self.fails(pool, WRITE), "primary db:1: read only")
        self.ask(pool)
        self.assertEqual(database.connects, 1)

    def test_a_fault_of_ours_costs_the_connection_but_not_its_place(self):
        database = Database(KeyError("bug"))
        pool = self.pool(database, size=1)
        with self.assertRaises(KeyError):
            self.ask(pool)
        self.assertEqual(self.ask(pool), [(1,)])
        self.assertEqual(database.connects, 2)

    def test_no_more_connections_than_the_pool_s_size(self):
        entered, leave = threading.Event(), threading.Event()

        def answer_when_told():
            entered.set()
            leave.wait(20)
            return [(1,)]

        database = Database(answer_when_told)
        pool = self.pool(database, size=1)
        busy = threading.Thread(target=self.ask, args=(pool,))
        busy.start()
        self.assertTrue(entered.wait(20))
        self.assertIn("no free connection", self.fails(pool))
        leave.set()
        busy.join(20)
        self.assertEqual(self.ask(pool), [(1,)])
        self.assertEqual(database.connects, 1)

    def test_whoever_waited_for_the_connection_of_a_silent_database_does_not_ask_it_too(self):
        entered, waiting = threading.Event(), threading.Event()

        def silent_when_somebody_waits():
            entered.set()
            waiting.wait(20)
            raise silence()

        database = Database(silent_when_somebody_waits)
        pool = self.pool(database, size=1, wait=20)
        first = threading.Thread(target=self.fails, args=(pool,))
        first.start()
        self.assertTrue(entered.wait(20))
        acquire = pool._slots.acquire

        def acquire_and_tell(blocking=True, timeout=None):
            if blocking:
                waiting.set()
            return acquire(blocking, timeout)

        pool._slots.acquire = acquire_and_tell
        self.assertIn("timed out", self.fails(pool, within=20))
        first.join(20)
        self.assertEqual(len(database.statements), 1)

    def test_nothing_is_begun_after_the_deadline(self):
        database = Database()
        self.assertIn("no time left", self.fails(self.pool(database), within=0))
        self.assertEqual(database.connects, 0)

    def test_refused_is_told_with_the_database_s_name(self):
        database = Database(refused())
        self.assertEqual(self.fails(self.pool(database)), "primary db:1: connection refused")
