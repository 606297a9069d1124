# This source file is part of the Rollcall project.
# SPDX-License-Identifier: MIT

"""The executable's commands, exit codes and messages."""

import json
import re
import socket

import pytest

from harness.node import LISTENING, rollcall, run_rollcall
from harness.processes import free_port
from harness.tokens import make_token
from harness.waiting import eventually

SECRET = "0123456789abcdef0123456789abcdef"
SERVE = ["serve", "--port", 0, "--admin-port", 0, "--jwt-secret", SECRET]


def fails(result, codes, *words):
    """One clear line on standard error that names what is wrong."""
    assert result.returncode in codes, (result.returncode, result.stdout, result.stderr)
    for word in words:
        assert word in result.stderr, f"{word} is not in: {result.stderr}"
    assert SECRET not in result.stderr + result.stdout
    assert "Fatal error" not in result.stderr


@pytest.mark.parametrize(
    "arguments, words",
    [
        (["serve", "--prot", "3000"], ["--prot", "--port"]),
        (["serve", "--duplicate", "reject"], ["--duplicate", "--duplicates"]),
        (["serve", "--port"], ["--port"]),
        (["serv"], ["serv"]),
        (["token", "create"], ["--user"]),
    ],
)
def test_bad_usage(arguments, words):
    fails(run_rollcall(*arguments), (64,), *words)


@pytest.mark.parametrize(
    "flags, words",
    [
        (["--port", "99999"], ["port"]),
        (["--port", "x"], ["port"]),
        (["--duplicates", "maybe"], ["duplicates"]),
        (["--sid-prefix", "toolong"], ["sid-prefix"]),
        (["--sid-prefix", "a-b"], ["sid-prefix"]),
        (["--node-id", "a b"], ["node-id"]),
        (["--lease-ms", "1999"], ["lease"]),
        (["--ping-interval", "soon"], ["ping-interval"]),
        (["--redis-url", "http://localhost"], ["redis-url"]),
        (["--redis-url", "redis://:secret-password@localhost:port"], ["redis-url"]),
        (["--jwt-secret-file", "/no/such/file"], ["jwt-secret-file", "jwt-secret"]),
        (["--jwt-public-key", "/no/such/file"], ["/no/such/file"]),
        (["--grant", "fly:*"], ["grant"]),
        (["--token-expiry", "later"], ["token-expiry"]),
        (["--max-payload", "-1"], ["max-payload"]),
        (["--admin-host", "0.0.0.0"], ["admin"]),
        (["--config", "/no/such/file"], ["/no/such/file"]),
        (["--log-level", "loud"], ["log-level"]),
        (["--cors-origin", "not an origin"], ["cors-origin"]),
    ],
)
def test_bad_configuration(flags, words):
    result = run_rollcall(*SERVE, *flags)
    fails(result, (64, 78), *words)
    assert "secret-password" not in result.stderr


@pytest.mark.parametrize(
    "flags",
    [
        ["--duplicates", "limit:2"],
        ["--duplicates", "allow"],
        ["--registry-mode", "available"],
        ["--adapter", "sharded"],
        ["--adapter", "streams"],
        ["--redis-url", "redis+sentinel://h:1/m"],
        ["--redis-url", "redis+cluster://h:1"],
        ["--proxy-protocol"],
        ["--jwks", "keys.json"],
        ["--state-dir", "/tmp"],
    ],
)
def test_what_is_not_there_yet_refuses_to_start(flags):
    fails(run_rollcall(*SERVE, *flags), (78,), flags[0])


def test_a_secret_file_that_is_not_there():
    fails(run_rollcall(*SERVE[:-2], "--jwt-secret-file", "/no/such/file"), (78,), "/no/such/file")


def test_without_a_key_nobody_could_be_told_apart():
    for command in ["serve", "config check"]:
        fails(run_rollcall(*command.split(), "--port", 0, "--admin-port", 0), (78,), "jwt-secret")


def test_configuration_files(tmp_path):
    good = tmp_path / "good.yaml"
    good.write_text(
        f"port: 0\nadmin:\n  port: 0\njwt:\n  secret: {SECRET}\nredis:\n  url: redis://:hidden-password@127.0.0.1:1\n"
    )
    result = run_rollcall("config", "check", "--config", good)
    assert result.returncode == 0, result.stderr
    printed = run_rollcall("config", "print", "--config", good)
    assert printed.returncode == 0, printed.stderr
    assert SECRET not in printed.stdout and "hidden-password" not in printed.stdout
    bad = tmp_path / "bad.yaml"
    bad.write_text("prot: 3000\n")
    fails(run_rollcall("config", "check", "--config", bad), (78,), "prot", "port")
    fails(run_rollcall("serve", "--config", bad, "--jwt-secret", SECRET), (78,), "prot", "port")
    broken = tmp_path / "broken.yaml"
    broken.write_text("port: [\n")
    fails(run_rollcall("config", "check", "--config", broken), (78,), "broken.yaml")


def test_config_check_names_each_problem():
    result = run_rollcall("config", "check", "--port", 99999, "--sid-prefix", "toolong", "--jwt-secret", SECRET)
    fails(result, (78,), "port", "sid-prefix")
    assert len(result.stderr.strip().splitlines()) >= 2


def test_where_values_come_from(tmp_path):
    """Flags win over the environment, the environment over .env, .env over the file."""
    (tmp_path / "c.yaml").write_text("ping-interval: 11s\n")
    (tmp_path / ".env").write_text("ROLLCALL_PING_INTERVAL=12s\n")
    file = ["--config", tmp_path / "c.yaml"]

    def interval(*flags, **environment):
        printed = run_rollcall("config", "print", *flags, directory=tmp_path, **environment)
        assert printed.returncode == 0, printed.stderr
        return next(line.split()[1] for line in printed.stdout.splitlines() if line.startswith("ping-interval"))

    assert interval(*file, "--ping-interval", "14s", ROLLCALL_PING_INTERVAL="13s") == "14s"
    assert interval(*file, ROLLCALL_PING_INTERVAL="13s") == "13s"
    assert interval(*file) == "12s"
    (tmp_path / ".env").unlink()
    assert interval(*file) == "11s"
    assert interval() == "25s"


def test_config_docs_names_every_flag():
    result = run_rollcall("config", "docs")
    assert result.returncode == 0
    for flag in ["redis-url", "duplicates", "jwt-secret", "lease", "drain-delay", "admin-port", "cors-origin"]:
        assert f"--{flag}" in result.stdout, flag
    assert "ROLLCALL_REDIS_URL" in result.stdout


def test_a_port_in_use():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        for flags in [["--port", port, "--admin-port", 0], ["--port", 0, "--admin-port", port]]:
            result = run_rollcall("serve", "--jwt-secret", SECRET, *flags)
            fails(result, (1,), str(port))
            assert "listening on" not in result.stdout


def test_free_ports_and_the_line_of_standard_output(new_node):
    """Port 0 gives real ports; the line is all that standard output carries."""
    node = new_node()
    node.launch([rollcall(), *SERVE, "--node-id", "n.1_a-B"])
    eventually(lambda: node.listening, what="it listens")
    host, port, admin_host, admin_port, name = node.listening.groups()
    assert (host, admin_host, name) == ("127.0.0.1", "127.0.0.1", "n.1_a-B")
    assert int(port) > 0 and int(admin_port) > 0
    assert node.end() == 0
    assert LISTENING.fullmatch(node.out.read_text())


@pytest.mark.parametrize("number", [2, 15])
def test_signals_end_it_cleanly(number, new_node):
    node = new_node("--jwt-secret", SECRET).start()
    node.signal(number)
    assert node.wait(10) == 0


def test_tokens():
    create = run_rollcall("token", "create", "--user", "이용자", "--ttl", "1h", "--jwt-secret", SECRET)
    assert create.returncode == 0, create.stderr
    token = create.stdout.strip()
    assert len(token.split(".")) == 3 and "\n" not in token
    good = run_rollcall("token", "verify", token, "--jwt-secret", SECRET)
    assert good.returncode == 0 and "이용자" in good.stdout
    for bad in ["x" * 32, SECRET[::-1]]:
        result = run_rollcall("token", "verify", token, "--jwt-secret", bad)
        assert result.returncode == 1, result
    expired = make_token(SECRET, "alice", ttl=-3600)
    result = run_rollcall("token", "verify", expired, "--jwt-secret", SECRET)
    assert result.returncode == 1 and "expired" in (result.stderr + result.stdout).lower()


def test_a_created_token_is_good_for_what_it_grants(new_node, clients):
    node = new_node("--jwt-secret", SECRET).start()
    create = run_rollcall("token", "create", "--user", "alice", "--grant", "join:chat.*", "--jwt-secret", SECRET)
    client = clients.raw(node, "alice", create.stdout.strip()).wait_connected()
    assert client.request("join", "chat.a") == [{"ok": True}]
    assert client.request("join", "other")[0]["ok"] is False
    assert client.request("broadcast", 1)[0]["ok"] is False


def test_commands_that_talk_to_a_node(probe_cluster, clients, user):
    name = user()
    node = probe_cluster.nodes[0]
    admin = ["--admin-port", node.admin_port]
    client = clients.raw(node, name, probe_cluster.token(name)).wait_connected()

    listed = run_rollcall("presence", "list", "--json", *admin)
    assert listed.returncode == 0 and name in listed.stdout, listed
    json.loads(listed.stdout)
    one = run_rollcall("presence", "get", name, "--json", *admin)
    assert one.returncode == 0 and json.loads(one.stdout)["user"] == name
    assert run_rollcall("presence", "get", user(), *admin).returncode == 1
    assert name in run_rollcall("presence", "list", *admin).stdout

    emitted = run_rollcall("emit", "--room", f"user:{name}", "news", '{"a":[1]}', '"two"', *admin)
    assert emitted.returncode == 0, emitted.stderr
    client.wait_event("news", {"a": [1]}, "two")

    assert run_rollcall("health", *admin).returncode == 0
    assert run_rollcall("presence", "disconnect", name, *admin).returncode == 0
    client.wait(lambda: client.disconnects, what="disconnected")

    nobody = ["--admin-port", free_port()]
    for command in [["health"], ["presence", "list"], ["emit", "x"]]:
        fails(run_rollcall(*command, *nobody), (1,), str(nobody[1]))


def test_registry_init_refuses_a_registry_that_exists(probe_cluster):
    result = run_rollcall("registry", "init", "--redis-url", probe_cluster.redis.url)
    assert result.returncode != 0 and "exist" in result.stderr


def test_version_and_help():
    assert re.search(r"\d+\.\d+\.\d+", run_rollcall("version").stdout)
    for command in [[], ["serve"], ["token", "create"], ["presence"], ["config"], ["registry"]]:
        result = run_rollcall(*command, "--help")
        assert result.returncode == 0 and "USAGE" in result.stdout.upper()


def test_no_secret_in_logs_at_the_most_talkative_level(new_cluster, clients, user):
    """The cluster itself looks for secrets in every log when it ends; here the logs say all they can."""
    flags = ["--log-level", "trace", "--auth-cookie", "session", "--cors-origin", "http://localhost"]
    cluster = new_cluster(nodes=2, balancer=False, password="a-password-of-redis", flags=flags)
    for place in cluster.nodes:
        name = user()
        client = clients.python(place, name, cluster.token(name), transports=["polling", "websocket"]).wait_connected()
        client.request("echo", 1)
        headers = {"Cookie": f"session={cluster.token(user())}", "Origin": "http://localhost"}
        cookie = clients.raw(place, "c", headers=headers)
        cookie.socket.send_connect()
        cookie.wait_connected()
        clients.raw(place, name, cluster.token(name)).wait_refused()
        clients.raw(place, "x", cluster.token("x", ttl=-99)).wait_refused()
        query = clients.raw_socket(place)
        query.exchange("GET", f"/socket.io/?EIO=4&transport=polling&token={cluster.token(user())}")
    cluster.redis.restart(data=False)
    cluster.nodes[0].wait_ready()
    assert len(cluster.nodes[0].logged().splitlines()) > 10


def test_no_admin_token_in_logs(new_node):
    """Not at the start, not of a good or a wrong call, not at the end."""
    token = "the-token-of-the-admin"
    node = new_node("--jwt-secret", SECRET, "--admin-token", token, "--log-level", "trace").start()
    for sent in [token, token + "x"]:
        node.admin.headers = {"Authorization": f"Bearer {sent}"}
        assert node.admin.get("/v1/nodes").status_code == (200 if sent == token else 401)
    node.end()
    assert "draining" in node.logged()
    assert token not in node.logged() and SECRET not in node.logged()


@pytest.mark.parametrize("format", ["json", "text"])
def test_log_formats(format, new_node, clients):
    node = new_node("--jwt-secret", SECRET, "--log-format", format, "--log-level", "debug").start()
    clients.raw(node, "alice", "no-token").wait_refused()
    lines = eventually(lambda: node.logged().splitlines(), what="it logs")
    for line in lines:
        assert line.startswith("{") == (format == "json")
        if format == "json":
            json.loads(line)
