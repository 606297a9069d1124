#!/usr/bin/env python3
# This source file is part of the Rollcall project.
# SPDX-License-Identifier: MIT

"""Runs the official test suites against the conformance server.

    Tests/Conformance/suites.py [--server PROGRAM] [--checkout FOLDER] [SUITE…]

The suites belong to the reference implementation (github.com/socketio/socket.io) and are not part of this repository:
FOLDER, or ROLLCALL_SOCKETIO_CHECKOUT, is a checkout of it. Suites, all by default:

    engine.io-v4, engine.io-v3, socket.io-v5   the protocol test suites
    client                                     the JavaScript client's own tests; the checkout's packages must be
                                               installed and compiled, as its CONTRIBUTING.md says

Needed are Node.js 20 or newer and, from the checkout's node_modules or from Debian (mocha, chai, node-ws): mocha, chai
and ws. What fails is run again, twice at most, and that is said: tests of all suites wait for real time, and on a busy
machine they fail against the reference's own server, too. Prints a line for each suite, such as
`engine.io-v4: 25 passed, 0 failed`; exits with 1 if anything failed, with 0 and `skipped: …` where there is no checkout.
"""

import argparse
import contextlib
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
DEBIAN_MODULES = Path("/usr/share/nodejs")

# The port that the client's tests ask for, wherever they stand.
CLIENT_PORT = 3210

# Stands in for the file of that name beside a protocol suite: modules are taken from where they are.
IMPORTS = """
import { createRequire } from "node:module";
const require = createRequire(import.meta.url);
globalThis.WebSocket = require("ws").WebSocket;
globalThis.chai = require("chai");
// chai-string, as far as the suites use it.
chai.use(({ Assertion }) => {
    Assertion.addMethod("startsWith", function (start) {
        this.assert(
            typeof this._obj === "string" && this._obj.startsWith(start),
            "expected #{this} to start with #{exp}", "expected #{this} not to start with #{exp}", start, this._obj);
    });
});
"""


@dataclass
class Suite:
    name: str
    folder: str  # of the checkout
    profile: tuple  # of the conformance server


SUITES = [
    Suite("engine.io-v4", "docs/engine.io-protocol/v4-test-suite", ("protocol",)),
    Suite("engine.io-v3", "docs/engine.io-protocol/v3-test-suite", ("protocol", "--eio3")),
    Suite("socket.io-v5", "docs/socket.io-protocol/v5-test-suite", ("protocol",)),
    Suite("client", "packages/socket.io-client", ("client",)),
]


class Skipped(Exception):
    """Something that the suite needs is not there."""


class Failed(Exception):
    """The suite could not be run to its end."""


@contextlib.contextmanager
def conformance_server(program, profile, port):
    """Runs until the suite is over; gives the real port."""
    with subprocess.Popen(
        [program, "--port", str(port), "--profile", *profile], stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            line = process.stdout.readline()
            if "listening on" not in line:
                raise Failed(f"{program} does not listen")
            yield int(line.rpartition(":")[2])
            if process.poll() is not None:
                raise Failed(f"{program} ended with {process.returncode} during the suite")
        finally:
            process.terminate()
            try:
                process.wait(15)
            except subprocess.TimeoutExpired:
                process.kill()


def modules(checkout, suite):
    """Where Node.js finds modules, in this order."""
    places = [checkout / suite.folder / "node_modules", checkout / "node_modules", DEBIAN_MODULES]
    return [place for place in places if place.is_dir()]


def mocha(checkout, suite, arguments, folder):
    """Mocha's report. Its exit code says nothing more."""
    places = modules(checkout, suite)
    program = next((place / "mocha/bin/mocha.js" for place in places if (place / "mocha/bin/mocha.js").is_file()), None)
    if program is None:
        raise Skipped("no mocha (Debian's package: mocha)")
    report = Path(folder) / "report.json"
    report.unlink(missing_ok=True)
    subprocess.run(
        [shutil.which("node"), program, "--reporter", "json", "--reporter-option", f"output={report}", *arguments],
        cwd=folder if suite.name != "client" else checkout / suite.folder,
        env={**os.environ, "NODE_PATH": os.pathsep.join(map(str, places))},
        stdout=subprocess.DEVNULL,
        timeout=600,
        check=False,
    )
    if not report.is_file():
        raise Failed(f"{suite.name} did not run")
    return json.loads(report.read_text())


def run_protocol_suite(suite, checkout, server, folder):
    """In a copy whose addresses are those of the server."""
    source = checkout / suite.folder / "test-suite.js"
    with conformance_server(server, suite.profile, 0) as port:
        text = source.read_text()
        if "localhost:3000" not in text:
            raise Failed(f"{source} asks for another address than http://localhost:3000")
        (folder / "test-suite.js").write_text(text.replace("localhost:3000", f"127.0.0.1:{port}"))
        (folder / "node-imports.js").write_text(IMPORTS)
        (folder / "package.json").write_text('{"type": "module"}')
        return mocha(checkout, suite, ["test-suite.js"], folder)


def run_client_file(suite, checkout, server, folder, name):
    """As `npm run test:node` of the package does, but without its own server."""
    with conformance_server(server, suite.profile, CLIENT_PORT):
        return mocha(checkout, suite, ["--import=tsx", "--exit", f"test/{name}.ts"], folder)


def client_files(suite, checkout):
    """What the client's tests consist of. A process for each: a test that fails may leave its fake clock to all others."""
    package = checkout / suite.folder
    if not (package / "build/cjs/index.js").is_file():
        raise Skipped("the client in the checkout is not compiled")
    if not any((place / "tsx").is_dir() for place in modules(checkout, suite)):
        raise Skipped("no tsx in the checkout's node_modules")
    with socket.socket() as probe:
        if probe.connect_ex(("127.0.0.1", CLIENT_PORT)) == 0:
            raise Failed(f"port {CLIENT_PORT}, which the client's tests need, is in use")
    files = re.findall(r'^import "\./([\w-]+)";$', (package / "test/index.ts").read_text(), re.MULTILINE)
    if not files:
        raise Failed(f"{package}/test/index.ts names no files")
    return files


def attempts(name, run_once):
    """The report of the first attempt without a failure, or of the third."""
    for attempt in range(1, 4):
        report = run_once()
        failures = [failure["fullTitle"] for failure in report["failures"]]
        if not failures or attempt == 3:
            return report
        print(f"{name}: attempt {attempt} failed in: {'; '.join(failures)}")


def reports(suite, checkout, server, folder):
    if suite.name != "client":
        return [attempts(suite.name, lambda: run_protocol_suite(suite, checkout, server, folder))]
    return [
        attempts(f"{suite.name}, {name}", lambda: run_client_file(suite, checkout, server, folder, name))
        for name in client_files(suite, checkout)
    ]


def run(suite, checkout, server):
    """One line of result, how many tests passed and failed, and whether that is good."""
    if not (checkout / suite.folder).is_dir():
        return f"{suite.name}: failed: the checkout has no {suite.folder}", 0, 0, False
    with tempfile.TemporaryDirectory(prefix="rollcall-suite-") as folder:
        try:
            parts = reports(suite, checkout, server, Path(folder))
        except Skipped as reason:
            return f"{suite.name}: skipped: {reason}", 0, 0, True
        except Failed as reason:
            return f"{suite.name}: failed: {reason}", 0, 0, False
    for failure in (failure for part in parts for failure in part["failures"]):
        error = failure["err"].get("stack") or failure["err"].get("message") or ""
        print(f"FAILED {suite.name}: {failure['fullTitle']}\n{error}\n")
    passed, failed, pending = (sum(part["stats"][key] for part in parts) for key in ("passes", "failures", "pending"))
    line = f"{suite.name}: {passed} passed, {failed} failed" + (f", {pending} pending" if pending else "")
    return line, passed, failed, failed == 0 and passed > 0


def main():
    names = [suite.name for suite in SUITES]
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--server", default=REPOSITORY / ".build/debug/conformance-server", type=Path)
    parser.add_argument("--checkout", default=os.environ.get("ROLLCALL_SOCKETIO_CHECKOUT"))
    parser.add_argument("suites", nargs="*", metavar="SUITE", help=", ".join(names))
    arguments = parser.parse_args()
    unknown = set(arguments.suites) - set(names)
    if unknown:
        parser.error(f"no such suite: {', '.join(sorted(unknown))}")
    if not arguments.checkout:
        print("skipped: no checkout given")
        return 0
    if not arguments.server.is_file():
        sys.exit(f"error: no {arguments.server}: swift build --product conformance-server")
    checkout = Path(arguments.checkout).resolve()
    wanted = [suite for suite in SUITES if not arguments.suites or suite.name in arguments.suites]
    results = [run(suite, checkout, arguments.server.resolve()) for suite in wanted]
    print("\n".join(result[0] for result in results))
    print(f"suites: {sum(result[1] for result in results)} passed, {sum(result[2] for result in results)} failed")
    return 0 if all(result[3] for result in results) else 1


if __name__ == "__main__":
    sys.exit(main())
