"use strict";
/** A bounded pool of connections to one database, which remembers when the database is down. */

const { monotonic } = require("./clock");
const { ConnectionLost, Duplicate, Unavailable } = require("./errors");

class Pool {
    /**
     * At most `size` connections made by `connect()`, each used by one request at a time. All times are in seconds.
     *
     * While the database is down, one request tries it every `silentFor` seconds when it kept silent, which costs that
     * request its whole timeout, and every `refusedFor` seconds when it refused. The others are told at once.
     */
    constructor(name, connect, { size, wait, silentFor, refusedFor, clock = monotonic }) {
        this.name = name;
        this._connect = connect;
        this._free = size;
        this._waiting = [];
        this._wait = wait;
        this._silentFor = silentFor;
        this._refusedFor = refusedFor;
        this._clock = clock;
        this._idle = [];
        this._down = null; // why the database is down, or null
        this._pause = 0;
        this._askAgain = 0;
    }

    /**
     * Runs one statement and returns its rows.
     *
     * Begins nothing after `deadline` on the pool's clock. A statement that never reached the database is sent once
     * more on a fresh connection; one that may have reached it only when it is `repeatable`, which a write is not.
     */
    async query(statement, values, deadline, { repeatable }) {
        try {
            this._refuseWhileDown();
            const hadToWait = await this._takeSlot(deadline);
            try {
                if (hadToWait) {
                    // Whoever had the slot may have found out meanwhile.
                    this._refuseWhileDown();
                }
                return await this._query(statement, values, deadline, repeatable);
            } finally {
                this._releaseSlot();
            }
        } catch (error) {
            throw error instanceof Unavailable ? new Unavailable(`${this.name}: ${error.message}`) : error;
        }
    }

    async _takeSlot(deadline) {
        if (this._free > 0) {
            this._free -= 1;
            return false;
        }
        const patience = Math.max(0, Math.min(this._wait, deadline - this._clock()));
        await new Promise((resolve, reject) => {
            const giveUp = () => {
                this._waiting.splice(this._waiting.indexOf(given), 1);
                reject(new Unavailable("no free connection in time"));
            };
            const timer = setTimeout(giveUp, patience * 1000);
            const given = () => {
                clearTimeout(timer);
                resolve();
            };
            this._waiting.push(given);
        });
        return true;
    }

    _releaseSlot() {
        // Whoever waits longest is next.
        const next = this._waiting.shift();
        if (next) {
            next();
        } else {
            this._free += 1;
        }
    }

    async _query(statement, values, deadline, repeatable) {
        const idle = await this._takeIdle();
        if (idle !== null) {
            try {
                return await this._run(idle, statement, values);
            } catch (error) {
                const again = error instanceof ConnectionLost && !error.timedOut && (repeatable || !error.sent);
                if (!again) {
                    throw error;
                }
            }
        }
        if (this._clock() >= deadline) {
            throw new Unavailable("no time left to connect");
        }
        let connection;
        try {
            connection = await this._connect();
        } catch (error) {
            if (error instanceof ConnectionLost) {
                this._noteDown(error);
            }
            throw error;
        }
        return this._run(connection, statement, values);
    }

    async _run(connection, statement, values) {
        try {
            const rows = await connection.query(statement, values);
            this._noteUp(connection);
            return rows;
        } catch (error) {
            if (error instanceof ConnectionLost) {
                if (error.timedOut) {
                    this._noteDown(error);
                }
            } else if (error instanceof Duplicate || error instanceof Unavailable) {
                // The server answered, if not as hoped.
                this._noteUp(connection);
            } else {
                connection.close();
            }
            throw error;
        }
    }

    _noteUp(connection) {
        this._down = null;
        this._idle.push(connection);
    }

    async _takeIdle() {
        // The last one used comes first: it is the least likely to have been closed meanwhile.
        for (let connection = this._idle.pop(); connection; connection = this._idle.pop()) {
            if (!(await connection.isStale())) {
                return connection;
            }
            connection.close();
        }
        return null;
    }

    _noteDown(why) {
        this._pause = why.timedOut ? this._silentFor : this._refusedFor;
        this._askAgain = this._clock() + this._pause;
        this._down = why.message;
    }

    _refuseWhileDown() {
        if (this._down === null) {
            return;
        }
        if (this._clock() < this._askAgain) {
            throw new Unavailable(this._down);
        }
        // This request tries it; whoever comes meanwhile is told what is known.
        this._askAgain = this._clock() + this._pause;
    }
}

module.exports = { Pool };
