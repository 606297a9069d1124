// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

// Official JavaScript clients by number, each with a record of what happened to it. The same under Node and in Chromium;
// needs the global `io`. Bytes travel to and from the tests as {"$bytes": [...]}.

globalThis.rollcallClients = (() => {
    const clients = new Map();

    const decode = (value) => {
        if (Array.isArray(value)) return value.map(decode);
        if (value === null || typeof value !== "object") return value;
        // All parsers take an ArrayBuffer for bytes; the client's own for MessagePack takes nothing else in a browser build.
        if (value.$bytes) return new Uint8Array(value.$bytes).buffer;
        return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, decode(item)]));
    };
    const encode = (value) => {
        if (value instanceof ArrayBuffer) return { $bytes: [...new Uint8Array(value)] };
        if (ArrayBuffer.isView(value)) return { $bytes: [...new Uint8Array(value.buffer, value.byteOffset, value.byteLength)] };
        if (Array.isArray(value)) return value.map(encode);
        if (value === null || typeof value !== "object") return value;
        return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, encode(item)]));
    };

    return {
        // `tokens`: one for each attempt, the last one for all further ones, given by an `auth` function.
        // The option `parser` can be "msgpack".
        connect({ id, url, namespace, options, tokens }) {
            if (options.parser) options.parser = { msgpack: rollcallMessagePack }[options.parser];
            const auth = tokens && ((give) => give({ token: tokens.length > 1 ? tokens.shift() : tokens[0] }));
            const socket = io(url + namespace, { forceNew: true, ...options, ...(auth && { auth }) });
            const record = [];
            const answers = new Map();
            const note = (type, detail) => record.push({ type, time: Date.now(), ...detail });
            clients.set(id, { socket, record, answers });
            socket.on("connect", () => note("connect", { sid: socket.id }));
            socket.on("connect_error", (error) =>
                note("connect_error", { message: error.message, data: error.data, active: socket.active }));
            socket.on("disconnect", (reason) => note("disconnect", { reason, active: socket.active }));
            socket.onAny((name, ...args) => {
                const acknowledge = typeof args.at(-1) === "function" ? args.pop() : undefined;
                note("event", { name, args: encode(args) });
                const answer = answers.get(name);
                if (acknowledge && answer) setTimeout(() => acknowledge(...decode(answer.args)), answer.after);
            });
            socket.io.on("reconnect_attempt", (attempt) => note("attempt", { attempt }));
            socket.io.on("open", () => note("open", {}));
        },

        // What happened since entry number `from`, and how it stands.
        look({ id, from }) {
            const { socket, record } = clients.get(id);
            return {
                record: record.slice(from),
                connected: socket.connected,
                active: socket.active,
                transport: socket.io.engine?.transport?.name ?? null,
            };
        },

        // What events that ask for an acknowledgement get from now on, so many milliseconds later.
        answer({ id, event, args, after }) {
            clients.get(id).answers.set(event, { args, after });
        },

        emit({ id, event, args }) {
            clients.get(id).socket.emit(event, ...decode(args));
        },

        request({ id, event, args, timeout }) {
            return new Promise((resolve, reject) => {
                const { socket } = clients.get(id);
                const timer = setTimeout(() => reject(new Error(`no acknowledgement of ${event}`)), timeout);
                socket.emit(event, ...decode(args), (...answer) => {
                    clearTimeout(timer);
                    resolve(encode(answer));
                });
            });
        },

        leave({ id }) {
            clients.get(id).socket.disconnect();
        },

        close({ id }) {
            clients.get(id)?.socket.close();
            clients.delete(id);
        },
    };
})();
