"use strict";
/** Puts the service together. No connection is made before the first request needs one. */

const mysql = require("mysql2");

const { connect } = require("./driver");
const { Pool } = require("./pool");
const { Service } = require("./service");
const { Store } = require("./store");

function build(settings) {
    const pool = (role, address) => {
        return new Pool(`${role} ${address.host}:${address.port}`, () => connect(mysql, address, settings), {
            size: settings.poolSize,
            wait: settings.poolTimeout,
            silentFor: settings.silentFor,
            refusedFor: settings.refusedFor,
        });
    };
    const replica = settings.replica ? pool("replica", settings.replica) : null;
    const store = new Store(pool("primary", settings.primary), replica, settings.requestTimeout);
    return new Service(store, settings.node, settings.threads);
}

module.exports = { build };
