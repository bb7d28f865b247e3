"""Stand-ins for a database, a clock and a pool."""

from orders.errors import ConnectionLost, Unavailable


def silence():
    return ConnectionLost("timed out", sent=True, timed_out=True)


def broken(sent):
    return ConnectionLost("connection reset", sent=sent, timed_out=False)


def refused():
    return ConnectionLost("connection refused", sent=False, timed_out=False)


class Clock:
    def __init__(self):
        self.now = 100.0

    def __call__(self):
        return self.now


class Database:
    """Answers by a script: each entry is what a statement gets, an exception is raised. While not `up`, it refuses."""

    def __init__(self, *script):
        self.script = list(script)
        self.up = True
        self.connects = 0
        self.statements = []

    def connect(self):
        self.connects += 1
        if not self.up:
            raise refused()
        return Connection(self)


class Connection:
    def __init__(self, database):
        self.database = database
        self.stale = False
        self.closed = False

    def is_stale(self):
        return self.stale

    def query(self, statement, arguments):
        self.database.statements.append((statement, arguments))
        answer = self.database.script.pop(0) if self.database.script else [(1,)]
        if isinstance(answer, BaseException):
            raise answer
        return answer() if callable(answer) else answer

    def close(self):
        self.closed = True


class FakePool:
    """A pool that gives one answer, and remembers what it was asked."""

    def __init__(self, name, answer):
        self.name = name
        self.answer = answer
        self.asked = []

    def query(self, statement, arguments, deadline, repeatable):
        self.asked.append((statement, arguments, repeatable))
        if isinstance(self.answer, BaseException):
            raise self.answer
        return self.answer


def unreachable(name):
    return FakePool(name, Unavailable("%s: refused" % name))
