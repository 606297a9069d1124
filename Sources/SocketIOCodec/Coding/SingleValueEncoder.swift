// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

/// One value that is neither object nor array, or another value in its place.
struct SingleValueEncoder: SingleValueEncodingContainer {
    let output: EncodingOutput
    let level: Int

    var codingPath: [any CodingKey] { self.output.path }

    mutating func encodeNil() throws { self.output.writeValue(at: self.level) { JSONWriter.writeNull(into: &$0) } }

    mutating func encode<T: Encodable>(_ value: T) throws { try self.output.encodeValue(value, at: self.level) }

    mutating func encode(_ value: Bool) throws {
        self.output.writeValue(at: self.level) { JSONWriter.write(value, into: &$0) }
    }

    mutating func encode(_ value: String) throws {
        self.output.writeValue(at: self.level) { JSONWriter.write(value, into: &$0) }
    }

    mutating func encode(_ value: Double) throws {
        self.output.writeValue(at: self.level) { JSONWriter.write(value, into: &$0) }
    }

    mutating func encode(_ value: Float) throws {
        self.output.writeValue(at: self.level) { JSONWriter.write(value, into: &$0) }
    }

    private func write(integer value: some FixedWidthInteger) {
        self.output.writeValue(at: self.level) { JSONWriter.write(value, into: &$0) }
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
}
