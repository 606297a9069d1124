// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

import CHiredis
import NIOCore

/// A reply in hiredis's own memory, freed with this value.
struct ReceivedReply: ~Copyable {
    private let root: UnsafeMutablePointer<redisReply>

    init(_ root: UnsafeMutablePointer<redisReply>) { self.root = root }

    deinit { freeReplyObject(self.root) }

    /// The whole reply; not to be kept.
    var element: ReplyElement { ReplyElement(self.root) }

    /// A copy: an error reply as a failure, everything else as a value.
    func copied() -> Result<RedisReply, RedisError> {
        let element = self.element
        if element.type == REDIS_REPLY_ERROR { return .failure(RedisError(serverReply: element.text)) }
        var strings = ByteBufferAllocator().buffer(capacity: element.stringBytes)
        element.appendStrings(to: &strings)
        return .success(element.copied(strings: &strings))
    }
}

/// One reply or an element of one, in hiredis's memory.
struct ReplyElement {
    private let pointer: UnsafeMutablePointer<redisReply>

    init(_ pointer: UnsafeMutablePointer<redisReply>) { self.pointer = pointer }

    var type: Int32 { self.pointer.pointee.type }

    /// The number of elements of an array, else 0.
    var count: Int { self.type == REDIS_REPLY_ARRAY ? self.pointer.pointee.elements : 0 }

    subscript(index: Int) -> ReplyElement? {
        guard index >= 0, index < self.count, let element = self.pointer.pointee.element[index] else { return nil }
        return ReplyElement(element)
    }

    /// The bytes of a string, status or error, else none.
    var bytes: UnsafeRawBufferPointer {
        guard let start = self.pointer.pointee.str else { return UnsafeRawBufferPointer(start: nil, count: 0) }
        return UnsafeRawBufferPointer(start: start, count: self.pointer.pointee.len)
    }

    var text: String { String(decoding: self.bytes, as: UTF8.self) }

    /// The bytes of all bulk strings in it.
    fileprivate var stringBytes: Int {
        if self.type == REDIS_REPLY_STRING { return self.pointer.pointee.len }
        var sum = 0
        for index in 0..<self.count { sum += self[index]?.stringBytes ?? 0 }
        return sum
    }

    /// All strings of a reply share one buffer: one allocation instead of one for each. hiredis nests at most 7 deep.
    fileprivate func appendStrings(to buffer: inout ByteBuffer) {
        if self.type == REDIS_REPLY_STRING { buffer.writeBytes(self.bytes) }
        for index in 0..<self.count { self[index]?.appendStrings(to: &buffer) }
    }

    fileprivate func copied(strings: inout ByteBuffer) -> RedisReply {
        switch self.type {
        case REDIS_REPLY_STRING: .string(strings.readSlice(length: self.pointer.pointee.len) ?? ByteBuffer())
        case REDIS_REPLY_STATUS: .status(self.text)
        case REDIS_REPLY_INTEGER: .integer(self.pointer.pointee.integer)
        case REDIS_REPLY_ERROR: .error(self.text)
        case REDIS_REPLY_ARRAY: .array((0..<self.count).map { self[$0]?.copied(strings: &strings) ?? .null })
        default: .null
        }
    }
}
