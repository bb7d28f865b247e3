"use strict";
/**
 * The HTTP interface.
 *
 *     GET  /api/orders/{id}   200 with the order, 404
 *     POST /api/orders        {"id": "...", "item": "...", "quantity": n}: 201 once committed, 409 when the id is taken
 *     GET  /health            200 with the version while the process is alive; asks no database
 *     GET  /ready             200 when a database takes writes and one answers reads, and says which; else 503
 *     GET  /metrics           200 for a monitor (Prometheus' text format): that it is alive, and the version
 *
 * A database that does not answer makes a 503 with the reason. Every answer names this node in X-Served-By and, but for
 * /metrics, is JSON.
 */

/** Told by /health. A deploy of a new version changes this line. */
const VERSION = "1";

const { Duplicate, Unavailable } = require("./errors");

// An id is the client's choice; these characters need no quoting in an address.
const ORDER_ID = /^[A-Za-z0-9._~-]{1,64}$/;
const ORDERS = "/api/orders";
const LARGEST_BODY = 16 * 1024;
const LARGEST_QUANTITY = 1000000;
// Nothing here is a thread; the twin in Python keeps so many for /health, and both let as many requests in.
const SPARE_THREADS = 4;

// Requests are counted by those in front, who see also what never gets here.
const METRICS = `\
# HELP application_info Always 1; the label says which version answers.
# TYPE application_info gauge
application_info{version="${VERSION}"} 1
`;

/** An answer other than success: status, message for the client, further headers. */
class Rejected extends Error {
    constructor(status, message, headers = {}) {
        super(message);
        this.status = status;
        this.headers = headers;
    }
}

class Service {
    /** Over a Store; `log` takes a line. */
    constructor(store, node, threads, log = console.error) {
        this._store = store;
        this._node = node;
        this._seats = Math.max(1, threads - SPARE_THREADS);
        this._log = log;
    }

    /** Answers one request: a listener of Node's HTTP server. */
    async handle(request, response) {
        const { status, headers = {}, answer } = await this._attempt(request);
        const text = typeof answer === "string";
        const body = Buffer.from(text ? answer : `${JSON.stringify(answer)}\n`);
        response.writeHead(status, {
            "Content-Type": text ? "text/plain; version=0.0.4" : "application/json",
            "Content-Length": body.length,
            "X-Served-By": this._node,
            ...headers,
        });
        response.end(body);
    }

    async _attempt(request) {
        try {
            return await this._answer(request);
        } catch (error) {
            if (error instanceof Rejected) {
                return { status: error.status, headers: error.headers, answer: { error: error.message } };
            }
            if (error instanceof Unavailable) {
                const answer = { error: "the database does not answer", reason: error.message };
                return { status: 503, headers: { "Retry-After": "1" }, answer };
            }
            // A fault of ours: the log gets the whole story, the client does not.
            this._log(`${request.url}: ${error.stack}`);
            return { status: 500, answer: { error: "internal error" } };
        }
    }

    async _answer(request) {
        const path = pathOf(request.url);
        if (path === ORDERS) {
            expect(request.method, "POST");
            return this._insert(request);
        }
        if (path.startsWith(`${ORDERS}/`)) {
            expect(request.method, "GET", "HEAD");
            return this._find(path.slice(ORDERS.length + 1));
        }
        if (path === "/health") {
            expect(request.method, "GET", "HEAD");
            return { status: 200, answer: { status: "alive", version: VERSION } };
        }
        if (path === "/ready") {
            expect(request.method, "GET", "HEAD");
            return this._readiness();
        }
        if (path === "/metrics") {
            expect(request.method, "GET", "HEAD");
            return { status: 200, answer: METRICS };
        }
        throw new Rejected(404, "no such page");
    }

    async _find(id) {
        const row = ORDER_ID.test(id) ? await this._withDatabase(() => this._store.find(id)) : null;
        if (row === null) {
            throw new Rejected(404, "no such order");
        }
        return { status: 200, answer: { id: row[0], item: row[1], quantity: row[2] } };
    }

    async _insert(request) {
        const { id, item, quantity } = order(await readBody(request));
        try {
            await this._withDatabase(() => this._store.insert(id, item, quantity));
        } catch (error) {
            throw error instanceof Duplicate ? new Rejected(409, `order ${id} exists already`) : error;
        }
        return { status: 201, headers: { Location: `${ORDERS}/${id}` }, answer: { id, item, quantity } };
    }

    async _readiness() {
        const { serves, reasons } = await this._withDatabase(() => this._store.readiness());
        if (serves.write && serves.read) {
            return { status: 200, answer: { status: "ready", ...serves } };
        }
        return { status: 503, answer: { status: "not ready", ...serves, reason: reasons.join("; ") } };
    }

    async _withDatabase(work) {
        if (this._seats === 0) {
            throw new Unavailable("too many requests wait for it");
        }
        this._seats -= 1;
        try {
            return await work();
        } finally {
            this._seats += 1;
        }
    }
}

/** The path of a request's target, without the query. One that is wrongly escaped is no page of ours as it stands. */
function pathOf(target) {
    const path = target.split("?", 1)[0];
    try {
        return decodeURIComponent(path);
    } catch {
        return path;
    }
}

/** Rejects every method but `allowed`. */
function expect(method, ...allowed) {
    if (!allowed.includes(method)) {
        throw new Rejected(405, `use ${allowed.join(" or ")}`, { Allow: allowed.join(", ") });
    }
}

/** The JSON value in the request's body. */
async function readBody(request) {
    // Node's parser has made sure that it is a number. Without one there is no body, as for the twin in Python.
    const length = Number(request.headers["content-length"] ?? 0);
    if (length > LARGEST_BODY) {
        throw new Rejected(413, `the body is longer than ${LARGEST_BODY} bytes`);
    }
    const chunks = [];
    if (length > 0) {
        for await (const chunk of request) {
            chunks.push(chunk);
        }
    }
    try {
        return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(Buffer.concat(chunks)));
    } catch {
        throw new Rejected(400, "the body is not JSON");
    }
}

/** The id, item and quantity in a request's JSON value. */
function order(value) {
    if (typeof value !== "object" || value === null || Array.isArray(value)) {
        throw new Rejected(400, 'expected {"id": "...", "item": "...", "quantity": n}');
    }
    const { id, item, quantity } = value;
    if (!(typeof id === "string" && ORDER_ID.test(id))) {
        throw new Rejected(400, "id must be 1 to 64 letters, digits and . _ ~ -");
    }
    // Characters, of which JavaScript's length counts some as two.
    if (!(typeof item === "string" && item.length > 0 && [...item].length <= 200)) {
        throw new Rejected(400, "item must be a text of 1 to 200 characters");
    }
    if (!(Number.isInteger(quantity) && quantity > 0 && quantity <= LARGEST_QUANTITY)) {
        throw new Rejected(400, `quantity must be a whole number from 1 to ${LARGEST_QUANTITY}`);
    }
    return { id, item, quantity };
}

module.exports = { LARGEST_BODY, SPARE_THREADS, Service };
