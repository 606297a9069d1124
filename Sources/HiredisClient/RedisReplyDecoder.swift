// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

import CHiredis

/// hiredis's reader with bounds: it takes bytes and gives replies.
///
/// hiredis 0.14 itself limits only the depth (7 arrays within each other). What is limited here: the bytes of a
/// reply, known as soon as a bulk string announces them; the elements of all arrays of a reply, before hiredis
/// reserves memory for them; the length of lines, which hiredis searches from their start each time more bytes
/// arrive.
final class RedisReplyDecoder {
    private var reader: UnsafeMutablePointer<redisReader>?
    private let functions: UnsafeMutablePointer<redisReplyObjectFunctions>
    private let limits: UnsafeMutablePointer<ReplyLimits>
    private let maximumBytes: Int

    /// Bytes fed, and how many of them belonged to finished replies.
    private var fed = 0
    private var finished = 0

    /// hiredis moves what is left of its buffer after each reply: small pieces keep that cheap.
    private static let pieceSize = 16 * 1024
    private static let maximumLine = 64 * 1024
    private static let maximumNumber = 32

    init(maximumBytes: Int, maximumElements: Int) {
        self.maximumBytes = maximumBytes
        self.limits = .allocate(capacity: 1)
        self.limits.initialize(to: ReplyLimits(maximum: maximumElements))
        self.functions = .allocate(capacity: 1)
        self.functions.initialize(to: redisReplyObjectFunctions())
        guard let reader = redisReaderCreate(), let defaults = reader.pointee.fn else { return }
        self.functions.pointee = defaults.pointee
        self.limits.pointee.createArray = defaults.pointee.createArray
        self.functions.pointee.createArray = { ReplyLimits.createArray($0, count: $1) }
        reader.pointee.fn = self.functions
        reader.pointee.privdata = UnsafeMutableRawPointer(self.limits)
        reader.pointee.maxbuf = Self.pieceSize * 4
        self.reader = reader
    }

    deinit {
        self.close()
        self.functions.deinitialize(count: 1)
        self.functions.deallocate()
        self.limits.deinitialize(count: 1)
        self.limits.deallocate()
    }

    /// Frees the reader; further bytes are an error.
    func close() {
        guard let reader = self.reader else { return }
        self.reader = nil
        redisReaderFree(reader)
    }

    /// Takes bytes and hands on each reply that they complete, for as long as `receive` answers true.
    /// `receive` may call ``close()``.
    func decode(
        _ bytes: UnsafeRawBufferPointer, receive: (borrowing ReceivedReply) -> Bool
    ) throws(RedisError) {
        var rest = bytes[...]
        while !rest.isEmpty {
            let piece = UnsafeRawBufferPointer(rebasing: rest.prefix(Self.pieceSize))
            rest = rest.dropFirst(piece.count)
            try self.feed(piece)
            while let reply = try self.next() {
                guard receive(reply) else { return }
            }
            try self.checkUnfinished()
        }
    }

    private func feed(_ piece: UnsafeRawBufferPointer) throws(RedisError) {
        guard let reader = self.reader else { throw RedisError(.disconnected, "the reader is closed") }
        let start = piece.baseAddress?.assumingMemoryBound(to: CChar.self)
        guard redisReaderFeed(reader, start, piece.count) == REDIS_OK else { throw self.failure(of: reader) }
        self.fed += piece.count
    }

    private func next() throws(RedisError) -> ReceivedReply? {
        guard let reader = self.reader else { return nil }
        var raw: UnsafeMutableRawPointer?
        guard redisReaderGetReply(reader, &raw) == REDIS_OK else { throw self.failure(of: reader) }
        guard let raw else { return nil }
        let reply = ReceivedReply(raw.assumingMemoryBound(to: redisReply.self))
        let end = self.fed - (reader.pointee.len - reader.pointee.pos)
        let size = end - self.finished
        self.finished = end
        self.limits.pointee.used = 0
        guard size <= self.maximumBytes else { throw self.tooLarge() }
        return reply
    }

    /// Looks at the reply that is still incomplete.
    private func checkUnfinished() throws(RedisError) {
        guard let reader = self.reader else { return }
        guard self.fed - self.finished <= self.maximumBytes else { throw self.tooLarge() }
        let depth = Int(reader.pointee.ridx)
        guard depth >= 0, let start = reader.pointee.buf else { return }
        let type = withUnsafePointer(to: &reader.pointee.rstack) {
            UnsafeRawPointer($0).assumingMemoryBound(to: redisReadTask.self)[depth].type
        }
        let unread = UnsafeRawBufferPointer(
            start: start + reader.pointee.pos, count: reader.pointee.len - reader.pointee.pos)
        switch type {
        case REDIS_REPLY_STATUS, REDIS_REPLY_ERROR:
            guard unread.count <= Self.maximumLine else { throw Self.violation("a line is too long") }
        case REDIS_REPLY_STRING:
            guard let length = try Self.announcedLength(unread) else { return }
            guard length <= self.maximumBytes else { throw self.tooLarge() }
        case REDIS_REPLY_INTEGER, REDIS_REPLY_ARRAY:
            _ = try Self.announcedLength(unread)
        default:
            return
        }
    }

    /// The number before the first line end; nil while the line is incomplete.
    private static func announcedLength(_ unread: UnsafeRawBufferPointer) throws(RedisError) -> Int? {
        var value = 0
        for byte in unread.prefix(Self.maximumNumber) {
            if byte == UInt8(ascii: "\r") { return value }
            guard byte >= 0x30, byte <= 0x39 else { continue }
            value = value.multipliedReportingOverflow(by: 10).overflow ? Int.max / 10 : value * 10
            value = value.addingReportingOverflow(Int(byte & 0x0F)).overflow ? Int.max : value + Int(byte & 0x0F)
        }
        guard unread.count < Self.maximumNumber else { throw Self.violation("a number is too long") }
        return nil
    }

    private func failure(of reader: UnsafeMutablePointer<redisReader>) -> RedisError {
        if self.limits.pointee.wasExceeded { return Self.violation("a reply has too many elements") }
        let text = withUnsafeBytes(of: &reader.pointee.errstr) {
            String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
        }
        return Self.violation(text)
    }

    private func tooLarge() -> RedisError { Self.violation("a reply is larger than \(self.maximumBytes) bytes") }

    private static func violation(_ what: String) -> RedisError { RedisError(.protocolViolation, what) }
}

/// Stands between hiredis and its function that makes arrays: a hostile `*2147483647` would reserve 16 GiB.
private struct ReplyLimits {
    typealias CreateArray = @convention(c) (UnsafePointer<redisReadTask>?, Int32) -> UnsafeMutableRawPointer?

    let maximum: Int
    var used = 0
    var wasExceeded = false
    var createArray: CreateArray?

    init(maximum: Int) { self.maximum = maximum }

    /// hiredis takes nil for "out of memory", reports an error and frees what it has of the reply.
    static func createArray(_ task: UnsafePointer<redisReadTask>?, count: Int32) -> UnsafeMutableRawPointer? {
        guard let task, let limits = task.pointee.privdata?.assumingMemoryBound(to: ReplyLimits.self) else {
            return nil
        }
        limits.pointee.used += Int(max(count, 0)) + 1
        guard limits.pointee.used <= limits.pointee.maximum else {
            limits.pointee.wasExceeded = true
            return nil
        }
        return limits.pointee.createArray?(task, count)
    }
}
