// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

/// Walks MessagePack in memory, as notepack.io and its relatives write it.
///
/// Every length is checked against the bytes that are left before anything is made of it. After a thrown error the place is
/// undefined. The bytes must outlive the reader and the slices that it gives.
package struct MessagePackReader {
    private let bytes: UnsafeRawBufferPointer
    private var index = 0
    /// Binary values that ``skipValue()`` and ``readSlice()`` went past.
    private(set) var binariesSkipped = 0
    /// Containers inside each other that ``readValue()`` and ``skipValue()`` allow.
    let maximumDepth: Int

    /// Starts at the first byte.
    package init(_ bytes: UnsafeRawBufferPointer, maximumDepth: Int = JSONScanner.defaultMaximumDepth) {
        self.bytes = bytes
        self.maximumDepth = maximumDepth
    }

    /// Whether all bytes were read.
    package var isAtEnd: Bool { self.index >= self.bytes.count }

    /// The bytes that are left.
    package var remaining: Int { self.bytes.count - self.index }

    /// What kind of value comes next.
    package enum Kind: Hashable, Sendable {
        case null, bool, number, string, binary, array, map
        /// An extension type: notepack's `undefined`, dates, binary of an `ArrayBuffer`.
        case ext
    }

    /// The kind of the next value, without reading it.
    package func nextKind() throws(MessagePackError) -> Kind {
        switch try self.peek() {
        case 0x00...0x7F, 0xE0...0xFF, 0xCA...0xD3: .number
        case 0x80...0x8F, 0xDE, 0xDF: .map
        case 0x90...0x9F, 0xDC, 0xDD: .array
        case 0xA0...0xBF, 0xD9...0xDB: .string
        case 0xC0: .null
        case 0xC2, 0xC3: .bool
        case 0xC4...0xC6: .binary
        case 0xC7...0xC9, 0xD4...0xD8: .ext
        default: throw .unexpectedType
        }
    }

    /// Reads the header of an array and returns how many values follow.
    package mutating func readArrayHeader() throws(MessagePackError) -> Int {
        let type = try self.readByte()
        let count: Int
        switch type {
        case 0x90...0x9F: count = Int(type & 0x0F)
        case 0xDC: count = Int(try self.readInteger(UInt16.self))
        case 0xDD: count = Int(try self.readInteger(UInt32.self))
        default: throw .unexpectedType
        }
        // No value is shorter than a byte.
        guard count <= self.remaining else { throw .unexpectedEnd }
        return count
    }

    /// Reads the header of a map and returns how many pairs of key and value follow.
    package mutating func readMapHeader() throws(MessagePackError) -> Int {
        let type = try self.readByte()
        let count: Int
        switch type {
        case 0x80...0x8F: count = Int(type & 0x0F)
        case 0xDE: count = Int(try self.readInteger(UInt16.self))
        case 0xDF: count = Int(try self.readInteger(UInt32.self))
        default: throw .unexpectedType
        }
        guard count <= self.remaining / 2 else { throw .unexpectedEnd }
        return count
    }

    /// Reads a string and returns its bytes, which need not be well-formed UTF-8.
    package mutating func readString() throws(MessagePackError) -> UnsafeRawBufferPointer {
        let type = try self.readByte()
        switch type {
        case 0xA0...0xBF: return try self.readBytes(Int(type & 0x1F))
        case 0xD9: return try self.readBytes(Int(try self.readInteger(UInt8.self)))
        case 0xDA: return try self.readBytes(Int(try self.readInteger(UInt16.self)))
        case 0xDB: return try self.readBytes(Int(try self.readInteger(UInt32.self)))
        default: throw .unexpectedType
        }
    }

    /// Reads a bin and returns its bytes.
    package mutating func readBinary() throws(MessagePackError) -> UnsafeRawBufferPointer {
        switch try self.readByte() {
        case 0xC4: return try self.readBytes(Int(try self.readInteger(UInt8.self)))
        case 0xC5: return try self.readBytes(Int(try self.readInteger(UInt16.self)))
        case 0xC6: return try self.readBytes(Int(try self.readInteger(UInt32.self)))
        default: throw .unexpectedType
        }
    }

    /// Reads a boolean.
    package mutating func readBool() throws(MessagePackError) -> Bool {
        switch try self.readByte() {
        case 0xC2: return false
        case 0xC3: return true
        default: throw .unexpectedType
        }
    }

    /// Reads a number that is an integer, in whatever form.
    package mutating func readInteger() throws(MessagePackError) -> Int64 {
        switch try self.readNumber() {
        case .integer(let value): return value
        case .double(let value):
            guard let integer = Int64(exactly: value) else { throw .unexpectedType }
            return integer
        }
    }

    enum Number {
        case integer(Int64)
        case double(Double)
    }

    /// Reads a number; one above `Int64.max` is a double.
    mutating func readNumber() throws(MessagePackError) -> Number {
        let type = try self.readByte()
        switch type {
        case 0x00...0x7F, 0xE0...0xFF: return .integer(Int64(Int8(bitPattern: type)))
        case 0xCA: return .double(Double(Float(bitPattern: try self.readInteger(UInt32.self))))
        case 0xCB: return .double(Double(bitPattern: try self.readInteger(UInt64.self)))
        case 0xCC: return .integer(Int64(try self.readInteger(UInt8.self)))
        case 0xCD: return .integer(Int64(try self.readInteger(UInt16.self)))
        case 0xCE: return .integer(Int64(try self.readInteger(UInt32.self)))
        case 0xCF:
            let value = try self.readInteger(UInt64.self)
            return Int64(exactly: value).map { .integer($0) } ?? .double(Double(value))
        case 0xD0: return .integer(Int64(try self.readInteger(Int8.self)))
        case 0xD1: return .integer(Int64(try self.readInteger(Int16.self)))
        case 0xD2: return .integer(Int64(try self.readInteger(Int32.self)))
        case 0xD3: return .integer(try self.readInteger(Int64.self))
        default: throw .unexpectedType
        }
    }

    /// Reads nil.
    package mutating func readNil() throws(MessagePackError) {
        guard try self.readByte() == 0xC0 else { throw .unexpectedType }
    }

    /// Reads past one value of any kind.
    package mutating func skipValue() throws(MessagePackError) {
        _ = try self.readSlice()
    }

    /// Reads past one value of any kind and returns its bytes.
    package mutating func readSlice() throws(MessagePackError) -> UnsafeRawBufferPointer {
        let start = self.index
        try self.skip(depth: self.maximumDepth)
        return self.bytes.part(from: start, to: self.index)
    }

    private mutating func skip(depth: Int) throws(MessagePackError) {
        switch try self.nextKind() {
        case .null, .bool: self.index &+= 1
        case .number: _ = try self.readNumber()
        case .string: _ = try self.readString()
        case .binary:
            _ = try self.readBinary()
            self.binariesSkipped &+= 1
        case .ext:
            _ = try self.readExtension()
            self.binariesSkipped &+= 1
        case .array: try self.skip(count: try self.readArrayHeader(), depth: depth)
        case .map: try self.skip(count: 2 * (try self.readMapHeader()), depth: depth)
        }
    }

    private mutating func skip(count: Int, depth: Int) throws(MessagePackError) {
        guard depth > 0 else { throw .tooDeep }
        for _ in 0..<count { try self.skip(depth: depth - 1) }
    }

    /// An extension value: its type, whether the length is in the type byte (fixext), and its bytes.
    struct Extension {
        var type: Int8
        var isFixed: Bool
        var bytes: UnsafeRawBufferPointer
    }

    mutating func readExtension() throws(MessagePackError) -> Extension {
        let form = try self.readByte()
        let count: Int
        switch form {
        case 0xC7: count = Int(try self.readInteger(UInt8.self))
        case 0xC8: count = Int(try self.readInteger(UInt16.self))
        case 0xC9: count = Int(try self.readInteger(UInt32.self))
        case 0xD4...0xD8: count = 1 << Int(form - 0xD4)
        default: throw .unexpectedType
        }
        let type = try self.readInteger(Int8.self)
        return Extension(type: type, isFixed: form >= 0xD4, bytes: try self.readBytes(count))
    }

    /// Whether notepack's form of `undefined` comes next.
    var isUndefinedNext: Bool {
        self.remaining >= 3 && self.bytes[self.index] == 0xD4 && self.bytes[self.index &+ 1] == 0
            && self.bytes[self.index &+ 2] == 0
    }

    private func peek() throws(MessagePackError) -> UInt8 {
        guard self.index < self.bytes.count else { throw .unexpectedEnd }
        return self.bytes[self.index]
    }

    private mutating func readByte() throws(MessagePackError) -> UInt8 {
        let byte = try self.peek()
        self.index &+= 1
        return byte
    }

    private mutating func readInteger<T: FixedWidthInteger & BitwiseCopyable>(
        _ type: T.Type
    ) throws(MessagePackError) -> T {
        let size = MemoryLayout<T>.size
        guard size <= self.remaining else { throw .unexpectedEnd }
        defer { self.index &+= size }
        return T(bigEndian: self.bytes.loadUnaligned(fromByteOffset: self.index, as: T.self))
    }

    private mutating func readBytes(_ count: Int) throws(MessagePackError) -> UnsafeRawBufferPointer {
        guard count <= self.remaining else { throw .unexpectedEnd }
        defer { self.index &+= count }
        return self.bytes.part(from: self.index, to: self.index &+ count)
    }
}
