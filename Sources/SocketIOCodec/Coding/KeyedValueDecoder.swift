// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

/// The members of an object, by key.
struct KeyedValueDecoder<Key: CodingKey>: KeyedDecodingContainerProtocol {
    private let path: DecodingPath
    private let index: ObjectIndex

    init(_ path: DecodingPath, _ index: ObjectIndex) {
        self.path = path
        self.index = index
    }

    var codingPath: [any CodingKey] { self.path.keys }

    var allKeys: [Key] { self.index.keys.compactMap { Key(stringValue: $0) } }

    func contains(_ key: Key) -> Bool { self.index.value(key.stringValue) != nil }

    private func range(_ key: Key) throws -> Range<Int> {
        if let range = self.index.value(key.stringValue) { return range }
        throw DecodingError.keyNotFound(
            key, .init(codingPath: self.path.keys, debugDescription: "There is no member \"\(key.stringValue)\""))
    }

    func decodeNil(forKey key: Key) throws -> Bool {
        ValueReading.isNil(self.path.source.text(try self.range(key)))
    }

    func decode<T: Decodable>(_ type: T.Type, forKey key: Key) throws -> T {
        try self.path.decode(type, try self.range(key), key)
    }

    func decode(_ type: Bool.Type, forKey key: Key) throws -> Bool {
        try self.path.read(try self.range(key), key, ValueReading.bool)
    }

    func decode(_ type: String.Type, forKey key: Key) throws -> String {
        try self.path.read(try self.range(key), key, ValueReading.string)
    }

    func decode(_ type: Double.Type, forKey key: Key) throws -> Double {
        try self.path.read(try self.range(key), key, ValueReading.double)
    }

    func decode(_ type: Float.Type, forKey key: Key) throws -> Float {
        Float(try self.path.read(try self.range(key), key, ValueReading.double))
    }

    private func integer<T: FixedWidthInteger>(_ key: Key) throws -> T {
        try self.path.read(try self.range(key), key) { text throws(ValueError) in try ValueReading.integer(text) }
    }

    func decode(_ type: Int.Type, forKey key: Key) throws -> Int { try self.integer(key) }
    func decode(_ type: Int8.Type, forKey key: Key) throws -> Int8 { try self.integer(key) }
    func decode(_ type: Int16.Type, forKey key: Key) throws -> Int16 { try self.integer(key) }
    func decode(_ type: Int32.Type, forKey key: Key) throws -> Int32 { try self.integer(key) }
    func decode(_ type: Int64.Type, forKey key: Key) throws -> Int64 { try self.integer(key) }
    func decode(_ type: UInt.Type, forKey key: Key) throws -> UInt { try self.integer(key) }
    func decode(_ type: UInt8.Type, forKey key: Key) throws -> UInt8 { try self.integer(key) }
    func decode(_ type: UInt16.Type, forKey key: Key) throws -> UInt16 { try self.integer(key) }
    func decode(_ type: UInt32.Type, forKey key: Key) throws -> UInt32 { try self.integer(key) }
    func decode(_ type: UInt64.Type, forKey key: Key) throws -> UInt64 { try self.integer(key) }

    func nestedContainer<Nested: CodingKey>(
        keyedBy type: Nested.Type, forKey key: Key
    ) throws -> KeyedDecodingContainer<Nested> {
        try self.decoder(key, at: try self.range(key)).container(keyedBy: type)
    }

    func nestedUnkeyedContainer(forKey key: Key) throws -> any UnkeyedDecodingContainer {
        try self.decoder(key, at: try self.range(key)).unkeyedContainer()
    }

    func superDecoder() throws -> any Decoder {
        let key = AnyCodingKey(stringValue: "super")
        return self.decoder(key, at: self.index.value(key.stringValue))
    }

    func superDecoder(forKey key: Key) throws -> any Decoder {
        self.decoder(key, at: self.index.value(key.stringValue))
    }

    private func decoder(_ key: any CodingKey, at range: Range<Int>?) -> ValueDecoder {
        ValueDecoder(path: self.path.branch(key), range: range)
    }
}
