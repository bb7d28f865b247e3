"use strict";
/** Connections to MariaDB. The only module that knows mysql2, which it is given. */

const fs = require("node:fs");
const net = require("node:net");
const tls = require("node:tls");
const { setImmediate: turn } = require("node:timers/promises");

const { ConnectionLost, Duplicate, Unavailable } = require("./errors");

const DUPLICATE_KEY = 1062;
/** Ways to log in that send the password itself. The others answer a challenge. */
const REVEALING = ["mysql_clear_password", "sha256_password", "caching_sha2_password"];

/** A mysql2 connection in autocommit mode: a statement that was answered is committed. */
class Connection {
    constructor(driver, statementTimeout) {
        this._driver = driver;
        this._statementTimeout = statementTimeout;
        this._lost = false;
        // mysql2 itself closes it then, and tells the statement that waits, if one does.
        const noteLost = () => {
            this._lost = true;
        };
        driver.on("error", noteLost);
        driver.on("end", noteLost);
    }

    /** Whether the server has hung up. */
    async isStale() {
        // What the kernel has told already is heard before anything is sent: a write is not sent into the void.
        await turn();
        return this._lost;
    }

    /** Runs one statement and returns its rows, each an array of values. */
    query(statement, values) {
        return new Promise((resolve, reject) => {
            const silent = () => {
                this.close();
                reject(new ConnectionLost("timed out", { sent: true, timedOut: true }));
            };
            const timer = setTimeout(silent, this._statementTimeout * 1000);
            this._driver.query({ sql: statement, values, rowsAsArray: true }, (error, rows) => {
                clearTimeout(timer);
                if (error) {
                    reject(this._told(error));
                } else {
                    resolve(rows);
                }
            });
        });
    }

    /** Closes without asking the server, which may not answer. */
    close() {
        this._lost = true;
        end(this._driver);
    }

    _told(error) {
        if (error.errno === DUPLICATE_KEY) {
            return new Duplicate();
        }
        if (error.sqlState !== undefined && !error.fatal) {
            return new Unavailable(error.sqlMessage);
        }
        this.close();
        // A statement that could not be written, or was not even tried to, has not been executed.
        const sent = error.code !== "EPIPE" && !/closed state/.test(error.message);
        return new ConnectionLost(error.message, { sent, timedOut: false });
    }
}

/** Connects to `address` by `mysql`; throws ConnectionLost when that fails. */
async function connect(mysql, address, settings) {
    const ssl = settings.databaseAuthority ? tlsTo(settings.databaseAuthority) : undefined;
    const socket = await connectSocket(address, settings.connectTimeout);
    const driver = mysql.createConnection({
        stream: socket,
        host: address.host,
        user: settings.user,
        password: settings.password,
        database: settings.schema,
        charset: "utf8mb4",
        ssl,
        authPlugins: Object.fromEntries(REVEALING.map((method) => [method, refuse(method)])),
        connectTimeout: settings.statementTimeout * 1000,
    });
    try {
        await new Promise((resolve, reject) => {
            driver.once("connect", resolve);
            driver.once("error", reject);
        });
        if (ssl) {
            verifyIdentity(address.host, driver.stream);
        }
    } catch (error) {
        driver.on("error", () => {}); // whatever else it says, it is over
        end(driver);
        throw lost(error);
    }
    return new Connection(driver, settings.statementTimeout);
}

/** A TCP connection that stands. */
function connectSocket({ host, port }, timeout) {
    return new Promise((resolve, reject) => {
        const socket = net.connect({ host, port, noDelay: true, keepAlive: true });
        const fail = (error) => {
            clearTimeout(timer);
            socket.destroy();
            reject(lost(error));
        };
        const silent = () => fail(Object.assign(new Error("timed out"), { code: "ETIMEDOUT" }));
        const timer = setTimeout(silent, timeout * 1000);
        socket.once("error", fail);
        socket.once("connect", () => {
            clearTimeout(timer);
            socket.removeListener("error", fail);
            resolve(socket);
        });
    });
}

/** TLS with a certificate of the authority in the PEM file `authority`; mysql2 refuses a server that offers none. */
function tlsTo(authority) {
    return { ca: fs.readFileSync(authority), rejectUnauthorized: true, minVersion: "TLSv1.2" };
}

/**
 * Throws unless the server's certificate is for `host`, a name or an address. mysql2 takes an address for "localhost",
 * so this is done here: after the log-in, which revealed no password, and before the first statement.
 */
function verifyIdentity(host, stream) {
    const error = tls.checkServerIdentity(host, stream.getPeerCertificate());
    if (error) {
        throw error;
    }
}

function refuse(method) {
    return () => () => {
        throw new Error(`the server asks for the password by ${method}, which reveals it`);
    };
}

/** mysql2's own `destroy` says good-bye and waits. */
function end(driver) {
    driver.destroy();
    driver.stream.destroy();
}

function lost(error) {
    return new ConnectionLost(error.message, { sent: false, timedOut: error.code === "ETIMEDOUT" });
}

module.exports = { connect };
