// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

/// The members of an object that is being written.
struct KeyedValueEncoder<Key: CodingKey>: KeyedEncodingContainerProtocol {
    let output: EncodingOutput
    let level: Int

    var codingPath: [any CodingKey] { self.output.path }

    mutating func encodeNil(forKey key: Key) throws {
        self.output.writeItem(at: self.level, key: key.stringValue) { buffer, _ in JSONWriter.writeNull(into: &buffer) }
    }

    mutating func encode<T: Encodable>(_ value: T, forKey key: Key) throws {
        try self.output.encodeItem(value, at: self.level, key: key.stringValue, pathKey: key)
    }

    mutating func encode(_ value: Bool, forKey key: Key) throws {
        self.output.writeItem(at: self.level, key: key.stringValue) { buffer, _ in
            JSONWriter.write(value, into: &buffer)
        }
    }

    mutating func encode(_ value: String, forKey key: Key) throws {
        self.output.writeItem(at: self.level, key: key.stringValue) { buffer, _ in
            JSONWriter.write(value, into: &buffer)
        }
    }

    mutating func encode(_ value: Double, forKey key: Key) throws {
        self.output.writeItem(at: self.level, key: key.stringValue) { buffer, _ in
            JSONWriter.write(value, into: &buffer)
        }
    }

    mutating func encode(_ value: Float, forKey key: Key) throws {
        self.output.writeItem(at: self.level, key: key.stringValue) { buffer, _ in
            JSONWriter.write(value, into: &buffer)
        }
    }

    private func write(integer value: some FixedWidthInteger, _ key: Key) {
        self.output.writeItem(at: self.level, key: key.stringValue) { buffer, _ in
            JSONWriter.write(value, into: &buffer)
        }
    }

    mutating func encode(_ value: Int, forKey key: Key) throws { self.write(integer: value, key) }
    mutating func encode(_ value: Int8, forKey key: Key) throws { self.write(integer: value, key) }
    mutating func encode(_ value: Int16, forKey key: Key) throws { self.write(integer: value, key) }
    mutating func encode(_ value: Int32, forKey key: Key) throws { self.write(integer: value, key) }
    mutating func encode(_ value: Int64, forKey key: Key) throws { self.write(integer: value, key) }
    mutating func encode(_ value: UInt, forKey key: Key) throws { self.write(integer: value, key) }
    mutating func encode(_ value: UInt8, forKey key: Key) throws { self.write(integer: value, key) }
    mutating func encode(_ value: UInt16, forKey key: Key) throws { self.write(integer: value, key) }
    mutating func encode(_ value: UInt32, forKey key: Key) throws { self.write(integer: value, key) }
    mutating func encode(_ value: UInt64, forKey key: Key) throws { self.write(integer: value, key) }

    mutating func nestedContainer<Nested: CodingKey>(
        keyedBy type: Nested.Type, forKey key: Key
    ) -> KeyedEncodingContainer<Nested> {
        self.encoder(key).container(keyedBy: type)
    }

    mutating func nestedUnkeyedContainer(forKey key: Key) -> any UnkeyedEncodingContainer {
        self.encoder(key).unkeyedContainer()
    }

    mutating func superEncoder() -> any Encoder { self.encoder(AnyCodingKey(stringValue: "super")) }

    mutating func superEncoder(forKey key: Key) -> any Encoder { self.encoder(key) }

    private func encoder(_ key: any CodingKey) -> ValueEncoder {
        ValueEncoder(output: self.output.branch(at: self.level, key: key.stringValue, pathKey: key), level: 0)
    }
}
