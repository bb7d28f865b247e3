import unittest

from orders.errors import Duplicate, Unavailable
from orders.store import Store
from tests.fakes import FakePool, unreachable

ROW = ("7", "tea", 2)


def store(primary, replica=None):
    return Store(primary, replica, request_timeout=3)


class StoreTest(unittest.TestCase):
    def test_reads_go_to_the_replica_and_writes_to_the_primary(self):
        primary, replica = FakePool("primary", [ROW]), FakePool("replica", [ROW])
        orders = store(primary, replica)
        self.assertEqual(orders.find("7"), ROW)
        self.assertEqual((len(primary.asked), len(replica.asked)), (0, 1))
        orders.insert("8", "tea", 1)
        self.assertEqual((len(primary.asked), len(replica.asked)), (1, 1))

    def test_without_a_replica_the_primary_answers(self):
        self.assertEqual(store(FakePool("primary", [ROW])).find("7"), ROW)

    def test_the_primary_answers_for_a_replica_that_does_not(self):
        self.assertEqual(store(FakePool("primary", [ROW]), unreachable("replica")).find("7"), ROW)

    def test_what_the_replica_does_not_have_is_not_asked_for_again(self):
        primary = FakePool("primary", [ROW])
        self.assertIsNone(store(primary, FakePool("replica", [])).find("7"))
        self.assertEqual(primary.asked, [])

    def test_when_nobody_answers_the_reason_names_both(self):
        with self.assertRaisesRegex(Unavailable, "replica: refused; primary: refused"):
            store(unreachable("primary"), unreachable("replica")).find("7")

    def test_only_reads_may_be_repeated(self):
        primary = FakePool("primary", [ROW])
        orders = store(primary)
        orders.find("7")
        orders.insert("8", "tea", 1)
        self.assertEqual([repeatable for _, _, repeatable in primary.asked], [True, False])

    def test_a_write_has_no_other_place_to_go(self):
        replica = FakePool("replica", [ROW])
        with self.assertRaises(Unavailable):
            store(unreachable("primary"), replica).insert("8", "tea", 1)
        self.assertEqual(replica.asked, [])
        with self.assertRaises(Duplicate):
            store(FakePool("primary", Duplicate())).insert("7", "tea", 1)

    def test_readiness_says_which_database_serves(self):
        both = store(FakePool("primary", [(1,)]), FakePool("replica", [(1,)])).readiness()
        self.assertEqual(both, ({"write": "primary", "read": "replica"}, []))
        no_replica = store(FakePool("primary", [(1,)]), unreachable("replica")).readiness()
        self.assertEqual(no_replica[0], {"write": "primary", "read": "primary"})
        no_primary = store(unreachable("primary"), FakePool("replica", [(1,)])).readiness()
        self.assertEqual(no_primary, ({"write": None, "read": "replica"}, ["primary: refused"]))

    def test_a_primary_that_refuses_writes_is_not_ready_for_them(self):
        serves, reasons = store(FakePool("primary", [(0,)])).readiness()
        self.assertEqual((serves["write"], reasons), (None, ["primary: read only"]))
