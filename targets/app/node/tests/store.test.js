"use strict";

const assert = require("node:assert/strict");
const { describe, it } = require("node:test");

const { Duplicate, Unavailable } = require("../orders/errors");
const { Store } = require("../orders/store");
const { FakePool, unreachable } = require("./fakes");

const ROW = ["7", "tea", 2];
const store = (primary, replica = null) => new Store(primary, replica, 3);

describe("a store", () => {
    it("reads from the replica and writes to the primary", async () => {
        const primary = new FakePool("primary", [ROW]);
        const replica = new FakePool("replica", [ROW]);
        const orders = store(primary, replica);
        assert.equal(await orders.find("7"), ROW);
        assert.deepEqual([primary.asked.length, replica.asked.length], [0, 1]);
        await orders.insert("8", "tea", 1);
        assert.deepEqual([primary.asked.length, replica.asked.length], [1, 1]);
    });

    it("reads from the primary where there is no replica, or while it does not answer", async () => {
        assert.equal(await store(new FakePool("primary", [ROW])).find("7"), ROW);
        assert.equal(await store(new FakePool("primary", [ROW]), unreachable("replica")).find("7"), ROW);
    });

    it("does not ask again for what the replica does not have", async () => {
        const primary = new FakePool("primary", [ROW]);
        assert.equal(await store(primary, new FakePool("replica", [])).find("7"), null);
        assert.deepEqual(primary.asked, []);
    });

    it("names both when nobody answers", async () => {
        const asked = store(unreachable("primary"), unreachable("replica")).find("7");
        await assert.rejects(asked, { message: "replica: refused; primary: refused" });
    });

    it("lets only reads be repeated", async () => {
        const primary = new FakePool("primary", [ROW]);
        const orders = store(primary);
        await orders.find("7");
        await orders.insert("8", "tea", 1);
        assert.deepEqual(primary.asked.map(({ repeatable }) => repeatable), [true, false]);
    });

    it("has no other place for a write", async () => {
        const replica = new FakePool("replica", [ROW]);
        await assert.rejects(store(unreachable("primary"), replica).insert("8", "tea", 1), Unavailable);
        assert.deepEqual(replica.asked, []);
        const taken = store(new FakePool("primary", new Duplicate()));
        await assert.rejects(taken.insert("7", "tea", 1), Duplicate);
    });

    it("says which database serves", async () => {
        const one = () => new FakePool("primary", [[1]]);
        const both = await store(one(), new FakePool("replica", [[1]])).readiness();
        assert.deepEqual(both, { serves: { write: "primary", read: "replica" }, reasons: [] });
        const noReplica = await store(one(), unreachable("replica")).readiness();
        assert.deepEqual(noReplica.serves, { write: "primary", read: "primary" });
        const noPrimary = await store(unreachable("primary"), new FakePool("replica", [[1]])).readiness();
        assert.deepEqual(noPrimary, { serves: { write: null, read: "replica" }, reasons: ["primary: refused"] });
    });

    it("is not ready for writes while the primary refuses them", async () => {
        const { serves, reasons } = await store(new FakePool("primary", [[0]])).readiness();
        assert.deepEqual([serves.write, reasons], [null, ["primary: read only"]]);
    });

    it("lets a fault of ours through", async () => {
        await assert.rejects(store(new FakePool("primary", new TypeError("bug"))).readiness(), TypeError);
    });
});
