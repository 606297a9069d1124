// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

extension AdminPage {
    /// `/admin.js`
    static let script = #"""
        // The admin page: asks this node's own HTTP interface and shows what it answers. Text from outside only ever goes
        // through textContent.

        const tokenKey = "rollcall.admin.token";
        const refreshInterval = 3000;
        const pageSize = 50;
        const shownEvents = 200;

        const byId = (id) => document.getElementById(id);
        const wait = (ms) => new Promise((done) => setTimeout(done, ms));

        class Problem extends Error {
          constructor(status, problem) {
            super(problem.detail || `HTTP ${status}`);
            this.status = status;
            this.code = problem.code || "";
          }
        }

        // MARK: Requests

        let token = sessionStorage.getItem(tokenKey);
        let signingIn = null;

        function authorized(headers = {}) {
          return token ? { ...headers, Authorization: `Bearer ${token}` } : headers;
        }

        async function request(path, options = {}) {
          const used = token;
          const response = await fetch(path, { ...options, headers: authorized(options.headers), cache: "no-store" });
          if (response.status === 401) {
            // Another request may have asked for a new one meanwhile.
            if (used === token) await signIn(used ? "This token is not right." : "");
            return request(path, options);
          }
          if (!response.ok && path !== "/readyz") {
            throw new Problem(response.status, await response.json().catch(() => ({})));
          }
          return response;
        }

        const json = async (path, options) => (await request(path, options)).json();

        // One dialog, however many requests wait for it.
        function signIn(note) {
          signingIn ??= new Promise((done) => {
            const dialog = byId("sign-in");
            byId("sign-in-note").textContent = note;
            byId("sign-in-note").hidden = !note;
            byId("token").value = "";
            dialog.addEventListener("cancel", (event) => event.preventDefault());
            dialog.addEventListener("close", () => {
              token = byId("token").value.trim();
              sessionStorage.setItem(tokenKey, token);
              byId("token").value = "";
              byId("sign-out").hidden = false;
              signingIn = null;
              done();
            }, { once: true });
            dialog.showModal();
          });
          return signingIn;
        }

        byId("sign-out").hidden = !token;
        byId("sign-out").addEventListener("click", () => {
          sessionStorage.removeItem(tokenKey);
          location.reload();
        });

        // MARK: Elements

        function element(name, text, className) {
          const node = document.createElement(name);
          if (text !== undefined) node.textContent = text;
          if (className) node.className = className;
          return node;
        }

        function pill(text, kind) {
          return element("span", text, `pill ${kind}`);
        }

        function row(...cells) {
          const line = element("tr");
          for (const cell of cells) {
            line.append(cell instanceof Node && cell.nodeName === "TD" ? cell : wrapped(cell));
          }
          return line;
        }

        function wrapped(content, className) {
          const cell = element("td", undefined, className);
          cell.append(content ?? "");
          return cell;
        }

        function emptyRow(columns, text) {
          const cell = element("td", text, "empty");
          cell.colSpan = columns;
          return row(cell);
        }

        function moment(text) {
          const time = new Date(text);
          const seconds = Math.max(0, (Date.now() - time) / 1000);
          const steps = [[86400, "d"], [3600, "h"], [60, "min"]];
          const step = steps.find(([length]) => seconds >= length);
          const node = element("time", step ? `${Math.floor(seconds / step[0])} ${step[1]} ago` : "just now");
          node.dateTime = text;
          node.title = time.toLocaleString();
          return node;
        }

        const number = (value) => value.toLocaleString("en");

        function trouble(error) {
          byId("trouble").textContent = error ? error.message : "";
          byId("trouble").hidden = !error;
        }

        // MARK: Figures and nodes

        let lastCount = null;

        async function refreshStatus() {
          const report = await json("/readyz");
          const failing = report.checks.filter((check) => !check.ok);
          const status = byId("status");
          const kind = !report.ready ? "bad" : report.recovering ? "warn" : "good";
          status.className = `pill ${kind}`;
          status.textContent = !report.ready
            ? `not ready: ${failing.map((check) => check.name).join(", ")}`
            : report.recovering ? "ready, registry recovering" : "ready";
          status.title = report.checks.map((check) => `${check.name}: ${check.detail}`).join("\n");
        }

        async function refreshNodes() {
          const { items } = await json("/v1/nodes");
          byId("nodes").textContent = number(items.length);
          byId("connections").textContent = number(items.reduce((sum, node) => sum + node.connections, 0));
          byId("node").textContent = items.find((node) => node.local)?.id ?? "";
          byId("node-rows").replaceChildren(...items.map(nodeRow));
          offerNodes(items.map((node) => node.id));
        }

        function nodeRow(node) {
          const lease = node.leaseLeftMs === null ? "–" : `${(node.leaseLeftMs / 1000).toFixed(1)} s`;
          return row(
            element("td", node.local ? `${node.id} (this)` : node.id, "user"),
            node.draining ? pill("draining", "warn") : pill("up", "good"),
            element("code", node.address),
            element("td", number(node.users), "number"),
            element("td", number(node.connections), "number"),
            element("td", lease, "number"),
            moment(node.started), node.version, element("code", node.sidPrefix));
        }

        function offerNodes(ids) {
          const select = byId("node-filter");
          const known = [...select.options].slice(1).map((option) => option.value);
          if (known.join("\n") === ids.join("\n")) return;
          const chosen = select.value;
          select.replaceChildren(select.options[0], ...ids.map((id) => new Option(id, id)));
          select.value = ids.includes(chosen) ? chosen : "";
        }

        // Events that clients sent to this node, from its own metrics.
        async function refreshRate() {
          const text = await (await request("/metrics")).text();
          const samples = text.matchAll(/^socketio_packets_received_total\{[^}]*type="(?:binary_)?event"[^}]*\} (\S+)/gm);
          const counts = [...samples].map((sample) => Number(sample[1]));
          const now = { time: performance.now(), events: counts.reduce((sum, count) => sum + count, 0) };
          if (lastCount && counts.length && now.events >= lastCount.events) {
            const rate = (now.events - lastCount.events) / ((now.time - lastCount.time) / 1000);
            byId("rate").textContent = rate < 10 ? rate.toFixed(1) : number(Math.round(rate));
          }
          lastCount = counts.length ? now : null;
        }

        // MARK: Users

        const paging = { cursors: [""], user: "", node: "" };
        const stalest = 15000;
        let usersChanged = true;
        let usersAsked = 0;

        async function refreshUsers() {
          usersChanged = false;
          usersAsked = performance.now();
          if (paging.user) return findUser(paging.user);
          const query = new URLSearchParams({ limit: pageSize });
          const cursor = paging.cursors.at(-1);
          if (cursor) query.set("cursor", cursor);
          if (paging.node) query.set("node", paging.node);
          const page = await json(`/v1/presence?${query}`);
          byId("users").textContent = number(page.total);
          showUsers(page.items, page.recovering ? "The registry is recovering: users may be missing." : "");
          byId("previous").disabled = paging.cursors.length < 2;
          byId("next").disabled = !page.cursor;
          byId("next").dataset.cursor = page.cursor ?? "";
        }

        async function findUser(user) {
          byId("previous").disabled = byId("next").disabled = true;
          try {
            showUsers([await json(`/v1/presence/${pathSegment(user)}`)], "");
          } catch (error) {
            if (error.status !== 404) throw error;
            showUsers([], "This user is offline.");
          }
        }

        // "events" as a segment is the event stream; a browser takes "." and ".." out of a path in any spelling.
        function pathSegment(user) {
          return user === "events" ? "%65vents" : encodeURIComponent(user);
        }

        function showUsers(items, note) {
          const users = new Map(items.map((item) => [item.user, item]));
          const rows = [...users.values()].flatMap(userRows);
          byId("user-rows").replaceChildren(...(rows.length ? rows : [emptyRow(7, note || "Nobody is online.")]));
          byId("page-note").textContent = rows.length
            ? note || `Page ${paging.cursors.length}, ${users.size} ${users.size === 1 ? "user" : "users"}` : "";
        }

        function userRows(item) {
          const button = element("button", "Disconnect");
          button.type = "button";
          button.addEventListener("click", () => disconnect(item.user));
          return item.connections.map((connection, index) => row(
            element("td", index ? "" : item.user, "user"),
            connection.node, connection.transport, element("code", connection.address), moment(connection.connectedAt),
            element("code", connection.sid), index ? "" : button));
        }

        async function disconnect(user) {
          const dialog = byId("confirm");
          byId("confirm-user").textContent = user;
          dialog.returnValue = "cancel";
          dialog.showModal();
          await new Promise((done) => dialog.addEventListener("close", done, { once: true }));
          if (dialog.returnValue !== "disconnect") return;
          try {
            await json(`/v1/presence/${pathSegment(user)}`, { method: "DELETE" });
            await refreshUsers();
          } catch (error) {
            trouble(error);
          }
        }

        function showFrom(cursors) {
          paging.cursors = cursors;
          refreshUsers().catch(trouble);
        }

        byId("next").addEventListener("click", () => showFrom([...paging.cursors, byId("next").dataset.cursor]));
        byId("previous").addEventListener("click", () => showFrom(paging.cursors.slice(0, -1)));
        byId("search").addEventListener("submit", (event) => event.preventDefault());
        byId("search").addEventListener("change", () => {
          paging.user = byId("user").value;
          paging.node = byId("node-filter").value;
          showFrom([""]);
        });

        // MARK: Coming and going

        let lastEventID = "";

        async function follow() {
          for (let pause = 1000; ; pause = Math.min(pause * 2, 15000)) {
            try {
              const headers = lastEventID ? { "Last-Event-ID": lastEventID } : {};
              const response = await request("/v1/presence/events", { headers });
              live("live", "good");
              pause = 1000;
              await readEvents(response.body);
            } catch {
              // Shown by the pill; the figures above say what is wrong.
            }
            live("reconnecting", "warn");
            await wait(pause);
          }
        }

        function live(text, kind) {
          byId("live-state").textContent = text;
          byId("live-state").className = `pill ${kind}`;
        }

        async function readEvents(body) {
          const reader = body.pipeThrough(new TextDecoderStream()).getReader();
          let buffer = "";
          for (;;) {
            const { value, done } = await reader.read();
            if (done) return;
            const blocks = (buffer + value).split("\n\n");
            buffer = blocks.pop();
            blocks.forEach(receive);
          }
        }

        function receive(block) {
          const fields = {};
          for (const line of block.split("\n")) {
            const colon = line.indexOf(":");
            if (colon > 0) fields[line.slice(0, colon)] = line.slice(colon + 1).replace(/^ /, "");
          }
          if (fields.id) lastEventID = fields.id;
          if (!fields.data) return;
          usersChanged = true;
          if (fields.event === "join" || fields.event === "leave") showEvent(fields.event, JSON.parse(fields.data));
        }

        function showEvent(kind, event) {
          const line = element("li", undefined, kind);
          const name = element("span", event.node ? `${event.user} · ${event.node}` : event.user, "name");
          name.title = `${event.user} ${kind === "join" ? "came" : "left"}`;
          const time = element("time", new Date(event.time).toLocaleTimeString());
          time.dateTime = event.time;
          line.append(name, time);
          byId("events").prepend(line);
          while (byId("events").children.length > shownEvents) byId("events").lastChild.remove();
        }

        // MARK: Sending

        const list = (text) => text.split(",").map((part) => part.trim()).filter(Boolean);

        byId("emit").addEventListener("submit", async (event) => {
          event.preventDefault();
          const result = byId("emit-result");
          try {
            const args = JSON.parse(byId("emit-args").value || "[]");
            const body = JSON.stringify({
              namespace: byId("emit-namespace").value, event: byId("emit-event").value, args,
              rooms: list(byId("emit-rooms").value), except: list(byId("emit-except").value),
            });
            await json("/v1/emit", { method: "POST", body, headers: { "Content-Type": "application/json" } });
            result.textContent = `Sent at ${new Date().toLocaleTimeString()}.`;
          } catch (error) {
            result.textContent = error.message;
          }
        });

        // MARK: Start

        async function refresh() {
          for (;;) {
            if (!document.hidden) {
              try {
                await refreshStatus();
                await refreshNodes();
                if (usersChanged || performance.now() - usersAsked > stalest) await refreshUsers();
                await refreshRate();
                trouble(null);
              } catch (error) {
                trouble(error);
                usersChanged = true;
              }
            }
            await wait(refreshInterval);
          }
        }

        refresh();
        follow();

        """#
}
