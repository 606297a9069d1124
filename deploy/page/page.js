// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

import { Client } from "./client.js";

const $ = (id) => document.getElementById(id);
let client = null;

function log(text) {
    const line = document.createElement("div");
    line.textContent = `${new Date().toLocaleTimeString()}  ${text}`;
    $("log").append(line);
    while ($("log").childElementCount > 200) $("log").firstChild.remove();
    $("log").scrollTop = $("log").scrollHeight;
}

function status(kind, text) {
    $("status").className = kind;
    $("status").textContent = text;
    log(text);
}

function connect(token) {
    client?.close();
    client = new Client({ token });
    const mine = client;
    const on = (type, act) => mine.addEventListener(type, ({ detail }) => mine === client && act(detail));
    on("connect", async () => {
        const [{ user, node }] = await mine.request("whoami");
        status("connected", `connected as ${user} on node ${node}`);
    });
    on("refused", ({ message, data }) => status("refused", `refused: ${message} (${data?.code ?? "no code"})`));
    on("disconnect", ({ reason, final }) =>
        status("", `disconnected: ${reason}${final ? "" : "; coming back by itself"}`));
    on("event", ({ name, args }) => log(`${name} ${JSON.stringify(args)}`));
    status("", "connecting");
    client.connect();
}

async function request(...args) {
    try {
        if (!client) throw new Error("not connected");
        log(`${args[0]} acknowledged: ${JSON.stringify(await client.request(...args))}`);
    } catch (error) {
        log(`${args[0]}: ${error.message}`);
    }
}

function form(id, submit) {
    $(id).addEventListener("submit", (event) => {
        event.preventDefault();
        submit(event);
    });
}

form("connect", () => connect($("token").value.trim()));
form("echo", () => request("echo", $("echo").elements[0].value));
form("broadcast", () => request("broadcast", $("broadcast").elements[0].value));
form("room", ({ submitter }) => {
    const { room, text } = $("room").elements;
    if (submitter.value === "send") request("send", room.value, "message", text.value);
    else request(submitter.value, room.value);
});
$("disconnect").addEventListener("click", () => client?.close());

async function showOnline() {
    try {
        const { items } = await (await fetch("/presence")).json();
        $("online").replaceChildren(...items.map(({ user, connections }) => {
            const item = document.createElement("li");
            item.textContent = `${user} on ${connections.map(({ node }) => node).join(", ")}`;
            return item;
        }));
    } catch {
        $("online").textContent = "unknown: the cluster does not answer";
    }
    setTimeout(showOnline, 1_000);
}

// The token comes in the part of the address that browsers keep to themselves.
function connectFromAddress() {
    const token = new URLSearchParams(location.hash.slice(1)).get("token");
    if (!token) return;
    $("token").value = token;
    connect(token);
}

addEventListener("hashchange", connectFromAddress);
connectFromAddress();
showOnline();
