// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

/// The items of an array, one after the other.
struct UnkeyedValueDecoder: UnkeyedDecodingContainer {
    private let path: DecodingPath
    private let index: ArrayIndex
    private(set) var currentIndex = 0

    init(_ path: DecodingPath, _ index: ArrayIndex) {
        self.path = path
        self.index = index
    }

    var codingPath: [any CodingKey] { self.path.keys }

    var isAtEnd: Bool { self.currentIndex >= self.index.items.count }

    var count: Int? { self.index.items.count }

    /// Gives the next item to the closure and, if that does not throw, goes behind it.
    private mutating func next<T>(_ type: Any.Type, _ body: (Range<Int>, AnyCodingKey) throws -> T) throws -> T {
        let key = AnyCodingKey(intValue: self.currentIndex)
        guard !self.isAtEnd else { throw ValueError(.missing).decodingError(type, at: self.path.keys + [key]) }
        let value = try body(self.index.items[self.currentIndex], key)
        self.currentIndex += 1
        return value
    }

    private mutating func read<T>(_ read: (UnsafeRawBufferPointer?) throws(ValueError) -> T) throws -> T {
        let path = self.path
        return try self.next(T.self) { try path.read($0, $1, read) }
    }

    private mutating func integer<T: FixedWidthInteger>() throws -> T {
        try self.read { text throws(ValueError) in try ValueReading.integer(text) }
    }

    mutating func decodeNil() throws -> Bool {
        let path = self.path
        let isNil = try self.next(Never?.self) { range, _ in ValueReading.isNil(path.source.text(range)) }
        if !isNil { self.currentIndex -= 1 }
        return isNil
    }

    mutating func decode<T: Decodable>(_ type: T.Type) throws -> T {
        let path = self.path
        return try self.next(type) { try path.decode(type, $0, $1) }
    }

    mutating func decode(_ type: Bool.Type) throws -> Bool { try self.read(ValueReading.bool) }
    mutating func decode(_ type: String.Type) throws -> String { try self.read(ValueReading.string) }
    mutating func decode(_ type: Double.Type) throws -> Double { try self.read(ValueReading.double) }
    mutating func decode(_ type: Float.Type) throws -> Float { Float(try self.read(ValueReading.double)) }
    mutating func decode(_ type: Int.Type) throws -> Int { try self.integer() }
    mutating func decode(_ type: Int8.Type) throws -> Int8 { try self.integer() }
    mutating func decode(_ type: Int16.Type) throws -> Int16 { try self.integer() }
    mutating func decode(_ type: Int32.Type) throws -> Int32 { try self.integer() }
    mutating func decode(_ type: Int64.Type) throws -> Int64 { try self.integer() }
    mutating func decode(_ type: UInt.Type) throws -> UInt { try self.integer() }
    mutating func decode(_ type: UInt8.Type) throws -> UInt8 { try self.integer() }
    mutating func decode(_ type: UInt16.Type) throws -> UInt16 { try self.integer() }
    mutating func decode(_ type: UInt32.Type) throws -> UInt32 { try self.integer() }
    mutating func decode(_ type: UInt64.Type) throws -> UInt64 { try self.integer() }

    mutating func nestedContainer<Nested: CodingKey>(
        keyedBy type: Nested.Type
    ) throws -> KeyedDecodingContainer<Nested> {
        let path = self.path
        return try self.next(KeyedDecodingContainer<Nested>.self) {
            try ValueDecoder(path: path.branch($1), range: $0).container(keyedBy: type)
        }
    }

    mutating func nestedUnkeyedContainer() throws -> any UnkeyedDecodingContainer {
        let path = self.path
        return try self.next((any UnkeyedDecodingContainer).self) {
            try ValueDecoder(path: path.branch($1), range: $0).unkeyedContainer()
        }
    }

    mutating func superDecoder() throws -> any Decoder {
        let path = self.path
        return try self.next((any Decoder).self) { ValueDecoder(path: path.branch($1), range: $0) }
    }
}
