// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

package import NIOCore

/// Writes MessagePack as notepack.io does: every value in its smallest form.
package struct MessagePackWriter {
    /// Writes nil.
    package static func writeNil(into buffer: inout ByteBuffer) {
        self.put(into: &buffer, room: 1) { $0.putNil() }
    }

    /// Writes a boolean.
    package static func write(_ value: Bool, into buffer: inout ByteBuffer) {
        self.put(into: &buffer, room: 1) { $0.put(value) }
    }

    /// Writes an integer in its smallest form.
    package static func write(_ value: Int, into buffer: inout ByteBuffer) {
        self.put(into: &buffer, room: MessagePackSink.maximumNumberLength) { $0.put(Int64(value)) }
    }

    /// Writes an integer in its smallest form; one that fits no 64-bit form as a double.
    package static func write(_ value: some FixedWidthInteger, into buffer: inout ByteBuffer) {
        self.put(into: &buffer, room: MessagePackSink.maximumNumberLength) { sink in
            if let signed = Int64(exactly: value) {
                sink.put(signed)
            } else if let unsigned = UInt64(exactly: value) {
                sink.put(type: 0xCF, unsigned)
            } else {
                sink.put(type: 0xCB, Double(value).bitPattern)
            }
        }
    }

    /// Writes a number: one that JavaScript holds as an exact integer as such, any other as a double.
    package static func write(_ value: Double, into buffer: inout ByteBuffer) {
        self.put(into: &buffer, room: MessagePackSink.maximumNumberLength) { $0.put(value) }
    }

    /// Writes a string.
    package static func write(_ value: String, into buffer: inout ByteBuffer) {
        var value = value
        value.withUTF8 { self.writeString(UnsafeRawBufferPointer($0), into: &buffer) }
    }

    /// Writes a string that is given as its UTF-8 bytes.
    package static func writeString(_ utf8: UnsafeRawBufferPointer, into buffer: inout ByteBuffer) {
        self.put(into: &buffer, room: utf8.count + MessagePackSink.maximumHeaderLength) { $0.putString(utf8) }
    }

    /// Writes bytes as a bin.
    package static func writeBinary(_ value: ByteBuffer, into buffer: inout ByteBuffer) {
        let room = value.readableBytes + MessagePackSink.maximumHeaderLength
        self.put(into: &buffer, room: room) { $0.putBinary(value) }
    }

    /// Writes the header of an array; `count` values must follow.
    package static func writeArrayHeader(_ count: Int, into buffer: inout ByteBuffer) {
        self.put(into: &buffer, room: MessagePackSink.maximumHeaderLength) { $0.putArrayHeader(count) }
    }

    /// Writes the header of a map; `count` pairs of key and value must follow.
    package static func writeMapHeader(_ count: Int, into buffer: inout ByteBuffer) {
        self.put(into: &buffer, room: MessagePackSink.maximumHeaderLength) { $0.putMapHeader(count) }
    }

    /// Writes a value with all that it holds.
    package static func write(_ value: SocketValue, into buffer: inout ByteBuffer) {
        self.put(into: &buffer, room: self.maximumLength(of: value)) { $0.put(value) }
    }

    /// Makes room for `room` bytes and lets the closure write at most so many.
    @inline(__always)
    static func put(into buffer: inout ByteBuffer, room: Int, _ body: (inout MessagePackSink) -> Void) {
        buffer.writeWithUnsafeMutableBytes(minimumWritableBytes: room) { target in
            guard let base = target.baseAddress else { return 0 }
            var sink = MessagePackSink(base)
            body(&sink)
            return sink.count
        }
    }

    private static func maximumLength(of value: SocketValue) -> Int {
        let header = MessagePackSink.maximumHeaderLength
        return switch value {
        case .null, .bool: 1
        case .int, .double: MessagePackSink.maximumNumberLength
        case .string(let text): header + text.utf8.count
        case .binary(let bytes): header + bytes.readableBytes
        case .array(let items): items.reduce(header) { $0 + self.maximumLength(of: $1) }
        case .object(let members):
            members.reduce(header) { $0 + header + $1.key.utf8.count + self.maximumLength(of: $1.value) }
        }
    }
}

extension MessagePackSink {
    fileprivate mutating func put(_ value: SocketValue) {
        switch value {
        case .null: self.putNil()
        case .bool(let value): self.put(value)
        case .int(let value): self.put(value)
        case .double(let value): self.put(value)
        case .string(let text): self.putString(text)
        case .binary(let bytes): self.putBinary(bytes)
        case .array(let items):
            self.putArrayHeader(items.count)
            for item in items { self.put(item) }
        case .object(let members):
            self.putMapHeader(members.count)
            for (key, value) in members {
                self.putString(key)
                self.put(value)
            }
        }
    }
}
