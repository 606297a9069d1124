// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

import NIOCore

@testable import EngineIOServer

/// `permessage-deflate`: what is inflated is bounded and the same however it is cut; what was deflated inflates to itself.
///
/// An input is the stream of a client as zlib writes it: a message ends where the flush does that its sender takes off.
enum DeflateProperties {
    /// More than one of the inflater's steps.
    private static let limit = 40_000
    private static let windows = [9, 15]

    private struct Run: Equatable {
        var messages: [[UInt8]] = []
        /// Why there are no more.
        var refusal: Inflater.Outcome?
    }

    static func check(_ bytes: UnsafeRawBufferPointer) throws {
        let pool = DeflatePool(self.options())
        try self.checkInflating(self.messages(in: bytes), pool)
        for window in self.windows {
            try self.checkRoundTrip(bytes, DeflateParameters(serverWindowBits: window, clientWindowBits: window), pool)
        }
        let forgetful = DeflateParameters(serverNoContextTakeover: true, clientNoContextTakeover: true)
        try self.checkRoundTrip(bytes, forgetful, pool)
    }

    private static func options() -> PerMessageDeflate {
        var options = PerMessageDeflate()
        options.threshold = 0
        return options
    }

    /// The parts between the flushes.
    private static func messages(in bytes: UnsafeRawBufferPointer) -> [UnsafeRawBufferPointer] {
        let flush: [UInt8] = [0x00, 0x00, 0xFF, 0xFF]
        var messages: [UnsafeRawBufferPointer] = []
        var start = 0
        var index = 0
        while index + flush.count <= bytes.count {
            guard bytes[index..<(index + flush.count)].elementsEqual(flush) else {
                index += 1
                continue
            }
            messages.append(UnsafeRawBufferPointer(rebasing: bytes[start..<index]))
            index += flush.count
            start = index
        }
        return messages + [UnsafeRawBufferPointer(rebasing: bytes[start...])]
    }

    // MARK: inflating

    private static func checkInflating(_ messages: [UnsafeRawBufferPointer], _ pool: DeflatePool) throws {
        let whole = try self.run(messages, DeflateParameters(), pool) { [$0] }
        for cut in 1..<4 {
            let pieces = try self.run(messages, DeflateParameters(), pool) { message in
                let cuts = Segments.cuts(of: message)
                return cuts[min(cut, cuts.count - 1)]
            }
            try requireEqual(pieces, whole, "messages in pieces")
        }
        try self.checkLimits(messages, whole, pool)
        try self.checkSmallWindow(messages, whole, pool)
        try self.checkForgetting(messages, pool)
    }

    /// As much as came out may come out, and not a byte less.
    private static func checkLimits(
        _ messages: [UnsafeRawBufferPointer], _ whole: Run, _ pool: DeflatePool
    ) throws {
        guard let longest = whole.messages.map(\.count).max(), longest > 1 else { return }
        let fits = try self.run(messages, DeflateParameters(), pool, limit: longest) { [$0] }
        try requireEqual(fits.messages, whole.messages, "what came out may come out")
        // What follows may be too long for this limit, before it is found to be invalid.
        let isSame = fits.refusal == whole.refusal || (fits.refusal == .tooLarge && whole.refusal == .invalid)
        try require(isSame, "a limit that is kept changes nothing")
        let short = try self.run(messages, DeflateParameters(), pool, limit: longest - 1) { [$0] }
        try requireEqual(short.refusal, .tooLarge, "more than the limit is refused")
        try requireEqual(
            short.messages.count, whole.messages.firstIndex { $0.count == longest }, "what came before is not")
    }

    /// A client that keeps to a smaller window than it does is refused, or understood.
    private static func checkSmallWindow(
        _ messages: [UnsafeRawBufferPointer], _ whole: Run, _ pool: DeflatePool
    ) throws {
        let small = try self.run(messages, DeflateParameters(clientWindowBits: 8), pool) { [$0] }
        try require(whole.messages.starts(with: small.messages), "a small window changes no message")
        if small.messages.count < whole.messages.count {
            try requireEqual(small.refusal, .invalid, "a small window is all that can be wrong")
        }
    }

    /// Without context each message is inflated as if it were the first, also where others were refused before.
    private static func checkForgetting(_ messages: [UnsafeRawBufferPointer], _ pool: DeflatePool) throws {
        let forgetful = DeflateParameters(clientNoContextTakeover: true)
        let runs = try messages.map { try self.run([$0], forgetful, pool) { [$0] } }
        for (message, run) in zip(messages, runs) {
            try requireEqual(run, try self.run([message], DeflateParameters(), pool) { [$0] }, "a first message")
        }
        let together = try self.run(messages, forgetful, pool) { [$0] }
        let accepted = runs.prefix { $0.refusal == nil }
        try requireEqual(together.messages, accepted.flatMap(\.messages), "messages without context")
        try requireEqual(
            together.refusal, accepted.count < runs.count ? runs[accepted.count].refusal : nil, "the first that fails")
    }

    private static func run(
        _ messages: [UnsafeRawBufferPointer], _ parameters: DeflateParameters, _ pool: DeflatePool,
        limit: Int = limit, cut: (UnsafeRawBufferPointer) -> [UnsafeRawBufferPointer]
    ) throws -> Run {
        let receiver = MessageDeflate(parameters, pool: pool)
        var run = Run()
        for message in messages {
            var out = ByteBuffer()
            let pieces = cut(message)
            for (index, piece) in pieces.enumerated() {
                let isLast = index == pieces.count - 1
                let outcome = receiver.inflate(piece, into: &out, limit: limit, isLast: isLast)
                // A byte more than the limit shows that there is more, in a buffer that grew by doubling.
                try require(out.readableBytes <= limit + 1, "no more comes out than is allowed")
                try require(out.capacity <= 2 * (limit + 2), "no more is kept than is allowed")
                guard outcome == .done else {
                    run.refusal = outcome
                    return run
                }
                try require(out.readableBytes <= limit, "no more is accepted than is allowed")
            }
            try require(
                !parameters.clientNoContextTakeover || !receiver.holdsState, "nothing is held between messages")
            run.messages.append(Array(out.readableBytesView))
        }
        return run
    }

    // MARK: both ways

    /// The input as messages of a server, with a ping among them.
    private static func checkRoundTrip(
        _ bytes: UnsafeRawBufferPointer, _ parameters: DeflateParameters, _ pool: DeflatePool
    ) throws {
        let messages = [bytes, bytes] + self.messages(in: bytes)
        let ping: [UInt8] = [1, 2, 3]
        var frames = ByteBuffer()
        for message in messages { frames.writeFrame(WebSocketCodec.binary, message) }
        ping.withUnsafeBytes { frames.writeFrame(WebSocketCodec.ping, $0) }
        let sent = MessageDeflate(parameters, pool: pool).compress(frames)
        let receiver = MessageDeflate(parameters, pool: pool)
        try sent.withUnsafeReadableBytes { sent in
            var rest = sent[...]
            for message in messages {
                let (first, payload) = try self.takeFrame(&rest)
                try requireEqual(first, WebSocketCodec.binary | WebSocketCodec.compressed, "messages are compressed")
                var out = ByteBuffer()
                let outcome = receiver.inflate(payload, into: &out, limit: message.count, isLast: true)
                try requireEqual(outcome, .done, "what was deflated can be inflated")
                try require(out.readableBytesView.elementsEqual(message), "what was deflated inflates to itself")
            }
            let (first, payload) = try self.takeFrame(&rest)
            try require(first == WebSocketCodec.ping && payload.elementsEqual(ping), "control frames are left alone")
            try require(rest.isEmpty, "nothing but the frames is sent")
        }
    }

    private static func takeFrame(
        _ rest: inout Slice<UnsafeRawBufferPointer>
    ) throws -> (first: UInt8, payload: UnsafeRawBufferPointer) {
        try require(rest.count >= 2, "all frames are sent")
        let frame = WebSocketCodec.readServerFrame(UnsafeRawBufferPointer(rebasing: rest))
        try require(rest.count >= frame.header + frame.length, "frames are sent whole")
        let payload = UnsafeRawBufferPointer(rebasing: rest.dropFirst(frame.header).prefix(frame.length))
        rest = rest.dropFirst(frame.header + frame.length)
        return (frame.firstByte, payload)
    }
}
