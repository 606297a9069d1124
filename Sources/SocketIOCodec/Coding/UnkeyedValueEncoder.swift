// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

/// The items of an array that is being written.
struct UnkeyedValueEncoder: UnkeyedEncodingContainer {
    let output: EncodingOutput
    let level: Int

    var codingPath: [any CodingKey] { self.output.path }

    var count: Int { self.output.count(at: self.level) }

    mutating func encodeNil() throws {
        self.output.writeItem(at: self.level, key: nil) { buffer, _ in JSONWriter.writeNull(into: &buffer) }
    }

    mutating func encode<T: Encodable>(_ value: T) throws {
        // The key is only made where it is needed, when the item counts already.
        try self.output.encodeItem(value, at: self.level, key: nil, pathKey: AnyCodingKey(intValue: self.count - 1))
    }

    mutating func encode(_ value: Bool) throws {
        self.output.writeItem(at: self.level, key: nil) { buffer, _ in JSONWriter.write(value, into: &buffer) }
    }

    mutating func encode(_ value: String) throws {
        self.output.writeItem(at: self.level, key: nil) { buffer, _ in JSONWriter.write(value, into: &buffer) }
    }

    mutating func encode(_ value: Double) throws {
        self.output.writeItem(at: self.level, key: nil) { buffer, _ in JSONWriter.write(value, into: &buffer) }
    }

    mutating func encode(_ value: Float) throws {
        self.output.writeItem(at: self.level, key: nil) { buffer, _ in JSONWriter.write(value, into: &buffer) }
    }

    private func write(integer value: some FixedWidthInteger) {
        self.output.writeItem(at: self.level, key: nil) { buffer, _ in JSONWriter.write(value, into: &buffer) }
    }

    mutating func encode(_ value: Int) throws { self.write(integer: value) }
    mutating func encode(_ value: Int8) throws { self.write(integer: value) }
    mutating func encode(_ value: Int16) throws { self.write(integer: value) }
    mutating func encode(_ value: Int32) throws { self.write(integer: value) }
    mutating func encode(_ value: Int64) throws { self.write(integer: value) }
    mutating func encode(_ value: UInt) throws { self.write(integer: value) }
    mutating func encode(_ value: UInt8) throws { self.write(integer: value) }
    mutating func encode(_ value: UInt16) throws { self.write(integer: value) }
    mutating func encode(_ value: UInt32) throws { self.write(integer: value) }
    mutating func encode(_ value: UInt64) throws { self.write(integer: value) }

    mutating func nestedContainer<Nested: CodingKey>(keyedBy type: Nested.Type) -> KeyedEncodingContainer<Nested> {
        self.encoder().container(keyedBy: type)
    }

    mutating func nestedUnkeyedContainer() -> any UnkeyedEncodingContainer { self.encoder().unkeyedContainer() }

    mutating func superEncoder() -> any Encoder { self.encoder() }

    private func encoder() -> ValueEncoder {
        let key = AnyCodingKey(intValue: self.count)
        return ValueEncoder(output: self.output.branch(at: self.level, key: nil, pathKey: key), level: 0)
    }
}
