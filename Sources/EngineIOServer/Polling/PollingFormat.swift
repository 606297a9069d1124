// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

import NIOCore

/// The body of an answer to a polling client's GET.
struct PollingPayload: Sendable {
    var body: ByteBuffer
    var isBinary = false

    /// As the reference names it, also for JSONP.
    var contentType: String { self.isBinary ? "application/octet-stream" : "text/plain; charset=UTF-8" }
}

/// How the answers of one polling session are written: fixed by the query of the request that opened it.
///
/// - Protocol 4: packets joined with U+001E, binary messages as `b` and base64.
/// - Protocol 3: `<length>:<packet>`, lengths in UTF-16 code units, binary messages as `b4` and base64. Where there are binary
///   messages and the client can take bytes, all packets of the answer as `00` (text) or `01` (binary), the digits of the length
///   in bytes as one byte each, `ff`, and the packet.
/// - JSONP: the same, always as text, as a call of the client's callback.
struct PollingFormat: Sendable {
    let version: EngineVersion
    /// The client cannot take bytes (`b64=1`).
    let isTextOnly: Bool
    /// Which callback the client made for JSONP (the digits of `j`); nil without JSONP.
    let callback: String?

    /// Packets of one answer: python clients drop answers with more.
    static let mostPackets = 16

    init(version: EngineVersion, isTextOnly: Bool = false, callback: String? = nil) {
        self.version = version
        self.isTextOnly = isTextOnly
        self.callback = callback
    }

    /// - Parameter query: of the request that opens the session.
    init(version: EngineVersion, query: [String: String]) {
        let callback = query["j"].map { $0.filter { ("0"..."9").contains($0) } }
        self.init(
            version: version, isTextOnly: callback != nil || !(query["b64"] ?? "").isEmpty, callback: callback)
    }

    /// Takes packets out of frames that this server wrote, as many as one answer may hold.
    func takePayload(from frames: inout ByteBuffer) -> PollingPayload {
        let (count, packets, hasBinary) = frames.withUnsafeReadableBytes { Self.measure($0) }
        guard let part = frames.readSlice(length: count) else { return PollingPayload(body: ByteBuffer()) }
        let isBinary = self.version == .v3 && hasBinary && !self.isTextOnly
        var out = ByteBufferAllocator().buffer(capacity: count + packets * 4 + 16)
        part.withUnsafeReadableBytes { bytes in
            Self.forEachFrame(in: bytes) { packet, isMessageOfBytes in
                switch self.version {
                case .v4: Self.writeSeparated(packet, isMessageOfBytes, into: &out)
                case .v3 where isBinary: Self.writeAsBytes(packet, isMessageOfBytes, into: &out)
                case .v3: Self.writeCounted(packet, isMessageOfBytes, into: &out)
                }
                return true
            }
        }
        return PollingPayload(body: self.wrap(out), isBinary: isBinary)
    }

    /// One packet of text alone.
    func payload(_ packet: String) -> PollingPayload {
        let text = self.version == .v3 ? "\(packet.utf16.count):\(packet)" : packet
        return PollingPayload(body: self.wrap(ByteBuffer(string: text)))
    }

    // MARK: frames

    /// Calls `body` with each frame's payload and whether it is binary, until it returns false.
    private static func forEachFrame(
        in bytes: UnsafeRawBufferPointer, _ body: (UnsafeRawBufferPointer, Bool) -> Bool
    ) {
        var used = 0
        while used < bytes.count {
            let frame = WebSocketCodec.readServerFrame(UnsafeRawBufferPointer(rebasing: bytes[used...]))
            let start = used + frame.header
            let payload = UnsafeRawBufferPointer(rebasing: bytes[start..<(start + frame.length)])
            guard body(payload, frame.firstByte == WebSocketCodec.binary) else { return }
            used = start + frame.length
        }
    }

    /// The bytes of the frames that go into one answer, their number, and whether one of them is binary.
    private static func measure(_ bytes: UnsafeRawBufferPointer) -> (bytes: Int, packets: Int, hasBinary: Bool) {
        var end = 0
        var packets = 0
        var hasBinary = false
        self.forEachFrame(in: bytes) { payload, isBinary in
            guard packets < Self.mostPackets else { return false }
            packets += 1
            hasBinary = hasBinary || isBinary
            end = (payload.baseAddress.flatMap { base in bytes.baseAddress.map { base - $0 } } ?? 0) + payload.count
            return true
        }
        return (end, packets, hasBinary)
    }

    // MARK: packets

    private static func writeSeparated(
        _ packet: UnsafeRawBufferPointer, _ isBinary: Bool, into out: inout ByteBuffer
    ) {
        if out.writerIndex > 0 { out.writeInteger(PayloadReader.separator) }
        guard isBinary else {
            out.writeBytes(packet)
            return
        }
        out.writeInteger(UInt8(ascii: "b"))
        Base64.encode(packet, into: &out)
    }

    private static func writeCounted(_ packet: UnsafeRawBufferPointer, _ isBinary: Bool, into out: inout ByteBuffer) {
        guard isBinary else {
            out.writeString("\(Self.utf16Length(packet)):")
            out.writeBytes(packet)
            return
        }
        out.writeString("\(2 + Base64.encodedLength(packet.count)):b4")
        Base64.encode(packet, into: &out)
    }

    private static func writeAsBytes(_ packet: UnsafeRawBufferPointer, _ isBinary: Bool, into out: inout ByteBuffer) {
        out.writeInteger(UInt8(isBinary ? 1 : 0))
        for digit in String(packet.count + (isBinary ? 1 : 0)).utf8 { out.writeInteger(digit - 0x30) }
        out.writeInteger(UInt8(0xFF))
        if isBinary { out.writeInteger(UInt8(4)) }
        out.writeBytes(packet)
    }

    /// What JavaScript calls the length of a string, of its UTF-8.
    private static func utf16Length(_ text: UnsafeRawBufferPointer) -> Int {
        text.reduce(0) { $0 + ($1 & 0xC0 == 0x80 ? 0 : $1 >= 0xF0 ? 2 : 1) }
    }

    // MARK: JSONP

    /// `___eio[3]("…");` around the payload where the client asked for it.
    private func wrap(_ payload: ByteBuffer) -> ByteBuffer {
        guard let callback = self.callback else { return payload }
        var out = ByteBufferAllocator().buffer(capacity: payload.readableBytes + payload.readableBytes / 8 + 32)
        out.writeString("___eio[\(callback)](\"")
        payload.withUnsafeReadableBytes { Self.writeEscaped($0, into: &out) }
        out.writeStaticString("\");")
        return out
    }

    /// As `JSON.stringify` does, and U+2028 and U+2029 as well, which JSON allows in a string and old JavaScript does not.
    private static func writeEscaped(_ text: UnsafeRawBufferPointer, into out: inout ByteBuffer) {
        var index = 0
        while index < text.count {
            let byte = text[index]
            if byte == 0xE2, index + 2 < text.count, text[index + 1] == 0x80, text[index + 2] & 0xFE == 0xA8 {
                out.writeStaticString(text[index + 2] == 0xA8 ? "\\u2028" : "\\u2029")
                index += 3
                continue
            }
            switch byte {
            case UInt8(ascii: "\""): out.writeStaticString("\\\"")
            case UInt8(ascii: "\\"): out.writeStaticString("\\\\")
            case 0x08: out.writeStaticString("\\b")
            case 0x09: out.writeStaticString("\\t")
            case 0x0A: out.writeStaticString("\\n")
            case 0x0C: out.writeStaticString("\\f")
            case 0x0D: out.writeStaticString("\\r")
            case 0..<0x20:
                let digits = String(byte, radix: 16)
                out.writeString("\\u00\(digits.count == 1 ? "0" : "")\(digits)")
            default: out.writeInteger(byte)
            }
            index += 1
        }
    }
}
