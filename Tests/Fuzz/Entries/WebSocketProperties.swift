// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

import NIOCore
import NIOEmbedded

@testable import EngineIOServer

/// What a peer sends after the opening handshake, with and without `permessage-deflate`: messages and answers are those of
/// ``FrameModel``, however it is cut.
enum WebSocketProperties {
    static let maximumPayload = 300

    enum Event: Equatable {
        case text([UInt8])
        case binary([UInt8])
        case closed
    }

    struct Outcome: Equatable {
        var events: [Event] = []
        /// Frames of the server.
        var output: [UInt8] = []
    }

    static func check(_ bytes: UnsafeRawBufferPointer) throws {
        let eventLoop = EmbeddedEventLoop()
        var configuration = EngineConfiguration()
        configuration.eventRate = 0
        configuration.perMessageDeflate = PerMessageDeflate()
        let loop = EngineLoop(eventLoop: eventLoop, index: 0, configuration: configuration)
        for deflate in [nil, DeflateParameters(), DeflateParameters(clientNoContextTakeover: true)] {
            let expected = FrameModel.run(Array(bytes), maximumPayload: self.maximumPayload, deflate: deflate)
            let compression = deflate.map { $0.clientNoContextTakeover ? "without context" : "compressed" } ?? "plain"
            for pieces in Segments.cuts(of: bytes) {
                let outcome = try self.run(pieces, deflate, on: loop, eventLoop)
                let how = "\(compression), in \(pieces.count) pieces"
                try requireEqual(outcome.events, expected.events, "messages \(how)")
                try requireEqual(outcome.output, expected.output, "answers \(how)")
            }
        }
    }

    private static func run(
        _ pieces: [UnsafeRawBufferPointer], _ deflate: DeflateParameters?, on loop: EngineLoop,
        _ eventLoop: EmbeddedEventLoop
    ) throws -> Outcome {
        let channel = EmbeddedChannel(loop: eventLoop)
        let connection = WebSocketConnection(
            loop: loop, channel: channel, maxPayload: self.maximumPayload, deflate: deflate)
        let recorder = Recorder()
        connection.attach(to: recorder)
        try channel.pipeline.syncOperations.addHandler(connection)
        try channel.connect(to: SocketAddress(unixDomainSocketPath: "/fuzz")).wait()
        var bound = 0
        for piece in pieces where channel.isActive {
            try channel.writeInbound(ByteBuffer(bytes: piece))
            // What is kept is at most a frame that is not whole, in a buffer that grew by doubling.
            bound = max(bound, piece.count)
            try require(
                connection.keptCapacity <= 4 * (self.maximumPayload + 14 + bound), "no more is kept than a frame")
        }
        try require(connection.isOpen || !connection.holdsDeflateState, "nothing of zlib's is held after a close")
        var outcome = Outcome(events: recorder.events)
        while let bytes = try channel.readOutbound(as: ByteBuffer.self) {
            outcome.output.append(contentsOf: bytes.readableBytesView)
        }
        // Ends what waits for the peer's end.
        eventLoop.advanceTime(by: .seconds(5))
        _ = try? channel.finish(acceptAlreadyClosed: true)
        return outcome
    }

    private final class Recorder: WebSocketReceiver {
        private(set) var events: [Event] = []

        func webSocket(_ connection: WebSocketConnection, receivedText text: UnsafeRawBufferPointer) {
            self.events.append(.text(Array(text)))
        }

        func webSocket(_ connection: WebSocketConnection, receivedBinary bytes: UnsafeRawBufferPointer) {
            self.events.append(.binary(Array(bytes)))
        }

        func webSocketClosed(_ connection: WebSocketConnection) { self.events.append(.closed) }
    }
}

/// RFC 6455 for a server, read off the specification: slow, and without anything that the real one has but what inflates.
struct FrameModel {
    private var outcome = WebSocketProperties.Outcome()
    private var message: (isText: Bool, isCompressed: Bool, bytes: [UInt8])?
    private var isOver = false
    private let maximumPayload: Int
    private let deflate: DeflateParameters?
    private var inflater = Inflater(windowBits: 15)

    private init(maximumPayload: Int, deflate: DeflateParameters?) {
        self.maximumPayload = maximumPayload
        self.deflate = deflate
    }

    static func run(
        _ bytes: [UInt8], maximumPayload: Int, deflate: DeflateParameters?
    ) -> WebSocketProperties.Outcome {
        var model = FrameModel(maximumPayload: maximumPayload, deflate: deflate)
        var rest = bytes[...]
        while !model.isOver, let frame = model.nextFrame(&rest) { model.receive(frame.first, frame.payload) }
        return model.outcome
    }

    /// Section 5.2. Nil when more bytes are needed, or none are wanted.
    private mutating func nextFrame(_ rest: inout ArraySlice<UInt8>) -> (first: UInt8, payload: [UInt8])? {
        let bytes = Array(rest)
        guard bytes.count >= 2 else { return nil }
        let opcode = bytes[0] & 0x0F
        let isControl = opcode >= 8
        let isKnown = [0, 1, 2, 8, 9, 10].contains(opcode)
        let isMasked = bytes[1] >= 0x80
        // RFC 7692, 6: RSV1 of a data frame says that its message is compressed.
        let hasReservedBits = bytes[0] & (self.deflate == nil || isControl ? 0x70 : 0x30) != 0
        let isLongOrPartOfControl = isControl && (bytes[1] & 0x7F > 125 || bytes[0] < 0x80)
        guard isKnown, isMasked, !hasReservedBits, !isLongOrPartOfControl else {
            self.fail(1002)
            return nil
        }
        let lengthBytes = [126: 2, 127: 8][bytes[1] & 0x7F] ?? 0
        guard bytes.count >= 2 + lengthBytes + 4 else { return nil }
        var length = UInt64(bytes[1] & 0x7F)
        if lengthBytes > 0 { length = bytes[2..<(2 + lengthBytes)].reduce(0) { $0 << 8 | UInt64($1) } }
        // Not in its shortest form, or with the highest bit set.
        guard length >= [2: 126, 8: 65536][lengthBytes] ?? 0, length < 1 << 63 else {
            self.fail(1002)
            return nil
        }
        guard length <= UInt64(self.maximumPayload) else {
            self.fail(1009)
            return nil
        }
        let start = 2 + lengthBytes + 4
        let end = start + Int(length)
        let mask = bytes[(start - 4)..<start]
        let payload = (start..<min(end, bytes.count)).map { bytes[$0] ^ mask[mask.startIndex + ($0 - start) % 4] }
        if !isControl { self.checkData(bytes[0], payload, length: Int(length)) }
        guard !self.isOver, bytes.count >= end else { return nil }
        rest = rest.dropFirst(end)
        return (bytes[0], payload)
    }

    /// What is wrong is refused as soon as it is there, also in a frame that is not whole (sections 5.4 and 8.1).
    private mutating func checkData(_ first: UInt8, _ payload: [UInt8], length: Int) {
        let opcode = first & 0x0F
        let isCompressed = first & 0x40 != 0
        guard (opcode == 0) == (self.message != nil), opcode != 0 || !isCompressed else { return self.fail(1002) }
        // What is compressed is looked at when its frame is whole.
        guard !(self.message?.isCompressed ?? isCompressed) else { return }
        let before = self.message?.bytes ?? []
        guard before.count + length <= self.maximumPayload else { return self.fail(1009) }
        if self.message?.isText ?? (opcode == 1), !Self.canBecomeText(before + payload) { self.fail(1007) }
    }

    /// Whether up to three more bytes make it UTF-8: tried out.
    private static func canBecomeText(_ bytes: [UInt8]) -> Bool {
        var candidates = [bytes]
        for _ in 0...3 {
            if candidates.contains(where: { String(validating: $0, as: UTF8.self) != nil }) { return true }
            candidates = candidates.flatMap { candidate in [0x80, 0x90, 0xA0, 0xBF].map { candidate + [$0] } }
        }
        return false
    }

    private mutating func receive(_ first: UInt8, _ payload: [UInt8]) {
        switch first & 0x0F {
        case 8: self.receiveClose(payload)
        case 9: self.outcome.output += [0x8A, UInt8(payload.count)] + payload
        case 10: break
        default: self.receiveData(first, payload)
        }
    }

    /// Section 5.4.
    private mutating func receiveData(_ first: UInt8, _ payload: [UInt8]) {
        let isText = self.message?.isText ?? (first & 0x0F == 1)
        let isCompressed = self.message?.isCompressed ?? (first & 0x40 != 0)
        let isLast = first >= 0x80
        var bytes = self.message?.bytes ?? []
        if isCompressed {
            guard self.inflate(payload, onto: &bytes, isLast: isLast) else { return }
            if isText, !Self.canBecomeText(bytes) { return self.fail(1007) }
        } else {
            bytes += payload
        }
        guard isLast else { return self.message = (isText, isCompressed, bytes) }
        self.message = nil
        guard isText else { return self.outcome.events.append(.binary(bytes)) }
        guard String(validating: bytes, as: UTF8.self) != nil else { return self.fail(1007) }
        self.outcome.events.append(.text(bytes))
    }

    /// RFC 7692, 7.2.2. ``DeflateProperties`` are about how it is done.
    private mutating func inflate(_ payload: [UInt8], onto bytes: inout [UInt8], isLast: Bool) -> Bool {
        guard let inflater = self.inflater else { return false }
        var out = ByteBuffer(bytes: bytes)
        var outcome = payload.withUnsafeBytes { inflater.inflate($0, into: &out, limit: self.maximumPayload) }
        if outcome == .done, isLast { outcome = inflater.finishMessage(into: &out, limit: self.maximumPayload) }
        if outcome != .done { self.fail(outcome == .invalid ? 1007 : 1009) }
        if isLast, self.deflate?.clientNoContextTakeover == true { inflater.reset() }
        bytes = Array(out.readableBytesView)
        return outcome == .done
    }

    /// Section 5.5.1: the answer repeats the code.
    private mutating func receiveClose(_ payload: [UInt8]) {
        guard payload.count != 1 else { return self.fail(1002) }
        if payload.count >= 2 {
            let code = Int(payload[0]) << 8 | Int(payload[1])
            let mayBeSent = (1000...1014).contains(code) && ![1004, 1005, 1006].contains(code)
            guard mayBeSent || (3000...4999).contains(code) else { return self.fail(1002) }
            guard String(validating: payload.dropFirst(2), as: UTF8.self) != nil else { return self.fail(1007) }
        }
        self.close(Array(payload.prefix(2)))
    }

    private mutating func fail(_ code: UInt16) { self.close([UInt8(code >> 8), UInt8(code & 0xFF)]) }

    private mutating func close(_ code: [UInt8]) {
        self.isOver = true
        self.outcome.output += [0x88, UInt8(code.count)] + code
        self.outcome.events.append(.closed)
    }
}
