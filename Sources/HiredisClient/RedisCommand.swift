// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

package import NIOCore

/// A command with its arguments, already in the form of the wire.
///
/// A command that is sent often is kept by its sender and filled anew with ``fill(capacity:_:)``: sending copies the
/// bytes, so the memory is used again. Not for commands without exactly one reply (`SUBSCRIBE`, `MONITOR`, `CLIENT
/// REPLY`).
package struct RedisCommand: Sendable {
    /// The name and the arguments, counted.
    package private(set) var wordCount = 0

    /// The words as RESP bulk strings, without the array's header, which needs their number first.
    private(set) var body: ByteBuffer

    /// An empty command, to be filled or appended to.
    package init(capacity: Int = 256) {
        self.body = ByteBufferAllocator().buffer(capacity: capacity)
    }

    /// A command of these words.
    package init(_ words: String...) {
        self.init(words)
    }

    /// A command of these words.
    package init(_ words: [String]) {
        let capacity = words.reduce(0) { $0 + $1.utf8.count + RedisCommandWriter.wordOverhead }
        self.init(capacity: capacity) { writer in
            for word in words { writer.append(word) }
        }
    }

    /// A command whose words `build` appends. With a `capacity` (bytes) that suffices, memory is reserved once.
    package init(capacity: Int, _ build: (inout RedisCommandWriter) -> Void) {
        self.init(capacity: capacity)
        self.add(capacity: capacity, build)
    }

    /// Replaces the words by those that `build` appends; keeps the memory.
    package mutating func fill(capacity: Int = 256, _ build: (inout RedisCommandWriter) -> Void) {
        self.body.clear()
        self.wordCount = 0
        self.add(capacity: capacity, build)
    }

    /// Appends a word.
    package mutating func append(_ word: String) {
        self.add(capacity: word.utf8.count + RedisCommandWriter.wordOverhead) { $0.append(word) }
    }

    /// Appends a word: the buffer's readable bytes.
    package mutating func append(_ word: ByteBuffer) {
        self.add(capacity: word.readableBytes + RedisCommandWriter.wordOverhead) { $0.append(word) }
    }

    /// Appends a word.
    package mutating func append(_ word: UnsafeRawBufferPointer) {
        self.add(capacity: word.count + RedisCommandWriter.wordOverhead) { $0.append(word) }
    }

    /// Appends a word: the number in decimal.
    package mutating func append(_ number: Int) {
        self.add(capacity: 2 * RedisCommandWriter.wordOverhead) { $0.append(number) }
    }

    /// The bytes that it takes on the wire.
    package var byteCount: Int {
        self.body.readableBytes + RedisCommandWriter.digits(of: UInt64(self.wordCount)) + 3
    }

    private mutating func add(capacity: Int, _ build: (inout RedisCommandWriter) -> Void) {
        self.wordCount += self.body.writeWords(capacity: capacity, build)
    }
}

extension ByteBuffer {
    /// Appends the words of one command as bulk strings; returns their number.
    mutating func writeWords(capacity: Int, _ build: (inout RedisCommandWriter) -> Void) -> Int {
        var capacity = max(capacity, RedisCommandWriter.wordOverhead)
        while true {
            var words = 0
            var required: Int?
            self.writeWithUnsafeMutableBytes(minimumWritableBytes: capacity) { memory in
                guard let base = memory.baseAddress else { return 0 }
                var writer = RedisCommandWriter(memory, base: base)
                build(&writer)
                guard !writer.didOverflow else {
                    required = writer.byteCount
                    return 0
                }
                words = writer.wordCount
                return writer.byteCount
            }
            guard let required else { return words }
            capacity = max(required, capacity * 2)
        }
    }

    /// Appends a whole command.
    mutating func write(_ command: RedisCommand) {
        let body = command.body.readableBytesView
        self.writeWithUnsafeMutableBytes(minimumWritableBytes: body.count + RedisCommandWriter.wordOverhead) { memory in
            guard let base = memory.baseAddress else { return 0 }
            base.storeBytes(of: UInt8(ascii: "*"), as: UInt8.self)
            var end = RedisCommandWriter.write(decimal: UInt64(command.wordCount), to: base + 1)
            end = RedisCommandWriter.writeLineEnd(to: end)
            body.withUnsafeBytes { if let start = $0.baseAddress { end.copyMemory(from: start, byteCount: $0.count) } }
            return end - base + body.count
        }
    }

    /// Appends a whole command that `build` writes; false, and nothing appended, when it writes no word.
    mutating func writeCommand(capacity: Int, _ build: (inout RedisCommandWriter) -> Void) -> Bool {
        let start = self.writerIndex
        self.writeStaticString("*0\r\n")
        let words = self.writeWords(capacity: capacity, build)
        guard words > 0 else {
            self.moveWriterIndex(to: start)
            return false
        }
        // The number of words is known only now; one digit of room was left for it.
        let bodyStart = start + 4
        let bodyLength = self.writerIndex - bodyStart
        let shift = RedisCommandWriter.digits(of: UInt64(words)) - 1
        self.writeRepeatingByte(0, count: shift)
        self.withVeryUnsafeMutableBytes { memory in
            guard let base = memory.baseAddress else { return }
            if shift > 0 { (base + bodyStart + shift).copyMemory(from: base + bodyStart, byteCount: bodyLength) }
            let end = RedisCommandWriter.write(decimal: UInt64(words), to: base + start + 1)
            _ = RedisCommandWriter.writeLineEnd(to: end)
        }
        return true
    }
}
