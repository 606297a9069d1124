# This source file is part of the Rollcall project.
# SPDX-License-Identifier: MIT

"""Fixtures of the cluster tests: clusters, clients, browsers. deploy/test.sh says what must be installed."""

import contextlib
import itertools
import os
import shutil

import pytest
from playwright.sync_api import sync_playwright

from harness.cluster import Cluster
from harness.javascript_client import JavaScriptClient, NodeRuntime, PageRuntime, SocketIO2Runtime, msgpack_library
from harness.node import Node
from harness.processes import ManagedProcess
from harness.python_client import PythonClient
from harness.raw import RawClient, RawSocket


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    """A failure comes with the last words of every process that the test could see."""
    report = yield
    if report.failed:
        for process in ManagedProcess.all:
            state = "running" if process.running else f"ended {getattr(process.process, 'returncode', None)}"
            report.sections.append((f"{process.name} ({state}, {process.directory})", process.tail()))
    return report


def _cluster(tmp_path_factory, name, **options):
    cluster = Cluster(tmp_path_factory.mktemp(name), **options)
    try:
        yield cluster.start()
    finally:
        try:
            cluster.stop()
        finally:
            for process in [cluster.balancer, *cluster.nodes, cluster.redis]:
                if process in ManagedProcess.all:
                    ManagedProcess.all.remove(process)


# Clusters that many tests of a worker share; users are unique to a test, so tests do not see each other.


@pytest.fixture(scope="session")
def probe_cluster(tmp_path_factory):
    """Three nodes with the default policy."""
    yield from _cluster(tmp_path_factory, "probe")


@pytest.fixture(scope="session")
def reject_cluster(tmp_path_factory):
    """Three nodes that believe an open connection without asking it."""
    yield from _cluster(tmp_path_factory, "reject", duplicates="reject")


@pytest.fixture(scope="session")
def replace_cluster(tmp_path_factory):
    """Three nodes where the newest connection wins."""
    yield from _cluster(tmp_path_factory, "replace", duplicates="replace", balancer=False)


@pytest.fixture
def new_cluster(tmp_path_factory):
    """Makes clusters for one test alone: `new_cluster(nodes=3, duplicates="reject", flags=[…])`."""
    with contextlib.ExitStack() as stack:

        def make(**options):
            context = contextlib.contextmanager(_cluster)(tmp_path_factory, "own", **options)
            return stack.enter_context(context)

        yield make


@pytest.fixture
def new_node(tmp_path_factory):
    """Makes single nodes without Redis: `new_node(flag, …)`, not started."""
    nodes = []

    def make(*flags, name="solo"):
        # `so` is the prefix: at most four letters and digits.
        node = Node(tmp_path_factory.mktemp(name), name, "so", flags)
        nodes.append(node)
        return node

    yield make
    for node in nodes:
        ManagedProcess.all.remove(node)
        node.end()
        assert "Fatal error" not in node.logged(), node.tail(60)


@pytest.fixture(autouse=True)
def nodes_survive(request):
    """No test may crash a node of a shared cluster."""
    shared = [name for name in ("probe_cluster", "reject_cluster", "replace_cluster") if name in request.fixturenames]
    clusters = [request.getfixturevalue(name) for name in shared]
    before = {node.name: node.pid for cluster in clusters for node in cluster.nodes}
    yield
    for cluster in clusters:
        for node in cluster.nodes:
            assert node.running and node.pid == before[node.name], f"{node.name} did not survive: {node.tail()}"


# Users and clients.

_numbers = itertools.count(1)


@pytest.fixture
def user():
    """Makes names of users that no other test has: `user()`, `user("bob")`."""

    def make(name="user"):
        return f"{name}-{os.getpid()}-{next(_numbers)}"

    return make


@pytest.fixture(scope="session")
def node_runtime():
    runtime = NodeRuntime()
    yield runtime
    runtime.close()


@pytest.fixture(scope="session")
def msgpack_node_runtime():
    library, _ = msgpack_library()
    runtime = NodeRuntime(library)
    yield runtime
    runtime.close()


@pytest.fixture(scope="session")
def socketio2_runtime():
    runtime = SocketIO2Runtime()
    yield runtime
    runtime.close()


@pytest.fixture(scope="session")
def chromium():
    executable = os.environ.get("ROLLCALL_CHROMIUM") or shutil.which("chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=["--no-sandbox", "--disable-gpu"])
        yield browser
        browser.close()


@pytest.fixture
def clients(request):
    """Makes clients and closes them after the test."""
    with contextlib.ExitStack() as stack:
        yield Clients(request, stack)


class Clients:
    """One method per kind; a `place` is anything with a port and a URL: a node or a cluster (its balancer)."""

    def __init__(self, request, stack):
        self._request = request
        self._stack = stack

    def keep(self, client):
        self._stack.callback(client.close)
        return client

    def raw(self, place, user=None, token=None, **options):
        return self.keep(RawClient(place.port, user, token, **options))

    def raw_socket(self, place):
        return self.keep(RawSocket(place.port))

    def python(self, place, user=None, token=None, transports=("websocket",), **options):
        return self.keep(PythonClient(place.url, user, token, list(transports), **options))

    def node_js(self, place, user=None, token=None, runtime="node_runtime", **options):
        """Under Node: WebSocket only."""
        runtime = self._request.getfixturevalue(runtime)
        return self.keep(JavaScriptClient(runtime, place.url, user, token, **{"transports": ["websocket"], **options}))

    def socketio2(self, place, user=None, token=None, transports=("websocket",), **options):
        runtime = self._request.getfixturevalue("socketio2_runtime")
        return self.keep(JavaScriptClient(runtime, place.url, user, token, transports=list(transports), **options))

    def chromium(self, place, user=None, token=None, origin=None, library=None, **options):
        """In a page of its own, by default of the same origin as the server."""
        return self.keep(JavaScriptClient(self.page(origin or place.url, library), place.url, user, token, **options))

    def page(self, origin, library=None):
        """An empty page of this origin, with cookies of its own and the official client."""
        return self.keep(PageRuntime(self._request.getfixturevalue("chromium"), origin, library))

    def any(self, kind, place, user=None, token=None, **options):
        """By name, for parametrised tests."""
        msgpack, parser = msgpack_library()
        return {
            "raw": self.raw,
            "python": self.python,
            "python polling": lambda *a, **o: self.python(*a, **{"transports": ["polling"], **o}),
            "python upgrade": lambda *a, **o: self.python(*a, **{"transports": ["polling", "websocket"], **o}),
            "socketio2": self.socketio2,
            "socketio2 polling": lambda *a, **o: self.socketio2(*a, **{"transports": ["polling"], **o}),
            "socketio2 upgrade": lambda *a, **o: self.socketio2(*a, **{"transports": ["polling", "websocket"], **o}),
            "node": self.node_js,
            "python msgpack polling": lambda *a, **o: self.python(
                *a, **{"transports": ["polling"], "serializer": "msgpack", **o}
            ),
            "python msgpack": lambda *a, **o: self.python(*a, **{"serializer": "msgpack", **o}),
            "node msgpack": lambda *a, **o: self.node_js(*a, **{"runtime": "msgpack_node_runtime", **parser, **o}),
            "chromium msgpack polling": lambda *a, **o: self.chromium(
                *a, **{"library": msgpack, "transports": ["polling"], **parser, **o}
            ),
            "chromium msgpack upgrade": lambda *a, **o: self.chromium(*a, **{"library": msgpack, **parser, **o}),
            "chromium polling": lambda *a, **o: self.chromium(*a, **{"transports": ["polling"], **o}),
            "chromium websocket": lambda *a, **o: self.chromium(*a, **{"transports": ["websocket"], **o}),
            "chromium upgrade": self.chromium,
        }[kind](place, user, token, **options)
