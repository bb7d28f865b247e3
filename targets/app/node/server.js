"use strict";
/**
 * What is started: `node server.js`. A primary that holds the listening socket, and a worker that answers, as gunicorn
 * has them. The settings are documented in orders/settings.py and orders/settings.js.
 *
 *     TERM, INT   finishes what is in flight and ends
 *     HUP         starts a new worker, with the code and certificate as they are now, and lets the old one finish
 */

const cluster = require("node:cluster");

// Between a worker's death and the start of the next, so that a machine in trouble is not kept busy with starts.
const RESTART_PAUSE_MS = 200;
// Longer than a worker takes to end in good order.
const STOP_MS = 4_000;

/** Keeps one worker answering. */
class Primary {
    constructor() {
        this._current = null;
        this._stopping = false;
    }

    run() {
        // The worker accepts by itself: no connection takes the way through this process.
        cluster.schedulingPolicy = cluster.SCHED_NONE;
        cluster.on("listening", (worker) => this._takeOver(worker));
        cluster.on("exit", (worker) => this._lost(worker));
        process.on("SIGHUP", () => this._stopping || cluster.fork());
        process.on("SIGTERM", () => this._stop());
        process.on("SIGINT", () => this._stop());
        cluster.fork();
    }

    _takeOver(worker) {
        const before = this._current;
        this._current = worker;
        if (this._stopping) {
            worker.send("stop");
        }
        before?.send("leave");
    }

    _lost(worker) {
        if (this._stopping) {
            if (Object.keys(cluster.workers).length === 0) {
                process.exit(0);
            }
        } else if (worker === this._current) {
            this._current = null;
            console.error("the worker died; another is started");
            setTimeout(() => this._stopping || cluster.fork(), RESTART_PAUSE_MS);
        } else if (this._current === null) {
            // It never listened: its log says why, and another would fare no better.
            process.exit(1);
        }
    }

    _stop() {
        this._stopping = true;
        const workers = Object.values(cluster.workers);
        workers.forEach((worker) => worker.send("stop"));
        setTimeout(() => process.exit(1), STOP_MS);
        if (workers.length === 0) {
            process.exit(0);
        }
    }
}

if (cluster.isPrimary) {
    new Primary().run();
} else {
    const { build } = require("./orders/build");
    const { fail, run } = require("./orders/worker");
    const settings = settingsOr(fail);
    run(build(settings), settings);
}

function settingsOr(giveUp) {
    try {
        return require("./orders/settings").read();
    } catch (error) {
        return giveUp(error);
    }
}
