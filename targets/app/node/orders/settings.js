"use strict";
/**
 * Settings of the order service, all from the environment: the same, with the same defaults, as those of its twin in
 * Python, which documents them (orders/settings.py). Here beside them:
 *
 *     LISTEN_ADDRESS   where to listen (default: 127.0.0.1)
 *     LISTEN_PORT      (default: 8000)
 *     TLS_CHAIN        PEM file of the certificate and those up to the authority (default: none, HTTP in clear)
 *     TLS_KEY          PEM file of its key (required with TLS_CHAIN)
 *
 * APP_THREADS is the number of requests answered at the same time. They are not threads here.
 */

const os = require("node:os");

/** Reads the settings; throws an Error, naming the variable, when one is missing or makes no sense. */
function read(environment = process.env) {
    const text = (name, fallback) => environment[name] || fallback;

    function number(name, fallback) {
        const value = Number(text(name, fallback));
        if (Number.isNaN(value)) {
            throw new Error(`${name}=${JSON.stringify(environment[name])} is not a number`);
        }
        if (!(value > 0)) {
            throw new Error(`${name}=${JSON.stringify(environment[name])} must be above 0`);
        }
        return value;
    }

    function whole(name, fallback) {
        const value = number(name, fallback);
        if (!Number.isInteger(value)) {
            throw new Error(`${name}=${JSON.stringify(environment[name])} is not a whole number`);
        }
        return value;
    }

    function address(name) {
        const [, host, port] = /^(.+):([0-9]+)$/.exec(environment[name]) || [];
        if (host === undefined) {
            throw new Error(`${name}=${JSON.stringify(environment[name])} is not host:port`);
        }
        return { host, port: Number(port) };
    }

    if (!environment.DB_PRIMARY) {
        throw new Error("DB_PRIMARY is not set: give host:port of the database that takes writes");
    }
    if (environment.TLS_CHAIN && !environment.TLS_KEY) {
        throw new Error("TLS_CHAIN is set and TLS_KEY is not: give the PEM file of the certificate's key");
    }
    return {
        primary: address("DB_PRIMARY"),
        replica: environment.DB_REPLICA ? address("DB_REPLICA") : null,
        user: environment.DB_USER ?? "orders",
        password: environment.DB_PASSWORD ?? "",
        schema: environment.DB_NAME ?? "shop",
        databaseAuthority: environment.DB_CA || null,
        node: text("NODE_NAME", os.hostname()),
        threads: whole("APP_THREADS", "64"),
        poolSize: whole("DB_POOL_SIZE", "6"),
        // Seconds.
        connectTimeout: number("DB_CONNECT_TIMEOUT", "1"),
        statementTimeout: number("DB_STATEMENT_TIMEOUT", "2"),
        poolTimeout: number("DB_POOL_TIMEOUT", "1"),
        requestTimeout: number("DB_REQUEST_TIMEOUT", "3"),
        silentFor: number("DB_SILENT_FOR", "1"),
        refusedFor: number("DB_REFUSED_FOR", "0.2"),
        listen: { host: text("LISTEN_ADDRESS", "127.0.0.1"), port: whole("LISTEN_PORT", "8000") },
        tls: environment.TLS_CHAIN ? { chain: environment.TLS_CHAIN, key: environment.TLS_KEY } : null,
    };
}

module.exports = { read };
