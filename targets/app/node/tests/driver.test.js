"use strict";
/** What mysql2 says, in the service's words. mysql2 itself is a part of the lab, so here it is a stand-in. */

const assert = require("node:assert/strict");
const { EventEmitter, once } = require("node:events");
const net = require("node:net");
const { afterEach, beforeEach, describe, it } = require("node:test");

const driver = require("../orders/driver");
const { ConnectionLost, Duplicate, Unavailable } = require("../orders/errors");

const AUTHORITY = __filename; // any file: the stand-in does not read it

/** Says `greeting` once it has a socket, and answers a statement with what `answer` holds. */
class StandIn {
    constructor() {
        this.greeting = ["connect"];
        this.answer = [null, [[1]]];
        this.certificate = null;
        this.createConnection = (options) => {
            this.options = options;
            this.driver = Object.assign(new EventEmitter(), {
                stream: options.stream,
                query: (_, told) => this.answer && setImmediate(told, ...this.answer),
                destroy: () => options.stream.end(),
            });
            this.driver.stream.getPeerCertificate = () => this.certificate;
            setImmediate(() => this.driver.emit(...this.greeting));
            return this.driver;
        };
    }
}

const errorOf = (promise) => promise.then(() => assert.fail("it did not fail"), (error) => error);

describe("the driver", () => {
    let mysql;
    let server;
    let address;

    beforeEach(async () => {
        mysql = new StandIn();
        server = net.createServer().listen(0, "127.0.0.1");
        await once(server, "listening");
        address = { host: "127.0.0.1", port: server.address().port };
    });

    afterEach(() => {
        mysql.driver?.stream.destroy();
        server.close();
    });

    const connect = (settings = {}) =>
        driver.connect(mysql, address, { connectTimeout: 20, statementTimeout: 20, ...settings });

    async function lostBy(error) {
        mysql.answer = [error];
        const connection = await connect();
        return errorOf(connection.query("SELECT 1", []));
    }

    it("gives the rows", async () => {
        assert.deepEqual(await (await connect()).query("SELECT 1", []), [[1]]);
    });

    it("tells a key that is taken", async () => {
        const taken = Object.assign(new Error("Duplicate entry"), { errno: 1062, sqlState: "23000" });
        assert.ok((await lostBy(taken)) instanceof Duplicate);
    });

    it("keeps the connection on which the server refused", async () => {
        const message = "running with --read-only";
        const refusal = Object.assign(new Error(message), { errno: 1290, sqlState: "HY000", sqlMessage: message });
        const error = await lostBy(refusal);
        assert.equal(error.constructor, Unavailable);
        assert.equal(error.message, message);
        assert.equal(mysql.driver.stream.destroyed, false);
    });

    it("takes a statement for executed unless it could not be written", async () => {
        const reset = await lostBy(Object.assign(new Error("read ECONNRESET"), { code: "ECONNRESET", fatal: true }));
        assert.ok(reset instanceof ConnectionLost);
        assert.deepEqual([reset.sent, reset.timedOut], [true, false]);
        assert.equal(mysql.driver.stream.destroyed, true);
        const pipe = await lostBy(Object.assign(new Error("write EPIPE"), { code: "EPIPE", fatal: true }));
        assert.equal(pipe.sent, false);
        const closed = "Can't add new command when connection is in closed state";
        assert.equal((await lostBy(Object.assign(new Error(closed), { fatal: true }))).sent, false);
    });

    it("gives up an answer that does not come", async () => {
        mysql.answer = null;
        const connection = await connect({ statementTimeout: 0.01 });
        const error = await errorOf(connection.query("SELECT 1", []));
        assert.deepEqual([error.sent, error.timedOut], [true, true]);
        assert.equal(mysql.driver.stream.destroyed, true);
        assert.equal(await connection.isStale(), true);
    });

    it("has sent nothing when it could not connect", async () => {
        server.close();
        const refused = await errorOf(connect());
        assert.ok(refused instanceof ConnectionLost);
        assert.deepEqual([refused.sent, refused.timedOut], [false, false]);
        assert.match(refused.message, /ECONNREFUSED/);
    });

    it("has sent nothing when the server does not greet or let it in", async () => {
        mysql.greeting = ["error", Object.assign(new Error("connect ETIMEDOUT"), { code: "ETIMEDOUT" })];
        const silent = await errorOf(connect());
        assert.deepEqual([silent.sent, silent.timedOut], [false, true]);
        mysql.greeting = ["error", Object.assign(new Error("Too many connections"), { errno: 1040 })];
        const full = await errorOf(connect());
        assert.deepEqual([full.sent, full.timedOut, full.message], [false, false, "Too many connections"]);
        assert.equal(mysql.driver.stream.destroyed, true);
    });

    it("takes a connection for stale once the server hung up", async () => {
        const connection = await connect();
        assert.equal(await connection.isStale(), false);
        mysql.driver.emit("end");
        assert.equal(await connection.isStale(), true);
    });

    it("speaks in clear unless it is given an authority", async () => {
        await connect();
        assert.equal(mysql.options.ssl, undefined);
    });

    it("takes no other server's certificate for the one it asked for", async () => {
        mysql.certificate = { subject: { CN: "db1" }, subjectaltname: "IP Address:127.0.0.2" };
        const error = await errorOf(connect({ databaseAuthority: AUTHORITY }));
        assert.match(error.message, /127\.0\.0\.1 is not in the cert's list/);
        assert.equal(mysql.driver.stream.destroyed, true);
        mysql.certificate.subjectaltname = "IP Address:127.0.0.1";
        await connect({ databaseAuthority: AUTHORITY });
        assert.equal(mysql.options.ssl.rejectUnauthorized, true);
    });

    it("does not reveal the password", async () => {
        await connect();
        for (const method of ["mysql_clear_password", "sha256_password", "caching_sha2_password"]) {
            assert.throws(() => mysql.options.authPlugins[method]({})(), new RegExp(method));
        }
    });
});
