// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

import NIOCore

/// The text of one value while it is being written, with the containers that are open in it.
///
/// Level 0 is the value itself, each container's item is one level above the container. Whoever writes to a level first closes
/// what is open above it. Containers that a type asks for by `nestedContainer` or `superEncoder` may be written to at any time,
/// in any order: each has an output of its own, whose text is put into its place at the end.
final class EncodingOutput {
    enum Kind {
        case nothing, scalar, array, object
    }

    private struct Level {
        var kind = Kind.nothing
        var count = 0
    }

    /// What must be undone when an item's encoding throws, and its type goes on without it.
    private struct Checkpoint {
        let length: Int
        let level: Level
        let splices: Int
        let attachments: Int
    }

    let session: EncodingSession
    /// The keys that lead to the value that is being encoded.
    private(set) var path: [any CodingKey]
    private var buffer: ByteBuffer
    /// Where the text begins in the buffer.
    private let start: Int
    private var levels = [Level()]
    private var splices: [(place: Int, output: EncodingOutput)] = []

    /// Appends to a buffer, which should not be shared with anybody.
    init(_ session: EncodingSession, path: [any CodingKey], buffer: consuming ByteBuffer) {
        self.session = session
        self.path = path
        self.buffer = buffer
        self.start = self.buffer.writerIndex
    }

    /// Whether nothing was encoded.
    var isEmpty: Bool { self.buffer.writerIndex == self.start && self.splices.isEmpty }

    /// Gives the buffer away: with the text if it is wanted, else as it was. The output must not be used afterwards.
    func takeBuffer(withText: Bool) -> ByteBuffer {
        var result = ByteBuffer()
        swap(&result, &self.buffer)
        if !withText {
            result.moveWriterIndex(to: self.start)
        } else if !self.splices.isEmpty {
            let text = self.copyText(of: result)
            result.moveWriterIndex(to: self.start)
            self.write(text, into: &result)
        }
        return result
    }

    /// A copy: a slice would share the caller's buffer, so that the next write copies all of that.
    private func copyText(of buffer: borrowing ByteBuffer) -> ByteBuffer {
        let view = buffer.viewBytes(at: self.start, length: buffer.writerIndex - self.start)
        return view.map { ByteBuffer(bytes: $0) } ?? ByteBuffer()
    }

    /// How many items the container of a level has.
    func count(at level: Int) -> Int { self.levels.indices.contains(level) ? self.levels[level].count : 0 }

    /// Opens a container at a level, or goes on with the one that is there.
    func open(_ kind: Kind, at level: Int) {
        guard self.close(above: level) else { return }
        if self.levels[level].kind == kind { return }
        guard self.levels[level].kind == .nothing else {
            return self.session.fail(self.path, "One value was encoded in several ways")
        }
        self.levels[level].kind = kind
        self.buffer.writeInteger(kind == .object ? ASCII.openBrace : ASCII.openBracket)
    }

    /// Closes all levels from the topmost one down to this one.
    func close(downTo level: Int) {
        while self.levels.count > level, let last = self.levels.popLast() {
            switch last.kind {
            case .object: self.buffer.writeInteger(ASCII.closeBrace)
            case .array: self.buffer.writeInteger(ASCII.closeBracket)
            case .scalar, .nothing: break
            }
        }
    }

    /// Closes what is open above a level; false when the level itself was closed, which only an encoder that outlives
    /// its call can meet.
    private func close(above level: Int) -> Bool {
        guard level < self.levels.count else {
            self.session.fail(self.path, "An encoder was used after its value")
            return false
        }
        self.close(downTo: level + 1)
        return true
    }

    /// Writes an item of the container at a level: the comma and the key, then what the closure writes.
    func writeItem(at level: Int, key: String?, _ body: (inout ByteBuffer, inout [ByteBuffer]) -> Void) {
        guard self.beginItem(at: level, key: key) else { return }
        body(&self.buffer, &self.session.attachments)
    }

    /// Encodes any value as an item of the container at a level.
    func encodeItem<T: Encodable>(_ value: T, at level: Int, key: String?, pathKey: @autoclosure () -> any CodingKey)
        throws
    {
        guard self.close(above: level) else { return }
        let checkpoint = Checkpoint(
            length: self.buffer.writerIndex, level: self.levels[level], splices: self.splices.count,
            attachments: self.session.attachments.count)
        guard self.beginItem(at: level, key: key) else { return }
        if let kind = DirectKind(T.self) {
            return DirectEncoding.encode(kind, value, into: &self.buffer, &self.session.attachments)
        }
        self.path.append(pathKey())
        defer { self.path.removeLast() }
        self.levels.append(Level())
        do {
            try value.encode(to: ValueEncoder(output: self, level: level + 1))
            self.closeItem(at: level + 1)
        } catch {
            self.restore(checkpoint, at: level)
            throw error
        }
    }

    /// Encodes any value as the whole of what a level holds.
    func encodeValue<T: Encodable>(_ value: T, at level: Int) throws {
        guard self.close(above: level) else { return }
        guard self.levels[level].kind == .nothing else {
            return self.session.fail(self.path, "One value was encoded in several ways")
        }
        if let kind = DirectKind(T.self) {
            DirectEncoding.encode(kind, value, into: &self.buffer, &self.session.attachments)
            self.levels[level].kind = .scalar
        } else {
            try value.encode(to: ValueEncoder(output: self, level: level))
        }
    }

    /// Writes a scalar as the whole of what a level holds.
    func writeValue(at level: Int, _ body: (inout ByteBuffer) -> Void) {
        guard self.close(above: level) else { return }
        guard self.levels[level].kind == .nothing else {
            return self.session.fail(self.path, "One value was encoded in several ways")
        }
        self.levels[level].kind = .scalar
        body(&self.buffer)
    }

    /// Begins an item that is written later, into an output of its own.
    func branch(at level: Int, key: String?, pathKey: any CodingKey) -> EncodingOutput {
        var buffer = ByteBuffer()
        buffer.reserveCapacity(128)
        let output = EncodingOutput(self.session, path: self.path + [pathKey], buffer: buffer)
        if self.beginItem(at: level, key: key) { self.splices.append((self.buffer.writerIndex, output)) }
        return output
    }

    /// Appends this output's text with those of the outputs that branch off it, after everything was closed.
    private func write(_ text: ByteBuffer, into target: inout ByteBuffer) {
        var rest = text
        var place = self.start
        for splice in self.splices {
            if var part = rest.readSlice(length: splice.place - place) { target.writeBuffer(&part) }
            place = splice.place
            splice.output.close(downTo: 0)
            if splice.output.isEmpty {
                target.writeStaticString("{}")
            } else {
                splice.output.write(splice.output.buffer, into: &target)
            }
        }
        target.writeBuffer(&rest)
    }

    private func beginItem(at level: Int, key: String?) -> Bool {
        guard self.close(above: level) else { return false }
        guard self.levels[level].kind == (key == nil ? .array : .object) else {
            self.session.fail(self.path, "One value was encoded in several ways")
            return false
        }
        let isFirst = self.levels[level].count == 0
        self.levels[level].count += 1
        if let key {
            self.writeKey(key, isFirst: isFirst)
        } else if !isFirst {
            self.buffer.writeInteger(ASCII.comma)
        }
        return true
    }

    private func writeKey(_ key: String, isFirst: Bool) {
        var key = key
        key.withUTF8 { utf8 in
            let bytes = UnsafeRawBufferPointer(utf8)
            let length = JSONSink.quotedLength(bytes)
            JSONWriter.put(into: &self.buffer, room: length + 2) { sink in
                if !isFirst { sink.put(ASCII.comma) }
                sink.putQuoted(bytes, length: length)
                sink.put(ASCII.colon)
            }
        }
    }

    /// Closes the levels of an item; one that encoded nothing is an empty object, as Foundation has it.
    private func closeItem(at level: Int) {
        if self.levels.count > level, self.levels[level].kind == .nothing { self.buffer.writeStaticString("{}") }
        self.close(downTo: level)
    }

    private func restore(_ checkpoint: Checkpoint, at level: Int) {
        self.buffer.moveWriterIndex(to: checkpoint.length)
        self.levels.removeSubrange(min(level + 1, self.levels.count)...)
        if level < self.levels.count { self.levels[level] = checkpoint.level }
        self.splices.removeSubrange(min(checkpoint.splices, self.splices.count)...)
        let surplus = self.session.attachments.count - checkpoint.attachments
        if surplus > 0 { self.session.attachments.removeLast(surplus) }
    }
}
