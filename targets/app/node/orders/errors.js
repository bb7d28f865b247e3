"use strict";
/** What can go wrong between the service and a database, in the service's own words. */

/** The database could not do it now. The message is told to the client as the reason. */
class Unavailable extends Error {}

/**
 * The connection broke and is closed.
 *
 * `sent` says whether the statement may have reached the database: if so a write may have been made.
 * `timedOut` says that the database kept silent, so that asking again would only wait again.
 */
class ConnectionLost extends Unavailable {
    constructor(reason, { sent, timedOut }) {
        super(reason);
        this.sent = sent;
        this.timedOut = timedOut;
    }
}

/** There is a row with this key already. */
class Duplicate extends Error {}

module.exports = { ConnectionLost, Duplicate, Unavailable };
