"use strict";
/** Seconds on a clock that never goes back. */

const { performance } = require("node:perf_hooks");

const monotonic = () => performance.now() / 1000;

module.exports = { monotonic };
