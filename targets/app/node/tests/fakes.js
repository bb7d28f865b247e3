"use strict";
/** Stand-ins for a database, a clock and a pool. */

const { ConnectionLost, Unavailable } = require("../orders/errors");

const silence = () => new ConnectionLost("timed out", { sent: true, timedOut: true });
const broken = (sent) => new ConnectionLost("connection reset", { sent, timedOut: false });
const refused = () => new ConnectionLost("connection refused", { sent: false, timedOut: false });

/** Something that can be awaited and is settled by hand. */
function gate() {
    const handle = {};
    handle.opened = new Promise((resolve) => {
        handle.open = resolve;
    });
    return handle;
}

/** Answers by a script: each entry is what a statement gets, an error is thrown. While not `up`, it refuses. */
class Database {
    constructor(...script) {
        this.script = script;
        this.up = true;
        this.connects = 0;
        this.statements = [];
        this.connections = [];
        this.connect = async () => {
            this.connects += 1;
            if (!this.up) {
                throw refused();
            }
            const connection = new Connection(this);
            this.connections.push(connection);
            return connection;
        };
    }
}

class Connection {
    constructor(database) {
        this.database = database;
        this.stale = false;
        this.closed = false;
    }

    async isStale() {
        return this.stale;
    }

    async query(statement, values) {
        this.database.statements.push([statement, values]);
        const answer = this.database.script.length > 0 ? this.database.script.shift() : [[1]];
        if (answer instanceof Error) {
            throw answer;
        }
        return typeof answer === "function" ? answer() : answer;
    }

    close() {
        this.closed = true;
    }
}

/** A pool that gives one answer, and remembers what it was asked. */
class FakePool {
    constructor(name, answer) {
        this.name = name;
        this.answer = answer;
        this.asked = [];
    }

    async query(statement, values, _deadline, { repeatable }) {
        this.asked.push({ statement, values, repeatable });
        if (this.answer instanceof Error) {
            throw this.answer;
        }
        return this.answer;
    }
}

const unreachable = (name) => new FakePool(name, new Unavailable(`${name}: refused`));

module.exports = { Database, FakePool, broken, gate, refused, silence, unreachable };
