// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

// A small Socket.IO v5 client over Engine.IO v4 and WebSocket, without a library: text events with acknowledgements,
// and the official client's habits: it comes back by itself after a closed transport, and never after a refusal
// (CONNECT_ERROR) or after the server's DISCONNECT.

const engine = { open: "0", close: "1", ping: "2", pong: "3", message: "4" };
const socketIO = { connect: "0", disconnect: "1", event: "2", ack: "3", connectError: "4" };

// Emits `connect` ({sid}), `refused` ({message, data}), `disconnect` ({reason, final}) and `event` ({name, args}).
export class Client extends EventTarget {
    #url;
    #auth;
    #webSocket = null;
    #acks = new Map();
    #nextAck = 0;
    #attempts = 0;
    #retry = 0;
    #silence = 0;
    #patience = 45_000;
    #final = true;
    sid = null;

    // `auth` is the payload of CONNECT, or a function that gives a fresh one for each attempt.
    constructor(auth, url = location.origin) {
        super();
        this.#auth = auth;
        this.#url = url.replace(/^http/, "ws") + "/socket.io/?EIO=4&transport=websocket";
    }

    connect() {
        if (this.#webSocket) return;
        this.#final = false;
        clearTimeout(this.#retry);
        const webSocket = new WebSocket(this.#url);
        this.#webSocket = webSocket;
        webSocket.onmessage = ({ data }) => this.#receive(data);
        webSocket.onclose = () => webSocket === this.#webSocket && this.#closed("transport close");
    }

    close() {
        this.#final = true;
        clearTimeout(this.#retry);
        if (this.sid) this.#send(socketIO.disconnect);
        this.#webSocket?.close();
    }

    emit(name, ...args) {
        this.#send(socketIO.event + JSON.stringify([name, ...args]));
    }

    // The arguments of the server's acknowledgement; rejects when the connection ends or the time is over.
    request(name, ...args) {
        if (!this.sid) return Promise.reject(new Error("not connected"));
        const id = this.#nextAck++;
        return new Promise((resolve, reject) => {
            const timer = setTimeout(() => this.#settle(id)?.reject(new Error("no answer")), 10_000);
            this.#acks.set(id, { resolve, reject, timer });
            this.#send(socketIO.event + id + JSON.stringify([name, ...args]));
        });
    }

    #send(packet) {
        if (this.#webSocket?.readyState === WebSocket.OPEN) this.#webSocket.send(engine.message + packet);
    }

    #receive(data) {
        if (typeof data !== "string") return;
        const body = data.slice(1);
        this.#heard();
        switch (data[0]) {
            case engine.open: {
                const { pingInterval, pingTimeout } = JSON.parse(body);
                this.#patience = pingInterval + pingTimeout;
                this.#heard();
                const auth = typeof this.#auth === "function" ? this.#auth() : this.#auth;
                this.#send(socketIO.connect + JSON.stringify(auth));
                break;
            }
            case engine.ping:
                this.#webSocket.send(engine.pong);
                break;
            case engine.message:
                this.#packet(body[0], body.slice(1));
                break;
        }
    }

    // The server pings: when it falls silent for longer than it announced, the connection is dead.
    #heard() {
        clearTimeout(this.#silence);
        this.#silence = setTimeout(() => this.#closed("ping timeout"), this.#patience);
    }

    #packet(type, body) {
        switch (type) {
            case socketIO.connect:
                this.#attempts = 0;
                this.sid = JSON.parse(body).sid;
                this.#tell("connect", { sid: this.sid });
                break;
            case socketIO.connectError:
                this.#final = true;
                this.#tell("refused", JSON.parse(body));
                this.#webSocket.close();
                break;
            case socketIO.disconnect:
                this.#final = true;
                this.#closed("server disconnect");
                break;
            case socketIO.event: {
                const [name, ...args] = JSON.parse(body);
                this.#tell("event", { name, args });
                break;
            }
            case socketIO.ack: {
                const [, id, args] = /^(\d+)(.*)$/s.exec(body);
                this.#settle(Number(id))?.resolve(JSON.parse(args));
                break;
            }
        }
    }

    #settle(id) {
        const waiting = this.#acks.get(id);
        this.#acks.delete(id);
        clearTimeout(waiting?.timer);
        return waiting;
    }

    #closed(reason) {
        const webSocket = this.#webSocket;
        this.#webSocket = null;
        clearTimeout(this.#silence);
        webSocket?.close();
        for (const id of [...this.#acks.keys()]) this.#settle(id).reject(new Error(reason));
        if (this.sid) this.#tell("disconnect", { reason, final: this.#final });
        this.sid = null;
        if (this.#final) return;
        const delay = Math.min(5_000, 500 * 2 ** this.#attempts++) * (0.5 + Math.random());
        this.#retry = setTimeout(() => this.connect(), delay);
    }

    #tell(type, detail) {
        this.dispatchEvent(new CustomEvent(type, { detail }));
    }
}
