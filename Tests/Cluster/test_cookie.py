# This source file is part of the Rollcall project.
# SPDX-License-Identifier: MIT

"""Authentication by cookie across origins, as a browser does it: a page of one port, the cluster on another one."""

import http.server
import threading

import pytest

from harness.javascript_client import JavaScriptClient
from harness.node import run_rollcall
from harness.raw import RawClient, RawSocket

COOKIE = "session"


class PageServer:
    """A site of its own: any path is a page that sets the cookie named in its query."""

    def __init__(self):
        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                self.send_response(200)
                self.send_header("Content-Type", "text/html")
                _, _, token = self.path.partition("?token=")
                if token:
                    self.send_header("Set-Cookie", f"{COOKIE}={token}; Path=/; HttpOnly; SameSite=Lax")
                self.end_headers()
                self.wfile.write(b"<!doctype html>")

            def log_message(self, *_):
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.origin = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self):
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture(scope="module")
def site():
    server = PageServer()
    yield server
    server.close()


@pytest.fixture(scope="module")
def foreign_site():
    server = PageServer()
    yield server
    server.close()


@pytest.fixture(scope="module")
def cookie_cluster(tmp_path_factory, site):
    from conftest import _cluster

    flags = ["--auth-cookie", COOKIE, "--cors-origin", site.origin]
    yield from _cluster(tmp_path_factory, "cookie", nodes=2, flags=flags)


@pytest.fixture
def logged_in(clients, cookie_cluster):
    """Connects from a page of a site where the user has logged in."""

    def connect(site, name, **options):
        page = clients.page(site.origin)
        if name:
            page.page.evaluate(f"fetch('/?token={cookie_cluster.token(name)}')")
        return clients.keep(JavaScriptClient(page, cookie_cluster.url, name, **options))

    return connect


@pytest.mark.parametrize("transports", [["polling"], ["websocket"], ["polling", "websocket"]])
def test_a_cookie_of_an_allowed_origin(transports, logged_in, site, user):
    name = user()
    client = logged_in(site, name, withCredentials=True, transports=transports).wait_connected()
    assert client.request("whoami")[0]["user"] == name
    client.wait(lambda: client.transport == transports[-1], what="the last transport")
    assert client.request("echo", "x") == ["x"]


def test_polling_without_credentials_has_no_cookie(logged_in, site, user):
    client = logged_in(site, user(), transports=["polling"])
    assert client.wait_refused()["data"]["code"] == "TOKEN_MISSING"


def test_nobody_logged_in(logged_in, site):
    client = logged_in(site, None, withCredentials=True)
    assert client.wait_refused()["data"]["code"] == "TOKEN_MISSING"


def test_a_foreign_origin_is_refused_its_users_cookie(logged_in, foreign_site, user):
    """WebSockets know no CORS: the cookie comes along, whatever page asks."""
    client = logged_in(foreign_site, user(), transports=["websocket"])
    assert client.wait_refused()["data"]["code"] == "ORIGIN_FORBIDDEN"
    assert not client.active


def test_a_foreign_origin_cannot_read_polling(logged_in, foreign_site, user):
    client = logged_in(foreign_site, user(), withCredentials=True, transports=["polling"], reconnection=False)
    refusal = client.wait_refused()
    assert refusal["data"] is None and "poll" in refusal["message"]


def test_a_token_in_auth_needs_no_cookie(clients, cookie_cluster, foreign_site, user):
    """A page of any origin that has the token itself may use it over WebSocket."""
    name = user()
    client = clients.chromium(
        cookie_cluster, name, cookie_cluster.token(name), origin=foreign_site.origin, transports=["websocket"]
    )
    assert client.wait_connected().request("whoami")[0]["user"] == name


def test_cors_headers(cookie_cluster, site, foreign_site):
    node = cookie_cluster.nodes[0]
    target = "/socket.io/?EIO=4&transport=polling"
    asking = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "content-type"}
    http = RawSocket(node.port)
    status, headers, _ = http.exchange("OPTIONS", target, {"Origin": site.origin, **asking})
    assert status == 204
    assert headers["access-control-allow-origin"] == site.origin
    assert headers["access-control-allow-credentials"] == "true"
    status, headers, _ = http.exchange("GET", target, {"Origin": site.origin})
    assert (status, headers["access-control-allow-origin"]) == (200, site.origin)
    assert headers["access-control-allow-credentials"] == "true" and "origin" in headers.get("vary", "").lower()
    _, headers, _ = http.exchange("GET", target, {"Origin": foreign_site.origin})
    assert headers.get("access-control-allow-origin") not in ("*", foreign_site.origin)
    http.close()


MALFORMED = [
    "",
    "session",
    "session=",
    "session=;;;",
    "=x",
    "session=a.b.c",
    "session=" + "x" * 6000,
    "a\x01b=é",
    "b=1",
]


@pytest.mark.parametrize("cookie", MALFORMED)
def test_malformed_cookies(cookie, cookie_cluster, site, clients, user):
    node = cookie_cluster.nodes[0]
    name = user()
    witness = clients.raw(node, name, cookie_cluster.token(name)).wait_connected()
    try:
        client = RawClient(node.port, headers={"Cookie": cookie, "Origin": site.origin})
    except AssertionError as refused:
        # An HTTP error is an answer, too.
        assert str(refused).startswith("4")
    else:
        client.socket.send_connect()
        assert client.wait_refused()["data"]["code"] in ("TOKEN_MISSING", "TOKEN_INVALID")
        client.close()
    assert witness.request("echo", 1) == [1]


def test_cookies_need_named_origins():
    secret = "0123456789abcdef0123456789abcdef"
    serve = ["serve", "--port", 0, "--admin-port", 0, "--jwt-secret", secret, "--auth-cookie", COOKIE]
    for origins in [[], ["--cors-origin", "*"]]:
        result = run_rollcall(*serve, *origins)
        assert result.returncode == 78 and "cors-origin" in result.stderr, result
        assert secret not in result.stderr
