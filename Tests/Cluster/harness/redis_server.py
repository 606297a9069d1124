# This source file is part of the Rollcall project.
# SPDX-License-Identifier: MIT

"""A redis-server of the test's own."""

import subprocess

from .processes import ManagedProcess, free_port
from .waiting import eventually


class RedisServer(ManagedProcess):
    """Nothing is saved unless `save` is called: what a restart finds is the test's decision.

    With `tls`, a certificate and the authority of its clients, it speaks nothing else and asks for a certificate.
    """

    def __init__(self, directory, password=None, tls=None):
        super().__init__("redis", directory)
        self.tls = tls
        self.path = self.directory / "redis.sock"
        self.port = free_port()
        self.password = password
        self.dump = self.directory / "dump.rdb"

    @property
    def url(self):
        user = f"default:{self.password}@" if self.password else ""
        return f"{'rediss' if self.tls else 'redis'}://{user}127.0.0.1:{self.port}"

    def start(self):
        command = ["redis-server", "--bind", "127.0.0.1", "--dir", self.directory, "--unixsocket", self.path]
        command += ["--save", "", "--appendonly", "no", "--port", 0 if self.tls else self.port]
        if self.tls:
            certificate, authority = self.tls
            command += ["--tls-port", self.port, "--tls-ca-cert-file", authority.certificate]
            command += ["--tls-cert-file", certificate.certificate, "--tls-key-file", certificate.key]
        if self.password:
            command += ["--requirepass", self.password]
        self.launch(command)
        eventually(lambda: self.cli("ping", check=False) == "PONG", what="Redis answers")
        return self

    def cli(self, *arguments, check=True):
        place = ["-s", str(self.path)] if self.tls else ["-h", "127.0.0.1", "-p", str(self.port)]
        command = ["redis-cli", *place]
        if self.password:
            command += ["--no-auth-warning", "-a", self.password]
        result = subprocess.run([*command, *map(str, arguments)], capture_output=True, text=True, timeout=10)
        assert result.returncode == 0 or not check, result.stderr
        return result.stdout.strip()

    def restart(self, data):
        """A crash and a start, with the data as they were at the crash or with none at all."""
        if data:
            self.cli("save")
        else:
            self.dump.unlink(missing_ok=True)
        self.kill()
        self.start()
