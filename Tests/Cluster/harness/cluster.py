# This source file is part of the Rollcall project.
# SPDX-License-Identifier: MIT

"""Nodes with one Redis and one balancer."""

import secrets
from pathlib import Path
from urllib.parse import quote

from .balancer import Balancer
from .node import Node, run_rollcall
from .redis_server import RedisServer
from .tokens import make_token
from .waiting import eventually

DUPLICATE_MESSAGE = "이미 연결된 유저입니다."
LEASE = 3.0


class Cluster:
    """`duplicates` is the policy; `drain` the delay and the duration; `flags` go to every node.

    `redis_tls` is what RedisServer takes, `redis_url` makes its address, `redis_flags` are for whoever connects to it.
    """

    def __init__(
        self,
        directory,
        nodes=3,
        duplicates="probe",
        drain=("200ms", "1s"),
        flags=(),
        balancer=True,
        password=None,
        redis_tls=None,
        redis_url=None,
        redis_flags=(),
    ):
        self.directory = Path(directory)
        self.duplicates = duplicates
        self.secret = secrets.token_hex(32)
        self.secrets = {self.secret}
        self.redis = RedisServer(directory, password, redis_tls)
        self.balancer = Balancer(directory) if balancer else None
        secret_file = self.directory / "jwt-secret"
        secret_file.write_text(self.secret + "\n")
        common = [
            "--jwt-secret-file",
            secret_file,
            "--duplicates",
            duplicates,
            "--duplicate-message",
            DUPLICATE_MESSAGE,
            "--drain-delay",
            drain[0],
            "--drain-duration",
            drain[1],
            "--grant",
            "join:*",
            "--grant",
            "send:*",
            "--grant",
            "broadcast",
            *flags,
            *redis_flags,
        ]
        self._redis_flags = redis_flags
        # For the node and for `registry init` alike.
        url = redis_url(self.redis) if redis_url else self.redis.url
        self.environment = {"ROLLCALL_REDIS_URL": url, "ROLLCALL_LEASE_MS": str(int(LEASE * 1000))}
        if password:
            self.secrets.add(password)
        names = [f"n{number}" for number in range(1, nodes + 1)]
        # Prefixes unlike the names, so that nothing passes because one stands for the other.
        self.nodes = [Node(directory, name, f"{name}x", common) for name in names]

    def start(self):
        self.redis.start()
        result = run_rollcall("registry", "init", *self._redis_flags, **self.environment)
        assert result.returncode == 0, result.stderr
        for node in self.nodes:
            node.start(ready=False, **self.environment)
        for node in self.nodes:
            node.wait_ready()
        if self.balancer:
            self.balancer.start(self.nodes)
        return self

    def restart_node(self, node):
        node.start(**self.environment)

    def stop(self):
        """Ends everything. Nodes that still ran must end cleanly, and none may have told a secret or have crashed."""
        problems = []
        for process in [self.balancer, *self.nodes, self.redis]:
            if process is None:
                continue
            try:
                code = process.end()
            except AssertionError as error:
                problems.append(str(error))
                continue
            if process in self.nodes and code not in (0, None):
                problems.append(f"{process.name} ended with {code}: {process.tail()}")
        for node in self.nodes:
            log = node.logged()
            problems += [f"{node.name} logged the secret {secret}" for secret in self.secrets if secret in log]
            if "Fatal error" in log or "Crash" in log:
                problems.append(f"{node.name} crashed: {node.tail(60)}")
        assert not problems, "\n".join(problems)

    def token(self, user, ttl=3600, **claims):
        token = make_token(self.secret, user, ttl, **claims)
        # The signature tells a token from everything else that may stand in a log.
        self.secrets.add(token.rpartition(".")[2])
        return token

    @property
    def url(self):
        return self.balancer.url

    @property
    def port(self):
        return self.balancer.port

    def node_of(self, sid):
        """The node that issued a session id."""
        return next(node for node in self.nodes if sid.startswith(node.sid_prefix + "-"))

    def wait_offline(self, user, timeout=10):
        """Until the node that held this user has noticed the end of the connection and has released the user."""
        path = f"/v1/presence/{quote(user, safe='')}"
        eventually(lambda: self.nodes[-1].admin.get(path).status_code == 404, timeout, f"{user} is offline")

    def wait_online(self, users, timeout=10, node=None, connections=1):
        """Until presence lists exactly these users, each once."""
        users = sorted(users)

        def exact():
            for each in [node] if node else [n for n in self.nodes if n.running]:
                online = each.admin.online()
                if sorted(online) != users or any(len(c) != connections for c in online.values()):
                    return False
            return True

        eventually(exact, timeout, f"presence lists exactly {users}", interval=0.1)
