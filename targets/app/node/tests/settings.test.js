"use strict";

const assert = require("node:assert/strict");
const { describe, it } = require("node:test");

const { read } = require("../orders/settings");

describe("settings", () => {
    it("have a default for everything but the primary", () => {
        const settings = read({ DB_PRIMARY: "192.0.2.11:3306", NODE_NAME: "server1" });
        assert.deepEqual([settings.primary, settings.replica], [{ host: "192.0.2.11", port: 3306 }, null]);
        assert.deepEqual([settings.node, settings.threads, settings.silentFor], ["server1", 64, 1]);
        assert.deepEqual(settings.listen, { host: "127.0.0.1", port: 8000 });
        assert.deepEqual([settings.databaseAuthority, settings.tls], [null, null]);
    });

    it("take an empty value for none", () => {
        const settings = read({ DB_PRIMARY: "a:1", DB_REPLICA: "", DB_CA: "", TLS_CHAIN: "", TLS_KEY: "" });
        assert.deepEqual([settings.replica, settings.databaseAuthority, settings.tls], [null, null, null]);
    });

    it("name files of certificates", () => {
        const settings = read({ DB_PRIMARY: "a:1", DB_CA: "/ca.pem", TLS_CHAIN: "/chain.pem", TLS_KEY: "/key.pem" });
        assert.equal(settings.databaseAuthority, "/ca.pem");
        assert.deepEqual(settings.tls, { chain: "/chain.pem", key: "/key.pem" });
    });

    for (const [environment, expected] of [
        [{}, "DB_PRIMARY is not set"],
        [{ DB_PRIMARY: "a" }, 'DB_PRIMARY="a" is not host:port'],
        [{ DB_PRIMARY: "a:1", DB_REPLICA: ":1" }, 'DB_REPLICA=":1"'],
        [{ DB_PRIMARY: "a:1", DB_POOL_SIZE: "0" }, 'DB_POOL_SIZE="0" must be above 0'],
        [{ DB_PRIMARY: "a:1", DB_POOL_SIZE: "1.5" }, 'DB_POOL_SIZE="1.5" is not a whole number'],
        [{ DB_PRIMARY: "a:1", DB_POOL_TIMEOUT: "soon" }, 'DB_POOL_TIMEOUT="soon" is not a number'],
        [{ DB_PRIMARY: "a:1", TLS_CHAIN: "/chain.pem" }, "TLS_KEY is not"],
    ]) {
        it(`say "${expected}"`, () => {
            assert.throws(() => read(environment), (error) => error.message.includes(expected));
        });
    }
});
