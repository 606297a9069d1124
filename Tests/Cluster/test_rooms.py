# This source file is part of the Rollcall project.
# SPDX-License-Identifier: MIT

"""Rooms across nodes, and who may do what."""

import pytest


@pytest.fixture
def three(probe_cluster, clients, user):
    """One user on each node, who may do what the nodes grant by default."""
    made = []
    for node in probe_cluster.nodes:
        name = user()
        made.append(clients.raw(node, name, probe_cluster.token(name)).wait_connected())
    return made


def settle(clients_of_room, sender, room, tag):
    """Everything that was sent before has arrived: the last message of the same sender has."""
    assert sender.request("send", room, "settled", tag) == [{"ok": True}]
    for client in clients_of_room:
        client.wait_event("settled", tag)


def test_send_reaches_the_others_of_the_room_on_all_nodes(three, user):
    room, outside = user("room"), user("room")
    for client in three:
        assert client.request("join", room) == [{"ok": True}]
    for number, sender in enumerate(three):
        assert sender.request("send", room, "said", number, {"x": [1]}) == [{"ok": True}]
        assert sender.request("send", outside, "said", "elsewhere") == [{"ok": True}]
    for number, sender in enumerate(three):
        settle([c for c in three if c is not sender], sender, room, number)
    for number, client in enumerate(three):
        got = sorted(a[0] for a in client.arguments_of("said"))
        assert got == [other for other in range(3) if other != number]
        assert [a for a in client.arguments_of("said") if a[1] != {"x": [1]}] == []


def test_who_left_gets_nothing_more(three, user):
    room = user("room")
    for client in three:
        assert client.request("join", room) == [{"ok": True}]
    assert three[1].request("leave", room) == [{"ok": True}]
    assert three[0].request("send", room, "said", "secret") == [{"ok": True}]
    settle([three[2]], three[0], room, "end")
    assert three[2].arguments_of("said") == [["secret"]]
    # Its node is asked through another way that follows the same order: a broadcast of the same sender.
    assert three[0].request("broadcast", room) == [{"ok": True}]
    three[1].wait_event("broadcast", room)
    assert three[1].arguments_of("said") == []


def test_joining_and_leaving_twice(three, user):
    room = user("room")
    for _ in range(2):
        assert three[0].request("join", room) == [{"ok": True}]
    three[1].request("send", room, "said", 1)
    settle([three[0]], three[1], room, "end")
    assert three[0].arguments_of("said") == [[1]]
    for _ in range(2):
        assert three[0].request("leave", room) == [{"ok": True}]


def test_everybody_is_in_the_room_of_their_user(probe_cluster, clients, user):
    """user:<id> is entered by nobody else, and sent to only by who is granted it by name."""
    one, two = user(), user()
    target = clients.raw(probe_cluster.nodes[2], two, probe_cluster.token(two)).wait_connected()
    sender = clients.raw(
        probe_cluster.nodes[0], one, probe_cluster.token(one, rollcall={"send": ["user:*"]})
    ).wait_connected()
    assert sender.request("send", f"user:{two}", "private", 1) == [{"ok": True}]
    target.wait_event("private", 1)


FORBIDDEN = [
    ({"join": ["chat.*"]}, "join", ["lobby"]),
    ({"join": ["chat.*"]}, "join", ["chat"]),
    ({"join": ["chat.*"]}, "join", ["xchat.a"]),
    ({"join": ["chat.*"]}, "send", ["chat.a", "said", 1]),
    ({"send": ["chat.*"]}, "join", ["chat.a"]),
    ({"join": ["*"], "send": ["*"]}, "broadcast", ["x"]),
    ({"join": ["*"]}, "join", ["user:somebody"]),
    ({"send": ["*"]}, "send", ["user:somebody", "said", 1]),
    ({"join": ["a.b"]}, "join", ["aXb"]),
    ({"join": ["[ab]"]}, "join", ["a"]),
    ({}, "join", ["lobby"]),
    ({}, "send", ["lobby", "said"]),
    ({}, "broadcast", []),
]


@pytest.mark.parametrize("claim, event, arguments", FORBIDDEN)
def test_what_is_not_granted_is_forbidden(claim, event, arguments, probe_cluster, clients, user):
    name = user()
    client = clients.raw(probe_cluster.nodes[0], name, probe_cluster.token(name, rollcall=claim)).wait_connected()
    (answer,) = client.request(event, *arguments)
    assert answer["ok"] is False
    assert answer["error"]["code"] == "FORBIDDEN" and answer["error"]["message"]
    # Without an acknowledgement: an event.
    client.emit(event, *arguments)
    (exception,) = client.wait_event("exception")
    assert (exception["status"], exception["code"]) == ("error", "FORBIDDEN") and exception["message"]
    assert client.connected


GRANTED = [
    ({"join": ["chat.*"]}, "join", ["chat.a"]),
    ({"join": ["chat.*"]}, "join", ["chat."]),
    ({"join": ["*"]}, "join", ["anything at all 방"]),
    ({"join": ["a", "b"]}, "join", ["b"]),
    ({"join": ["a*z*"]}, "join", ["a-z-"]),
    ({"send": ["chat.*"]}, "send", ["chat.a", "said", 1]),
    ({"broadcast": True}, "broadcast", ["granted"]),
    ({"join": ["user:*"]}, "join", ["user:somebody"]),
]


@pytest.mark.parametrize("claim, event, arguments", GRANTED)
def test_what_is_granted_is_done(claim, event, arguments, probe_cluster, clients, user):
    name = user()
    client = clients.raw(probe_cluster.nodes[0], name, probe_cluster.token(name, rollcall=claim)).wait_connected()
    assert client.request(event, *arguments) == [{"ok": True}]


def test_rooms_of_other_sessions_are_closed(three):
    """A room named after a session is that session's own."""
    victim, attacker = three[0], three[1]
    (answer,) = attacker.request("join", victim.connects[0])
    assert answer["ok"] is False and answer["error"]["code"] == "FORBIDDEN"


@pytest.mark.parametrize("event", ["connect", "disconnect", "connect_error", "disconnecting"])
def test_reserved_events_are_not_sent_on(event, three, user):
    room = user("room")
    assert three[1].request("join", room) == [{"ok": True}]
    (answer,) = three[0].request("send", room, event, 1)
    assert answer["ok"] is False
    settle([three[1]], three[0], room, "end")
    assert three[1].connected and not three[1].arguments_of(event)


def test_a_reserved_event_in_disguise(three, user):
    """JSON writes one name in many ways."""
    room = user("room")
    assert three[1].request("join", room) == [{"ok": True}]
    number = three[0].acknowledgements.open()
    three[0].socket.send_text(f'42{number}["send","{room}","\\u0064isconnect",1]')
    assert three[0].acknowledgements.result(number, 10, three[0])[0]["ok"] is False
    settle([three[1]], three[0], room, "end")
    assert not three[1].arguments_of("disconnect")


@pytest.mark.parametrize(
    "event, arguments",
    [
        ("join", []),
        ("join", [17]),
        ("join", [None]),
        ("join", [["a"]]),
        ("join", [""]),
        ("leave", []),
        ("leave", [{}]),
        ("send", []),
        ("send", ["room"]),
        ("send", [1, "said"]),
        ("send", ["room", 5]),
        ("join", ["r" * 5000]),
    ],
)
def test_wrong_arguments_are_answered(event, arguments, three):
    """Something is wrong with each of these: the answer says so, and the connection stays."""
    (answer,) = three[0].request(event, *arguments)
    assert answer["ok"] is False and answer["error"]["code"] and answer["error"]["message"]
    assert three[0].request("echo", 1) == [1]


def test_unknown_events_do_no_harm(three):
    three[0].emit("no-such-event", 1, 2)
    assert three[0].request("echo", 1) == [1]


def test_the_administrator_emits_to_rooms(probe_cluster, three, user):
    """To the rooms' members wherever they are, without those of the excepted rooms, each once."""
    room, second, excepted = user("room"), user("room"), user("room")
    for client in three:
        client.request("join", room)
    three[0].request("join", second)
    three[2].request("join", excepted)
    body = {"rooms": [room, second], "except": [excepted], "event": "news", "args": [1]}
    assert probe_cluster.nodes[1].admin.request("POST", "/v1/emit", json=body).status_code == 202
    three[0].wait_event("news", 1)
    three[1].wait_event("news", 1)
    body = {"rooms": [room], "event": "end"}
    assert probe_cluster.nodes[1].admin.request("POST", "/v1/emit", json=body).status_code == 202
    for client in three:
        client.wait_event("end")
    assert [len(client.arguments_of("news")) for client in three] == [1, 1, 0]


def test_a_user_is_reached_by_their_room(probe_cluster, three):
    body = {"rooms": [f"user:{three[2].user}"], "event": "private", "args": ["x"]}
    assert probe_cluster.nodes[0].admin.request("POST", "/v1/emit", json=body).status_code == 202
    three[2].wait_event("private", "x")
    assert not three[0].arguments_of("private") and not three[1].arguments_of("private")
