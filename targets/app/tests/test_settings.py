import unittest

from orders.settings import read


class SettingsTest(unittest.TestCase):
    def test_everything_but_the_primary_has_a_default(self):
        settings = read({"DB_PRIMARY": "192.0.2.11:3306", "NODE_NAME": "server1"})
        self.assertEqual((settings.primary, settings.replica), (("192.0.2.11", 3306), None))
        self.assertEqual((settings.node, settings.threads, settings.silent_for), ("server1", 64, 1.0))

    def test_an_empty_replica_or_authority_is_none(self):
        settings = read({"DB_PRIMARY": "a:1", "DB_REPLICA": "", "DB_CA": ""})
        self.assertEqual((settings.replica, settings.authority), (None, None))
        self.assertEqual(read({"DB_PRIMARY": "a:1", "DB_CA": "/ca.pem"}).authority, "/ca.pem")

    def test_what_makes_no_sense_is_named(self):
        for environment, expected in [
            ({}, "DB_PRIMARY is not set"),
            ({"DB_PRIMARY": "a"}, "DB_PRIMARY='a' is not host:port"),
            ({"DB_PRIMARY": "a:1", "DB_REPLICA": ":1"}, "DB_REPLICA=':1'"),
            ({"DB_PRIMARY": "a:1", "DB_POOL_SIZE": "0"}, "DB_POOL_SIZE='0' must be above 0"),
            ({"DB_PRIMARY": "a:1", "DB_POOL_TIMEOUT": "soon"}, "DB_POOL_TIMEOUT='soon' is not a number"),
        ]:
            with self.subTest(environment=environment), self.assertRaises(ValueError) as caught:
                read(environment)
            self.assertIn(expected, str(caught.exception))
