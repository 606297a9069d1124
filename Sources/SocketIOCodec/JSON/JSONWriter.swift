// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

package import NIOCore

/// Writes JSON as `JSON.stringify` does. Makes room once per value, then writes through a pointer.
package enum JSONWriter {
    /// Writes a string with its quotes.
    package static func write(_ string: String, into buffer: inout ByteBuffer) {
        var string = string
        string.withUTF8 { self.writeString(UnsafeRawBufferPointer($0), into: &buffer) }
    }

    /// Writes a string that is given as its UTF-8 bytes, which must be well-formed.
    package static func writeString(_ utf8: UnsafeRawBufferPointer, into buffer: inout ByteBuffer) {
        let length = JSONSink.quotedLength(utf8)
        self.put(into: &buffer, room: length) { $0.putQuoted(utf8, length: length) }
    }

    /// Writes an integer.
    package static func write(_ value: Int, into buffer: inout ByteBuffer) {
        self.put(into: &buffer, room: JSONSink.maximumNumberLength) { $0.put(Int64(value)) }
    }

    /// Writes an integer of any size up to 64 bits.
    package static func write(_ value: some FixedWidthInteger, into buffer: inout ByteBuffer) {
        self.put(into: &buffer, room: JSONSink.maximumNumberLength) { sink in
            if let value = Int64(exactly: value) {
                sink.put(value)
            } else {
                sink.put(UInt64(clamping: value))
            }
        }
    }

    /// Writes a number as JavaScript prints it; `null` if it is not finite.
    package static func write(_ value: Double, into buffer: inout ByteBuffer) {
        self.put(into: &buffer, room: JSONSink.maximumNumberLength) { $0.put(value) }
    }

    /// Writes a number with the digits that are enough for a `Float`; `null` if it is not finite.
    package static func write(_ value: Float, into buffer: inout ByteBuffer) {
        self.put(into: &buffer, room: JSONSink.maximumNumberLength) { $0.put(value) }
    }

    /// Writes `true` or `false`.
    package static func write(_ value: Bool, into buffer: inout ByteBuffer) {
        self.put(into: &buffer, room: 5) { $0.put(value) }
    }

    /// Writes `null`.
    package static func writeNull(into buffer: inout ByteBuffer) {
        self.put(into: &buffer, room: 4) { $0.put("null") }
    }

    /// Writes bytes as a placeholder, and appends them to the attachments.
    package static func write(
        binary: ByteBuffer, into buffer: inout ByteBuffer, attachments: inout [ByteBuffer]
    ) {
        let number = UInt64(attachments.count)
        attachments.append(binary)
        self.put(into: &buffer, room: JSONPlaceholder.maximumLength) { $0.putPlaceholder(number) }
    }

    /// The text that JavaScript gives a number.
    static func javaScriptText(_ value: Double) -> String {
        String(unsafeUninitializedCapacity: JSONSink.maximumNumberLength) { target in
            guard let base = target.baseAddress else { return 0 }
            var sink = JSONSink(UnsafeMutableRawPointer(base))
            sink.put(value)
            return sink.count
        }
    }

    /// Makes room for `room` bytes and lets the closure write at most so many.
    @inline(__always)
    static func put(into buffer: inout ByteBuffer, room: Int, _ body: (inout JSONSink) -> Void) {
        buffer.writeWithUnsafeMutableBytes(minimumWritableBytes: room) { target in
            guard let base = target.baseAddress else { return 0 }
            var sink = JSONSink(base)
            body(&sink)
            return sink.count
        }
    }
}

extension JSONSink {
    /// Puts the placeholder of an attachment.
    mutating func putPlaceholder(_ number: UInt64) {
        self.put(JSONPlaceholder.prefix)
        self.put(number)
        self.put(ASCII.closeBrace)
    }
}
