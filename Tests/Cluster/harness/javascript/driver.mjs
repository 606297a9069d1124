// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

// Serves the functions of clients.js over standard input and output, one JSON object per line:
// {"call", "method", "params"} → {"call", "result"} or {"call", "error"}. Argument: the path of socket.io.min.js.

import { createRequire } from "node:module";
import { createInterface } from "node:readline";

const require = createRequire(import.meta.url);
globalThis.io = require(process.argv[2]);
require("./msgpack_parser.js");
require("./clients.js");

for await (const line of createInterface({ input: process.stdin })) {
    const { call, method, params } = JSON.parse(line);
    const answer = (body) => process.stdout.write(JSON.stringify({ call, ...body }) + "\n");
    // Not awaited: an acknowledgement that is slow to come must not hold up the other calls.
    Promise.resolve()
        .then(() => globalThis.rollcallClients[method](params))
        .then((result) => answer({ result: result ?? null }), (error) => answer({ error: error.message }));
}
process.exit(0);
