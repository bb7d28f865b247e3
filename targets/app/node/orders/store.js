"use strict";
/** Orders in the databases: writes go to the primary, reads to the replica or, while it is silent, the primary. */

const { monotonic } = require("./clock");
const { Unavailable } = require("./errors");

const FIND = "SELECT id, item, quantity FROM orders WHERE id = ?";
const INSERT = "INSERT INTO orders (id, item, quantity) VALUES (?, ?, ?)";
const IS_WRITABLE = "SELECT 1 - @@global.read_only";
const ANSWERS = "SELECT 1";

class Store {
    /** `primary` is a Pool, `replica` one or null; `requestTimeout` is in seconds. */
    constructor(primary, replica, requestTimeout, clock = monotonic) {
        this._primary = primary;
        this._replica = replica;
        this._requestTimeout = requestTimeout;
        this._clock = clock;
    }

    /** The row [id, item, quantity], or null. Throws Unavailable when no database answers. */
    async find(id) {
        const { rows } = await this._read(FIND, [id], this._deadline());
        return rows.length > 0 ? rows[0] : null;
    }

    /** Ends when the row is committed. Throws Duplicate, or Unavailable: then the row may be there or not. */
    async insert(id, item, quantity) {
        await this._primary.query(INSERT, [id, item, quantity], this._deadline(), { repeatable: false });
    }

    /** Which databases serve: {serves: {write: name or null, read: name or null}, reasons}. */
    async readiness() {
        const deadline = this._deadline();
        const serves = { write: null, read: null };
        const reasons = [];
        try {
            const rows = await this._primary.query(IS_WRITABLE, [], deadline, { repeatable: true });
            if (rows[0][0]) {
                serves.write = this._primary.name;
            } else {
                reasons.push(`${this._primary.name}: read only`);
            }
        } catch (error) {
            reasons.push(reasonOf(error));
        }
        try {
            serves.read = (await this._read(ANSWERS, [], deadline)).name;
        } catch (error) {
            reasons.push(reasonOf(error));
        }
        return { serves, reasons };
    }

    _deadline() {
        return this._clock() + this._requestTimeout;
    }

    /** The rows, and the name of the database that gave them. */
    async _read(statement, values, deadline) {
        const ask = async (pool) => {
            return { rows: await pool.query(statement, values, deadline, { repeatable: true }), name: pool.name };
        };
        if (this._replica === null) {
            return ask(this._primary);
        }
        try {
            return await ask(this._replica);
        } catch (replicaError) {
            const replicaReason = reasonOf(replicaError);
            try {
                return await ask(this._primary);
            } catch (primaryError) {
                throw new Unavailable(`${replicaReason}; ${reasonOf(primaryError)}`);
            }
        }
    }
}

/** Why a database could not do it. Any other error is a fault of ours and goes on its way. */
function reasonOf(error) {
    if (!(error instanceof Unavailable)) {
        throw error;
    }
    return error.message;
}

module.exports = { Store };
