# This source file is part of the Rollcall project.
# SPDX-License-Identifier: MIT

"""HAProxy with the product's own configuration."""

import subprocess

import requests

from .node import REPOSITORY
from .processes import ManagedProcess, free_port
from .waiting import eventually


class Balancer(ManagedProcess):
    def __init__(self, directory):
        super().__init__("haproxy", directory)
        self.port = free_port()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    def start(self, nodes):
        configuration = self.directory / "haproxy.cfg"
        triples = [f"{node.sid_prefix}:{node.port}:{node.admin_port}" for node in nodes]
        script = '. "$0"; render_balancer "$@"'
        rendered = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", script, REPOSITORY / "deploy/lib.sh", *triples],
            check=True,
            capture_output=True,
        )
        configuration.write_bytes(rendered.stdout)
        self.launch(
            ["haproxy", "-db", "-f", configuration],
            PATH="/usr/local/bin:/usr/bin:/bin:/usr/sbin",
            ROLLCALL_BIND=f"127.0.0.1:{self.port}",
            ROLLCALL_PAGE=str(REPOSITORY / "deploy/page"),
        )
        eventually(self._answers, what="HAProxy answers")
        return self

    def _answers(self):
        try:
            return requests.get(self.url, timeout=2).status_code == 200
        except requests.RequestException:
            return False
