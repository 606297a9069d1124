// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

// A parser for the official JavaScript client (its option `parser`) that speaks MessagePack, one packet per message, as
// socket.io-msgpack-parser does: {type, nsp, data, id}. The client's own build with that parser is in its repository only.

globalThis.rollcallMessagePack = (() => {
    const text = { encoder: new TextEncoder(), decoder: new TextDecoder("utf-8", { fatal: true }) };

    class Writer {
        bytes = [];

        // The head of something sized, in the shortest form that there is: [limit, first byte, octets of the size].
        head(size, forms) {
            const [, first, octets] = forms.find(([limit]) => size < limit);
            if (octets === 0) return this.bytes.push(first + size);
            this.number(first, octets, (view) => view[`setUint${octets * 8}`](0, size));
        }

        number(first, octets, set) {
            const view = new DataView(new ArrayBuffer(octets));
            set(view);
            this.bytes.push(first, ...new Uint8Array(view.buffer));
        }

        value(value) {
            if (value === null || value === undefined) return this.bytes.push(0xc0);
            switch (typeof value) {
                case "boolean": return this.bytes.push(value ? 0xc3 : 0xc2);
                case "number": return this.numeric(value);
                case "string": {
                    const bytes = text.encoder.encode(value);
                    this.head(bytes.length, [[32, 0xa0, 0], [2 ** 8, 0xd9, 1], [2 ** 16, 0xda, 2], [2 ** 32, 0xdb, 4]]);
                    return this.append(bytes);
                }
            }
            if (value instanceof ArrayBuffer || ArrayBuffer.isView(value)) {
                const bytes = new Uint8Array(value.buffer ?? value, value.byteOffset ?? 0, value.byteLength);
                this.head(bytes.length, [[2 ** 8, 0xc4, 1], [2 ** 16, 0xc5, 2], [2 ** 32, 0xc6, 4]]);
                return this.append(bytes);
            }
            if (Array.isArray(value)) {
                this.head(value.length, [[16, 0x90, 0], [2 ** 16, 0xdc, 2], [2 ** 32, 0xdd, 4]]);
                return value.forEach((item) => this.value(item));
            }
            const entries = Object.entries(value).filter(([, item]) => item !== undefined);
            this.head(entries.length, [[16, 0x80, 0], [2 ** 16, 0xde, 2], [2 ** 32, 0xdf, 4]]);
            entries.flat().forEach((item) => this.value(item));
        }

        numeric(value) {
            if (!Number.isSafeInteger(value) || Object.is(value, -0)) {
                return this.number(0xcb, 8, (view) => view.setFloat64(0, value));
            }
            if (value >= 0) {
                if (value >= 2 ** 32) return this.number(0xcf, 8, (view) => view.setBigUint64(0, BigInt(value)));
                return this.head(value, [[128, 0, 0], [2 ** 8, 0xcc, 1], [2 ** 16, 0xcd, 2], [2 ** 32, 0xce, 4]]);
            }
            if (value >= -32) return this.bytes.push(0x100 + value);
            if (value >= -(2 ** 7)) return this.number(0xd0, 1, (view) => view.setInt8(0, value));
            if (value >= -(2 ** 15)) return this.number(0xd1, 2, (view) => view.setInt16(0, value));
            if (value >= -(2 ** 31)) return this.number(0xd2, 4, (view) => view.setInt32(0, value));
            this.number(0xd3, 8, (view) => view.setBigInt64(0, BigInt(value)));
        }

        append(bytes) {
            for (const byte of bytes) this.bytes.push(byte);
        }
    }

    class Reader {
        constructor(message) {
            const bytes = new Uint8Array(message.buffer ?? message, message.byteOffset ?? 0, message.byteLength);
            this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
            this.offset = 0;
        }

        read(kind, octets) {
            const value = this.view[`get${kind}`](this.offset);
            this.offset += octets;
            return Number(value);
        }

        uint(octets) {
            return this.read(octets === 8 ? "BigUint64" : `Uint${octets * 8}`, octets);
        }

        take(size) {
            if (this.offset + size > this.view.byteLength) throw new RangeError("the message is cut off");
            const start = this.view.byteOffset + this.offset;
            this.offset += size;
            return this.view.buffer.slice(start, start + size);
        }

        string(size) {
            return text.decoder.decode(this.take(size));
        }

        array(size) {
            return Array.from({ length: size }, () => this.value());
        }

        map(size) {
            return Object.fromEntries(Array.from({ length: size }, () => [this.value(), this.value()]));
        }

        value() {
            const first = this.uint(1);
            if (first < 0x80) return first;
            if (first < 0x90) return this.map(first & 0x0f);
            if (first < 0xa0) return this.array(first & 0x0f);
            if (first < 0xc0) return this.string(first & 0x1f);
            if (first >= 0xe0) return first - 0x100;
            switch (first) {
                case 0xc0: return null;
                case 0xc2: return false;
                case 0xc3: return true;
                case 0xc4: case 0xc5: case 0xc6: return this.take(this.uint(1 << (first - 0xc4)));
                case 0xca: return this.read("Float32", 4);
                case 0xcb: return this.read("Float64", 8);
                case 0xcc: case 0xcd: case 0xce: case 0xcf: return this.uint(1 << (first - 0xcc));
                case 0xd0: return this.read("Int8", 1);
                case 0xd1: return this.read("Int16", 2);
                case 0xd2: return this.read("Int32", 4);
                case 0xd3: return this.read("BigInt64", 8);
                case 0xd9: case 0xda: case 0xdb: return this.string(this.uint(1 << (first - 0xd9)));
                case 0xdc: case 0xdd: return this.array(this.uint(2 << (first - 0xdc)));
                case 0xde: case 0xdf: return this.map(this.uint(2 << (first - 0xde)));
            }
            throw new RangeError(`no value begins with ${first}`);
        }
    }

    class Encoder {
        encode(packet) {
            const writer = new Writer();
            writer.value({ type: packet.type, data: packet.data, nsp: packet.nsp, id: packet.id });
            return [new Uint8Array(writer.bytes).buffer];
        }
    }

    // What the client wants of a decoder: `add` for a message, the event "decoded" for a packet.
    class Decoder {
        listeners = new Set();

        on(event, listener) {
            if (event === "decoded") this.listeners.add(listener);
        }

        off(event, listener) {
            if (event === "decoded") this.listeners.delete(listener);
        }

        add(message) {
            const reader = new Reader(message);
            const packet = reader.value();
            if (reader.offset !== reader.view.byteLength) throw new RangeError("bytes behind the packet");
            this.listeners.forEach((listener) => listener(packet));
        }

        destroy() {
            this.listeners.clear();
        }
    }

    return { Encoder, Decoder };
})();
