# This source file is part of the Rollcall project.
# SPDX-License-Identifier: MIT

"""deploy/quickstart.sh as a newcomer uses it, its page in a browser, and what it leaves: nothing."""

import os
import re
import signal
import socket
import subprocess
from pathlib import Path

import pytest
import requests

from harness.cluster import DUPLICATE_MESSAGE
from harness.node import REPOSITORY, rollcall, run_rollcall
from harness.processes import ManagedProcess, free_port
from harness.waiting import eventually

SCRIPT = REPOSITORY / "deploy/quickstart.sh"


class Quickstart(ManagedProcess):
    """The script with a TMPDIR of its own, which must be empty in the end."""

    def __init__(self, directory, *arguments):
        super().__init__("quickstart", directory)
        self.port = free_port()
        self.temporary = self.directory / "tmp"
        self.temporary.mkdir()
        self.arguments = ["--prebuilt", rollcall().parent, "--port", self.port, *arguments]

    def start(self):
        self.launch([SCRIPT, *self.arguments], TMPDIR=str(self.temporary))
        eventually(lambda: "Ctrl-C" in self.said or not self.running, 60, "the cluster is up")
        assert self.running, self.tail()
        return self

    @property
    def said(self):
        return self.out.read_text()

    def page_of(self, user):
        return re.search(rf"{user}\s+(http://\S+#token=\S+)", self.said).group(1)

    def processes(self):
        """All that were started with it, by their environment, which names TMPDIR; Redis, which overwrites that, works
        in its folder."""
        found = []
        for process in Path("/proc").glob("[0-9]*"):
            try:
                environment = (process / "environ").read_bytes().split(b"\0")
                folder = os.readlink(process / "cwd")
            except OSError:
                continue
            if f"TMPDIR={self.temporary}".encode() in environment or folder.startswith(f"{self.temporary}/"):
                found.append(int(process.name))
        return found

    def leaves_nothing(self):
        eventually(lambda: not self.processes(), 10, "no process is left")
        assert list(self.temporary.iterdir()) == []
        with pytest.raises(requests.ConnectionError):
            requests.get(f"http://localhost:{self.port}/", timeout=2)


@pytest.fixture
def quickstart(tmp_path):
    made = []

    def make(*arguments):
        script = Quickstart(tmp_path / str(len(made)), *arguments)
        made.append(script)
        return script

    yield make
    for script in made:
        ManagedProcess.all.remove(script)
        script.end()
        script.leaves_nothing()


def test_the_tour(quickstart, chromium):
    """Two users in a browser: the duplicate is refused, a broadcast crosses nodes, presence lists both."""
    script = quickstart().start()
    assert len(script.processes()) >= 6  # the script, Redis, three nodes, HAProxy

    def open_page(user):
        page = chromium.new_page()
        page.goto(script.page_of(user))
        return page

    pages = [open_page("alice"), open_page("bob")]
    alice, bob = pages
    try:
        for page, user in [(alice, "alice"), (bob, "bob")]:
            page.get_by_text(re.compile(rf"^connected as {user} on node n\d$")).wait_for()
            for other in ("alice", "bob"):
                page.locator("#online").get_by_text(re.compile(rf"^{other} on n\d$")).wait_for()

        second = open_page("alice")
        pages.append(second)
        second.locator("#status.refused").get_by_text(DUPLICATE_MESSAGE).wait_for()
        assert "USER_ALREADY_CONNECTED" in second.locator("#status").inner_text()

        alice.locator("#echo button").click()
        alice.locator("#log").get_by_text('echo acknowledged: ["hello"]').wait_for()
        alice.locator("#broadcast input").fill("한마디")
        alice.locator("#broadcast button").click()
        for page in (alice, bob):
            page.locator("#log").get_by_text('broadcast ["한마디"]').wait_for()
        for page in (alice, bob):
            page.locator("#room").get_by_text("Join").click()
            page.locator("#log").get_by_text('join acknowledged: [{"ok":true}]').wait_for()
        bob.locator("#room").get_by_text("Send").click()
        alice.locator("#log").get_by_text('message ["hello, room"]').wait_for()

        # A node dies: its user is back by itself.
        node = re.search(r"on node (n\d)", alice.locator("#status").inner_text()).group(1)
        pid = int(re.search(rf"{node}\s+pid (\d+)", script.said).group(1))
        os.kill(pid, signal.SIGKILL)
        alice.locator("#log").get_by_text(re.compile("disconnected: .*coming back by itself")).wait_for()
        elsewhere = re.compile(rf"^connected as alice on node (?!{node})")
        alice.locator("#status").get_by_text(elsewhere).wait_for(timeout=40_000)

        alice.locator("#disconnect").click()
        bob.locator("#online").get_by_text(re.compile("^alice")).wait_for(state="detached")

        # What it prints works: presence by curl, another token.
        assert re.search(r"curl -s http://\S+/v1/presence$", script.said, re.MULTILINE)
        alive = [url for url in re.findall(r"admin (http://\S+)", script.said) if answers(url)]
        for url in alive:
            listed = requests.get(f"{url}/v1/presence", timeout=5).json()
            assert [item["user"] for item in listed["items"]] == ["bob"]
        assert len(alive) == 2
    finally:
        for page in pages:
            page.close()

    secret_file = re.search(r"ROLLCALL_JWT_SECRET_FILE=(\S+)", script.said).group(1)
    token = run_rollcall("token", "create", "--user", "carol", ROLLCALL_JWT_SECRET_FILE=secret_file)
    assert token.returncode == 0 and token.stdout.count(".") == 2

    script.signal(signal.SIGINT)
    assert script.wait(30) == 0
    script.leaves_nothing()


def answers(url):
    try:
        return requests.get(f"{url}/healthz", timeout=2).status_code == 200
    except requests.RequestException:
        return False


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_other_ends_leave_no_process_either(number, quickstart):
    script = quickstart("--nodes", "1").start()
    script.signal(number)
    script.wait(30)
    eventually(lambda: not script.processes(), 10, "no process is left")
    if number == signal.SIGKILL:
        # Nobody was left to remove it.
        for folder in script.temporary.iterdir():
            subprocess.run(["rm", "-rf", folder], check=True)


def test_interrupted_while_it_starts(quickstart):
    script = quickstart()
    script.launch([SCRIPT, *script.arguments], TMPDIR=str(script.temporary))
    eventually(lambda: list(script.temporary.glob("*/n1.log")), 30, "it is half-way")
    script.signal(signal.SIGINT)
    assert script.wait(30) == 130
    script.leaves_nothing()


def fails(script, *words):
    script.launch([SCRIPT, *script.arguments], TMPDIR=str(script.temporary))
    assert script.wait(60) not in (0, None)
    for word in words:
        assert word in script.logged(), script.logged()


def test_it_says_why_it_does_not_start(quickstart, tmp_path):
    with socket.socket() as taken:
        script = quickstart()
        taken.bind(("127.0.0.1", script.port))
        taken.listen()
        fails(script, "in use", str(script.port))
    fails(quickstart("--nodes", "none"), "--nodes")
    fails(quickstart("--ports", "1"), "--ports")
    fails(quickstart("--prebuilt", str(tmp_path)), "no executable")
    # An executable that is none.
    broken = tmp_path / "broken"
    broken.mkdir()
    (broken / "rollcall").write_text("#!/bin/sh\necho 'out of order' >&2\n[ $1 != serve ] || exit 78\n")
    (broken / "rollcall").chmod(0o755)
    fails(quickstart("--prebuilt", str(broken)), "n1 did not start", "out of order")


def test_a_node_that_ends_is_reported(quickstart):
    script = quickstart("--nodes", "2").start()
    pids = [int(pid) for pid in re.findall(r"pid (\d+)", script.said)]
    os.kill(pids[0], signal.SIGKILL)
    eventually(lambda: "node n1 ended" in script.logged(), what="it is said")
    handshake = f"http://localhost:{script.port}/socket.io/?EIO=4&transport=polling"
    assert requests.get(handshake, timeout=5).status_code == 200
    os.kill(pids[1], signal.SIGKILL)
    assert script.wait(30) == 1
    assert "no node is left" in script.logged()
    script.leaves_nothing()
