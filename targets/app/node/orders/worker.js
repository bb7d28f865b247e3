"use strict";
/**
 * The process that answers requests. Its primary (server.js) ends it by a message:
 *
 *     "leave"   another worker has taken over: accepts nothing new, ends each connection with its next answer
 *     "stop"    nobody takes over: closes idle connections at once, the others once they are answered
 */

const fs = require("node:fs");
const http = require("node:http");
const https = require("node:https");
const net = require("node:net");

// The proxy in front keeps idle connections for 60 s, so it closes first.
const KEEP_ALIVE_MS = 75_000;
// Connections that nobody has used for so long after "leave" are closed all the same.
const GRACE_MS = 3_000;
const IDLE_CHECK_MS = 20;
const BACKLOG = 1024;

/** The HTTP server over a Service; with TLS where the settings name a certificate. */
function createServer(service, settings) {
    const server = settings.tls
        ? https.createServer({
              cert: fs.readFileSync(settings.tls.chain),
              key: fs.readFileSync(settings.tls.key),
              minVersion: "TLSv1.2",
          })
        : http.createServer();
    server.keepAliveTimeout = KEEP_ALIVE_MS;
    let ending = false;
    server.on("request", (request, response) => {
        if (ending) {
            response.setHeader("Connection", "close");
        }
        // A client that went away while its body was read needs no answer.
        service.handle(request, response).catch(() => response.destroy());
    });
    /** Accepts nothing new; calls `done` when every connection has ended. */
    server.leave = (done) => {
        ending = true;
        // http.Server's own would cut idle connections, on which a request may be on its way.
        net.Server.prototype.close.call(server, done);
    };
    return server;
}

/** Answers until the primary says otherwise. */
function run(service, settings) {
    const server = createServer(service, settings);
    const exit = () => process.exit(0);
    let leaving = false;
    process.on("message", (message) => {
        if (message === "stop") {
            // Again and again, since a connection is idle once its last request is answered.
            setInterval(() => server.closeIdleConnections(), IDLE_CHECK_MS);
        }
        if (!leaving) {
            leaving = true;
            server.leave(exit);
            setTimeout(exit, GRACE_MS);
        }
    });
    // A terminal's or a supervisor's signal reaches the whole group; the primary decides what it means.
    for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"]) {
        process.on(signal, () => {});
    }
    process.on("disconnect", () => process.exit(1)); // the primary is dead
    server.on("error", fail);
    server.listen({ ...settings.listen, backlog: BACKLOG });
}

/** Ends because of what somebody else has to put right, who needs no stack trace for it. */
function fail(error) {
    console.error(`error: ${error.message}`);
    process.exit(1);
}

module.exports = { createServer, fail, run };
