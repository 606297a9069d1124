// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

/// A packet of the default parser, `<type>[<attachments>-][<namespace>,][<id>][JSON]`, as slices of the bytes that were read.
///
/// The slices are valid as long as those bytes.
package struct SocketPacketSlices {
    /// What an acknowledgement id may be at most: JavaScript's numbers are exact up to here.
    package static let maximumID: UInt64 = 1 << 53
    /// Attachments of one packet that the reference parser allows.
    package static let defaultMaximumAttachments = 10

    /// The packet's type.
    package var type: SocketPacketType
    /// Binary messages that follow; 0 unless the type is binary.
    package var attachmentCount: Int
    /// The namespace without its query; empty for `/`.
    package var namespace: UnsafeRawBufferPointer
    /// The acknowledgement id, if one is there.
    package var id: UInt64?
    /// The id as it was written, for echoing it; empty when there is none.
    package var idDigits: UnsafeRawBufferPointer
    /// The JSON text; empty when there is none.
    ///
    /// For CONNECT and CONNECT_ERROR it is checked JSON. For events and acknowledgements only its first byte is: they
    /// are checked by ``EventSlices/parse(_:maximumDepth:)`` and ``JSONScanner/validateArray(_:maximumDepth:)``.
    package var payload: UnsafeRawBufferPointer

    /// Slices one packet, without the Engine.IO type in front of it.
    package static func parse(
        _ bytes: UnsafeRawBufferPointer, maximumAttachments: Int = defaultMaximumAttachments
    ) throws(SocketPacketError) -> SocketPacketSlices {
        guard let first = bytes.first, let type = SocketPacketType(rawValue: first &- ASCII.zero) else {
            throw .unknownType
        }
        var index = 1
        let attachmentCount =
            type.isBinary ? try self.readAttachmentCount(bytes, &index, maximum: maximumAttachments) : 0
        let namespace = self.readNamespace(bytes, &index)
        let idStart = index
        let id = try self.readID(bytes, &index)
        let packet = SocketPacketSlices(
            type: type, attachmentCount: attachmentCount, namespace: namespace, id: id,
            idDigits: bytes.part(from: idStart, to: index), payload: bytes.part(from: index, to: bytes.count))
        guard packet.hasFittingPayload else { throw .malformedPayload }
        return packet
    }

    private static func readAttachmentCount(
        _ bytes: UnsafeRawBufferPointer, _ index: inout Int, maximum: Int
    ) throws(SocketPacketError) -> Int {
        let start = index
        var count = 0
        while index < bytes.count, ASCII.isDigit(bytes[index]) {
            // Leading zeros cannot overflow it, and what is too large stops here.
            count = count * 10 + Int(bytes[index] &- ASCII.zero)
            guard count <= maximum else { throw .tooManyAttachments }
            index &+= 1
        }
        guard index > start, index < bytes.count, bytes[index] == ASCII.minus else { throw .malformedAttachmentCount }
        index &+= 1
        return count
    }

    /// Consumes the namespace and its comma. Like the reference, takes the end of the packet for the comma.
    @inline(__always)
    private static func readNamespace(_ bytes: UnsafeRawBufferPointer, _ index: inout Int) -> UnsafeRawBufferPointer {
        let start = index
        guard start < bytes.count, bytes[start] == ASCII.slash else { return bytes.part(from: start, to: start) }
        var end: Int?
        while index < bytes.count, bytes[index] != ASCII.comma {
            if end == nil, bytes[index] == ASCII.questionMark { end = index }
            index &+= 1
        }
        let nameEnd = end ?? index
        if index < bytes.count { index &+= 1 }
        return bytes.part(from: nameEnd &- start == 1 ? nameEnd : start, to: nameEnd)
    }

    @inline(__always)
    private static func readID(
        _ bytes: UnsafeRawBufferPointer, _ index: inout Int
    ) throws(SocketPacketError) -> UInt64? {
        let start = index
        var id: UInt64 = 0
        while index < bytes.count, ASCII.isDigit(bytes[index]) {
            id = id &* 10 &+ UInt64(bytes[index] &- ASCII.zero)
            guard id <= self.maximumID else { throw .idOutOfRange }
            index &+= 1
        }
        return index > start ? id : nil
    }

    @inline(__always)
    private var hasFittingPayload: Bool {
        switch self.type {
        case .event, .ack, .binaryEvent, .binaryAck: self.payload.first == ASCII.openBracket
        case .disconnect: self.payload.isEmpty
        case .connect: self.payload.isEmpty || self.isObject
        case .connectError: self.isObject || self.isString
        }
    }

    private var isObject: Bool { self.payload.first == ASCII.openBrace && self.isJSON }

    private var isString: Bool { self.payload.first == ASCII.quote && self.isJSON }

    private var isJSON: Bool {
        do throws(JSONError) {
            try JSONScanner.validate(self.payload)
            return true
        } catch {
            return false
        }
    }
}
