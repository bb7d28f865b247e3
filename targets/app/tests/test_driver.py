"""What PyMySQL says, in the service's words. PyMySQL itself is a part of the lab, so here it is a stand-in."""

import socket
import ssl
import sys
import types
import unittest
from unittest import mock

from orders.errors import ConnectionLost, Duplicate, Unavailable


class MySQLError(Exception):
    pass


def stand_in():
    pymysql = types.ModuleType("pymysql")
    pymysql.err = types.SimpleNamespace(MySQLError=MySQLError)
    constants = types.ModuleType("pymysql.constants")
    constants.CR = types.SimpleNamespace(CR_SERVER_GONE_ERROR=2006)
    constants.ER = types.SimpleNamespace(DUP_ENTRY=1062)
    pymysql.constants = constants
    pymysql.connect = mock.MagicMock()
    return {"pymysql": pymysql, "pymysql.constants": constants}


class DriverTest(unittest.TestCase):
    def setUp(self):
        modules = stand_in()
        patch = mock.patch.dict(sys.modules, modules)
        patch.start()
        self.addCleanup(patch.stop)
        sys.modules.pop("orders.driver", None)
        import orders.driver

        self.driver = orders.driver
        self.connect = modules["pymysql"].connect
        server, client = socket.socketpair()
        self.addCleanup(server.close)
        self.addCleanup(client.close)
        self.server = server
        self.mysql = self.connect.return_value
        self.mysql._sock = client
        self.mysql.open = True

    def connection(self, authority=None):
        return self.driver.Connection(mock.MagicMock(), mock.MagicMock(authority=authority))

    def error_of(self, error):
        connection = self.connection()
        self.mysql.cursor.return_value.__enter__.return_value.execute.side_effect = error
        with self.assertRaises(Exception) as caught:
            connection.query("SELECT 1", ())
        return caught.exception

    def test_a_key_that_is_taken_is_a_duplicate(self):
        self.assertIsInstance(self.error_of(MySQLError(1062, "Duplicate entry")), Duplicate)

    def test_a_statement_that_could_not_be_written_was_not_sent(self):
        lost = self.error_of(MySQLError(2006, "MySQL server has gone away"))
        self.assertEqual((lost.sent, lost.timed_out), (False, False))
        self.mysql._force_close.assert_called_once_with()

    def test_an_answer_that_did_not_come_means_that_the_statement_may_have_been_executed(self):
        error = MySQLError(2013, "Lost connection (timed out)")
        error.__context__ = socket.timeout("timed out")
        lost = self.error_of(error)
        self.assertEqual((lost.sent, lost.timed_out), (True, True))
        self.assertFalse(self.error_of(MySQLError(2013, "Lost connection")).timed_out)

    def test_what_the_server_refuses_leaves_the_connection(self):
        refusal = self.error_of(MySQLError(1290, "running with --read-only"))
        self.assertEqual(type(refusal), Unavailable)
        self.assertEqual(str(refusal), "running with --read-only")
        self.mysql._force_close.assert_not_called()

    def test_a_connection_that_pymysql_closed_is_lost(self):
        self.mysql.open = False
        self.assertIsInstance(self.error_of(MySQLError("Packet sequence number wrong")), ConnectionLost)

    def test_a_failed_connect_sent_nothing(self):
        self.connect.side_effect = MySQLError(2003, "Can't connect")
        with self.assertRaises(ConnectionLost) as caught:
            self.connection()
        self.assertFalse(caught.exception.sent)

    def test_an_authority_makes_tls_with_a_verified_certificate_for_this_host(self):
        self.mysql._sock = mock.MagicMock(spec=ssl.SSLSocket, fileno=self.mysql._sock.fileno)
        self.connection("/ca.pem")
        asked = self.connect.call_args.kwargs
        self.assertEqual(
            (asked["ssl_ca"], asked["ssl_verify_cert"], asked["ssl_verify_identity"]), ("/ca.pem", True, True)
        )

    def test_a_server_without_tls_is_refused_where_tls_is_asked_for(self):
        with self.assertRaisesRegex(ConnectionLost, "offers no TLS"):
            self.connection("/ca.pem")
        self.mysql._force_close.assert_called_once_with()
        self.connection()
        self.assertFalse(self.connect.call_args.kwargs["ssl_verify_cert"])

    def test_a_connection_is_stale_once_the_server_hung_up(self):
        connection = self.connection()
        self.assertFalse(connection.is_stale())
        self.server.close()
        self.assertTrue(connection.is_stale())
