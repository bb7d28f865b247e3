"use strict";

const assert = require("node:assert/strict");
const http = require("node:http");
const { once } = require("node:events");
const { after, before, beforeEach, describe, it } = require("node:test");

const { Duplicate, Unavailable } = require("../orders/errors");
const { LARGEST_BODY, SPARE_THREADS, Service } = require("../orders/service");
const { gate } = require("./fakes");

class FakeStore {
    constructor() {
        this.rows = new Map([["7", ["7", "tea", 2]]]);
        this.failure = null;
    }

    async find(id) {
        this._fail();
        return this.rows.get(id) ?? null;
    }

    async insert(id, item, quantity) {
        this._fail();
        if (this.rows.has(id)) {
            throw new Duplicate();
        }
        this.rows.set(id, [id, item, quantity]);
    }

    async readiness() {
        if (this.failure) {
            return { serves: { write: null, read: "replica" }, reasons: [this.failure.message] };
        }
        return { serves: { write: "primary", read: "replica" }, reasons: [] };
    }

    _fail() {
        if (this.failure) {
            throw this.failure;
        }
    }
}

describe("the service", () => {
    let store;
    let log;
    let service;
    const server = http.createServer((request, response) => service.handle(request, response));

    before(async () => {
        server.listen(0, "127.0.0.1");
        await once(server, "listening");
    });

    after(() => server.close());

    beforeEach(() => {
        store = new FakeStore();
        log = [];
        service = new Service(store, "server2", SPARE_THREADS + 1, (line) => log.push(line));
    });

    async function ask(method, path, body = Buffer.alloc(0), headers = {}) {
        const bytes = Buffer.isBuffer(body) ? body : Buffer.from(JSON.stringify(body));
        const request = http.request({
            port: server.address().port,
            host: "127.0.0.1",
            method,
            path,
            agent: false,
            headers: { "Content-Length": bytes.length, ...headers },
        });
        request.end(bytes);
        const [response] = await once(request, "response");
        let text = "";
        for await (const chunk of response) {
            text += chunk;
        }
        assert.equal(response.headers["x-served-by"], "server2");
        const told = response.headers["content-type"] === "text/plain; version=0.0.4";
        assert.ok(told || response.headers["content-type"] === "application/json");
        if (method !== "HEAD") {
            assert.equal(Number(response.headers["content-length"]), Buffer.byteLength(text));
        }
        return { status: response.statusCode, answer: told ? text : text && JSON.parse(text), headers: response.headers };
    }

    it("reads an order", async () => {
        const { status, answer } = await ask("GET", "/api/orders/7");
        assert.deepEqual([status, answer], [200, { id: "7", item: "tea", quantity: 2 }]);
        assert.equal((await ask("GET", "/api/orders/%37?of=today")).status, 200);
        assert.equal((await ask("HEAD", "/api/orders/7")).answer, "");
        for (const id of ["8", "a%20b", "%", "7%0a"]) {
            assert.equal((await ask("GET", `/api/orders/${id}`)).status, 404, id);
        }
    });

    it("places an order once", async () => {
        const body = { id: "new-1", item: "milk", quantity: 3 };
        const { status, answer, headers } = await ask("POST", "/api/orders", body);
        assert.deepEqual([status, answer, headers.location], [201, body, "/api/orders/new-1"]);
        assert.equal((await ask("POST", "/api/orders", body)).status, 409);
        assert.deepEqual((await ask("GET", "/api/orders/new-1")).answer, body);
    });

    it("refuses a bad order and says why", async () => {
        const good = { id: "x", item: "tea", quantity: 1 };
        for (const [body, expected] of [
            [Buffer.from("{"), "JSON"],
            [Buffer.from([0xff]), "JSON"],
            [Buffer.alloc(0), "JSON"],
            [[], "expected"],
            [null, "expected"],
            [{ ...good, id: "" }, "id"],
            [{ ...good, id: "x".repeat(65) }, "id"],
            [{ ...good, id: "a/b" }, "id"],
            [{ ...good, id: "a\n" }, "id"],
            [{ ...good, id: 7 }, "id"],
            [{ ...good, item: "" }, "item"],
            [{ ...good, item: null }, "item"],
            [{ ...good, item: "😀".repeat(201) }, "item"],
            [{ ...good, quantity: 0 }, "quantity"],
            [{ ...good, quantity: true }, "quantity"],
            [{ ...good, quantity: 1.5 }, "quantity"],
            [{ ...good, quantity: 10 ** 9 }, "quantity"],
        ]) {
            const { status, answer } = await ask("POST", "/api/orders", body);
            assert.equal(status, 400, JSON.stringify(body));
            assert.ok(answer.error.includes(expected), answer.error);
        }
        assert.deepEqual([...store.rows.keys()], ["7"]);
        assert.equal((await ask("POST", "/api/orders", { ...good, item: "😀".repeat(200) })).status, 201);
    });

    it("does not take a body that is too long", async () => {
        const { status } = await ask("POST", "/api/orders", Buffer.alloc(LARGEST_BODY + 1, "x"));
        assert.equal(status, 413);
    });

    it("refuses other methods and pages", async () => {
        const { status, headers } = await ask("DELETE", "/api/orders/7");
        assert.deepEqual([status, headers.allow], [405, "GET, HEAD"]);
        assert.equal((await ask("GET", "/api/orders")).status, 405);
        assert.equal((await ask("GET", "/admin")).status, 404);
    });

    it("answers 503 with the reason while the database does not answer", async () => {
        store.failure = new Unavailable("primary db:1: refused");
        for (const [method, path, body] of [
            ["GET", "/api/orders/7"],
            ["POST", "/api/orders", { id: "x", item: "tea", quantity: 1 }],
            ["GET", "/ready"],
        ]) {
            const { status, answer } = await ask(method, path, body);
            assert.deepEqual([status, answer.reason], [503, "primary db:1: refused"], path);
        }
        assert.equal((await ask("GET", "/health")).status, 200);
    });

    it("says which databases serve", async () => {
        const { status, answer } = await ask("GET", "/ready");
        assert.deepEqual([status, answer], [200, { status: "ready", write: "primary", read: "replica" }]);
    });

    it("tells a monitor the version", async () => {
        const { status, answer } = await ask("GET", "/metrics");
        assert.deepEqual([status, answer.trimEnd().split("\n").pop()], [200, 'application_info{version="1"} 1']);
    });

    it("logs a fault of ours and does not show it", async () => {
        store.failure = new TypeError("secret");
        const { status, answer } = await ask("GET", "/api/orders/7");
        assert.deepEqual([status, answer], [500, { error: "internal error" }]);
        assert.match(log.join(), /secret/);
    });

    it("answers for its health while every seat waits for a database", async () => {
        const entered = gate();
        const leave = gate();
        store.find = async () => {
            entered.open();
            await leave.opened;
            return null;
        };
        const waiting = ask("GET", "/api/orders/7");
        await entered.opened;
        const { status, answer } = await ask("GET", "/api/orders/7");
        assert.deepEqual([status, answer.reason], [503, "too many requests wait for it"]);
        assert.equal((await ask("GET", "/health")).status, 200);
        leave.open();
        assert.equal((await waiting).status, 404);
        assert.equal((await ask("GET", "/api/orders/7")).status, 404);
    });
});
