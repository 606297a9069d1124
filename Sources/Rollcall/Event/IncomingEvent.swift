// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

package import NIOCore
public import SocketIOCodec

/// An event while its handler is called: slices of the bytes that were read, gone when the call returns.
package struct IncomingEvent {
    /// The event's name as it was sent, without quotes.
    package let name: UnsafeRawBufferPointer
    /// The text of the arguments, joined by commas, checked.
    package let arguments: UnsafeRawBufferPointer
    package let attachments: [ByteBuffer]
    /// What the client wants its acknowledgement to be numbered with.
    package let acknowledgementID: UInt64?
}

/// What is called for an event, on the socket's event loop.
package typealias Listener = @Sendable (Socket, IncomingEvent) -> Void

/// The arguments of an event as they came: for handlers that take anything, and for passing on without looking inside.
public struct Arguments: Sendable {
    /// The arguments' JSON texts, joined by commas.
    package let text: ByteBuffer
    package let attachments: [ByteBuffer]

    init(_ event: IncomingEvent) {
        self.text = ByteBuffer(bytes: event.arguments)
        self.attachments = event.attachments
    }

    package init(text: ByteBuffer, attachments: [ByteBuffer] = []) {
        self.text = text
        self.attachments = attachments
    }

    /// No arguments.
    public init() {
        self.init(text: ByteBuffer())
    }

    /// Arguments from values.
    public init(_ values: [SocketValue]) {
        var text = ByteBuffer()
        var attachments: [ByteBuffer] = []
        for (index, value) in values.enumerated() {
            if index > 0 { text.writeInteger(UInt8(ascii: ",")) }
            JSONWriter.write(value, into: &text, attachments: &attachments)
        }
        self.init(text: text, attachments: attachments)
    }

    /// How many there are.
    public var count: Int {
        self.text.withUnsafeReadableBytes { bytes in ArgumentSlices(bytes).reduce(0) { count, _ in count + 1 } }
    }

    /// All of them as values. An argument that names an attachment which is not there is null.
    public var values: [SocketValue] {
        self.text.withUnsafeReadableBytes { bytes in
            ArgumentSlices(bytes).map { slice in
                (try? JSONReader.value(slice, attachments: self.attachments)) ?? .null
            }
        }
    }

    /// The argument at `index` as a type of yours. Missing: nil for optionals, an error otherwise.
    public func decode<T: Decodable>(_ type: T.Type = T.self, at index: Int) throws -> T {
        try self.text.withUnsafeReadableBytes { bytes in
            var slices = ArgumentSlices(bytes)
            for _ in 0..<index { _ = slices.next() }
            return try SocketDecoder.decode(type, from: slices.next(), attachments: self.attachments)
        }
    }
}
