// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

// Official JavaScript clients by number, each with a record of what happened to it. The same under Node and in Chromium;
// needs the global `io`. Bytes travel to and from the tests as {"$bytes": [...]}.

globalThis.rollcallClients = (() => {
    const clients = new Map();

    const decode = (value) => {
        if (Array.isArray(value)) return value.map(decode);
        if (value === null || typeof value !== "object") return value;
        if (value.$bytes) return new Uint8Array(value.$bytes);
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
        connect({ id, url, options, tokens }) {
            const auth = tokens && ((give) => give({ token: tokens.length > 1 ? tokens.shift() : tokens[0] }));
            const socket = io(url, { forceNew: true, ...options, ...(auth && { auth }) });
            const record = [];
            const note = (type, detail) => record.push({ type, time: Date.now(), ...detail });
            clients.set(id, { socket, record });
            socket.on("connect", () => note("connect", { sid: socket.id }));
            socket.on("connect_error", (error) =>
                note("connect_error", { message: error.message, data: error.data, active: socket.active }));
            socket.on("disconnect", (reason) => note("disconnect", { reason, active: socket.active }));
            socket.onAny((name, ...args) => note("event", { name, args: encode(args) }));
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

        close({ id }) {
            clients.get(id)?.socket.close();
            clients.delete(id);
        },
    };
})();
