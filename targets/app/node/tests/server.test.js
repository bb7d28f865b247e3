"use strict";
/** The whole program, with signals. No database is there, and none is asked. */

const assert = require("node:assert/strict");
const { spawn } = require("node:child_process");
const { once } = require("node:events");
const fs = require("node:fs");
const http = require("node:http");
const net = require("node:net");
const path = require("node:path");
const { afterEach, beforeEach, describe, it } = require("node:test");
const { setTimeout: sleep } = require("node:timers/promises");

const PROGRAM = path.join(__dirname, "..", "server.js");

async function freePort() {
    const server = net.createServer().listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port } = server.address();
    server.close();
    return port;
}

/** The processes that `pid` started. */
function childrenOf(pid) {
    return fs.readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").split(" ").filter(Boolean).map(Number);
}

async function until(condition) {
    for (let tries = 0; tries < 2000; tries += 1) {
        if (await condition()) {
            return;
        }
        await sleep(10);
    }
    assert.fail(`it did not come to pass: ${condition}`);
}

describe("the program", () => {
    let port;
    let program;

    /** Status of GET /health, over a connection of its own unless an agent is given. */
    async function health(agent = false) {
        const request = http.get({ host: "127.0.0.1", port, path: "/health", agent });
        const [response] = await once(request, "response");
        response.resume();
        await once(response, "end");
        return response.statusCode;
    }

    function start(settings, stderr = "inherit") {
        const env = { NODE_PATH: path.join(__dirname, "modules"), LISTEN_PORT: String(port), ...settings };
        return spawn(process.execPath, [PROGRAM], { env, stdio: ["ignore", "inherit", stderr] });
    }

    beforeEach(async () => {
        port = await freePort();
        program = start({ DB_PRIMARY: "127.0.0.1:1" });
        await until(() => health().catch(() => false));
    });

    afterEach(async () => {
        if (program.exitCode === null && program.signalCode === null) {
            program.kill("SIGKILL");
            await once(program, "exit");
        }
    });

    /** A request whose body is still on its way, and what finishes it. */
    async function slowRequest() {
        const socket = net.connect({ host: "127.0.0.1", port });
        socket.write("POST /api/orders HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n[");
        // Now it has the head.
        assert.match(String((await once(socket, "data"))[0]), /^HTTP\/1.1 100 /);
        return async () => {
            let answer = "";
            socket.on("data", (data) => {
                answer += data;
            });
            socket.write("]");
            await once(socket, "end");
            return answer;
        };
    }

    it("finishes what is in flight and ends on TERM", async () => {
        const finish = await slowRequest();
        const idle = new http.Agent({ keepAlive: true });
        await health(idle);
        program.kill("SIGTERM");
        await until(() => health().then(() => false, () => true));
        const answer = await finish();
        assert.match(answer, /^HTTP\/1.1 400 .*"expected/s);
        if (program.exitCode === null) {
            await once(program, "exit");
        }
        assert.equal(program.exitCode, 0);
        idle.destroy();
    });

    it("replaces its worker on HUP without failing a request", async () => {
        const before = childrenOf(program.pid);
        const agent = new http.Agent({ keepAlive: true, maxSockets: 2 });
        let asking = true;
        const loop = async (agent) => {
            const statuses = new Set();
            while (asking) {
                statuses.add(await health(agent));
            }
            return [...statuses];
        };
        const loops = [loop(agent), loop(agent), loop(false)];
        const finish = await slowRequest();
        program.kill("SIGHUP");
        await until(() => childrenOf(program.pid).length === 2);
        assert.match(await finish(), /^HTTP\/1.1 400 /);
        await until(() => {
            const now = childrenOf(program.pid);
            return now.length === 1 && !before.includes(now[0]);
        });
        asking = false;
        assert.deepEqual(await Promise.all(loops), [[200], [200], [200]]);
        assert.equal(program.exitCode, null);
        agent.destroy();
    });

    it("says in one line why it does not come up", async () => {
        for (const [settings, expected] of [
            [{}, /^error: DB_PRIMARY is not set: .*\n$/],
            [{ DB_PRIMARY: "a:1" }, /^error: .*EADDRINUSE.* 127.0.0.1:[0-9]+\n$/],
        ]) {
            const second = start(settings, "pipe");
            let said = "";
            second.stderr.on("data", (data) => {
                said += data;
            });
            const [code] = await once(second, "close");
            assert.equal(code, 1);
            assert.match(said, expected);
        }
    });

    it("starts another worker when one dies", async () => {
        const [worker] = childrenOf(program.pid);
        process.kill(worker, "SIGKILL");
        await until(() => childrenOf(program.pid).some((pid) => pid !== worker));
        await until(() => health().catch(() => false));
    });

    it("leaves no worker behind when its primary is killed", async () => {
        const [worker] = childrenOf(program.pid);
        program.kill("SIGKILL");
        await until(() => !fs.existsSync(`/proc/${worker}`));
    });
});
