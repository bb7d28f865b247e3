"use strict";

const assert = require("node:assert/strict");
const { beforeEach, describe, it } = require("node:test");

const { Duplicate, Unavailable } = require("../orders/errors");
const { Pool } = require("../orders/pool");
const { Database, broken, gate, refused, silence } = require("./fakes");

const READ = { repeatable: true };
const WRITE = { repeatable: false };

describe("a pool", () => {
    let now;

    beforeEach(() => {
        now = 100;
    });

    function poolOf(database, { size = 2, wait = 0.05 } = {}) {
        return new Pool("primary db:1", database.connect, {
            size,
            wait,
            silentFor: 1,
            refusedFor: 0.2,
            clock: () => now,
        });
    }

    const ask = (pool, kind = READ, within = 3) => pool.query("SELECT 1", [], now + within, kind);

    async function failure(pool, kind = READ, within = 3) {
        const error = await ask(pool, kind, within).then(() => assert.fail("it did not fail"), (error) => error);
        assert.ok(error instanceof Unavailable, error.stack);
        return error.message;
    }

    it("uses a connection again", async () => {
        const database = new Database();
        const pool = poolOf(database);
        assert.deepEqual([await ask(pool), await ask(pool)], [[[1]], [[1]]]);
        assert.equal(database.connects, 1);
    });

    it("replaces a connection that the server closed before anything is sent", async () => {
        const database = new Database();
        const pool = poolOf(database);
        await ask(pool);
        database.connections[0].stale = true;
        await ask(pool, WRITE);
        assert.deepEqual([database.connects, database.statements.length], [2, 2]);
    });

    it("sends a write that was not sent once more", async () => {
        const database = new Database([[1]], broken(false));
        const pool = poolOf(database);
        await ask(pool);
        assert.deepEqual(await ask(pool, WRITE), [[1]]);
        assert.equal(database.connects, 2);
    });

    it("never sends a write again that may have been made", async () => {
        const database = new Database([[1]], broken(true));
        const pool = poolOf(database);
        await ask(pool);
        assert.match(await failure(pool, WRITE), /connection reset/);
        assert.equal(database.statements.length, 2);
    });

    it("sends a read again, but only once", async () => {
        const database = new Database([[1]], broken(true), broken(true));
        const pool = poolOf(database);
        await ask(pool);
        await failure(pool);
        assert.equal(database.statements.length, 3);
    });

    it("does not wait for silence twice", async () => {
        const database = new Database([[1]], silence());
        const pool = poolOf(database);
        await ask(pool);
        await failure(pool);
        assert.equal(database.statements.length, 2);
    });

    it("leaves a silent database alone for a second and then asks by one request", async () => {
        const database = new Database(silence());
        const pool = poolOf(database);
        await failure(pool);
        now += 0.99;
        assert.match(await failure(pool), /timed out/);
        assert.equal(database.statements.length, 1, "asked although it was known to be silent");
        now += 0.02;
        let toldMeanwhile;
        database.script.push(async () => {
            toldMeanwhile = await failure(pool);
            return [[7]];
        });
        assert.deepEqual(await ask(pool), [[7]]);
        assert.match(toldMeanwhile, /timed out/);
        assert.deepEqual(await ask(pool), [[1]], "it is up again for everybody");
    });

    it("asks a database that refuses again sooner", async () => {
        const database = new Database();
        database.up = false;
        const pool = poolOf(database);
        await failure(pool);
        now += 0.19;
        await failure(pool);
        assert.equal(database.connects, 1);
        now += 0.02;
        database.up = true;
        assert.deepEqual(await ask(pool), [[1]]);
    });

    it("does not call a database down whose connection broke", async () => {
        const pool = poolOf(new Database(broken(true)));
        await failure(pool, WRITE);
        assert.deepEqual(await ask(pool, WRITE), [[1]]);
    });

    it("keeps the connection on which the server refused", async () => {
        const database = new Database(new Duplicate(), new Unavailable("read only"));
        const pool = poolOf(database);
        await assert.rejects(ask(pool, WRITE), Duplicate);
        assert.equal(await failure(pool, WRITE), "primary db:1: read only");
        await ask(pool);
        assert.equal(database.connects, 1);
    });

    it("gives up the connection, but not its place, on a fault of ours", async () => {
        const database = new Database(new TypeError("bug"));
        const pool = poolOf(database, { size: 1 });
        await assert.rejects(ask(pool), TypeError);
        assert.ok(database.connections[0].closed);
        assert.deepEqual(await ask(pool), [[1]]);
        assert.equal(database.connects, 2);
    });

    it("makes no more connections than its size", async () => {
        const entered = gate();
        const leave = gate();
        const database = new Database(async () => {
            entered.open();
            await leave.opened;
            return [[1]];
        });
        const pool = poolOf(database, { size: 1 });
        const busy = ask(pool);
        await entered.opened;
        assert.match(await failure(pool), /no free connection/);
        const patient = ask(pool, READ, 20);
        leave.open();
        assert.deepEqual([await busy, await patient], [[[1]], [[1]]]);
        assert.equal(database.connects, 1);
    });

    it("does not ask a silent database for whoever waited for its connection", async () => {
        const entered = gate();
        const leave = gate();
        const database = new Database(async () => {
            entered.open();
            await leave.opened;
            throw silence();
        });
        const pool = poolOf(database, { size: 1, wait: 20 });
        const first = failure(pool);
        await entered.opened;
        const second = failure(pool, READ, 20);
        leave.open();
        await first;
        assert.match(await second, /timed out/);
        assert.equal(database.statements.length, 1);
    });

    it("begins nothing after the deadline", async () => {
        const database = new Database();
        assert.match(await failure(poolOf(database), READ, 0), /no time left/);
        assert.equal(database.connects, 0);
    });

    it("tells a failure with the database's name", async () => {
        assert.equal(await failure(poolOf(new Database(refused()))), "primary db:1: connection refused");
    });
});
