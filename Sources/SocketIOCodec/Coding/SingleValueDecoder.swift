// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

/// One value that is neither object nor array.
struct SingleValueDecoder: SingleValueDecodingContainer {
    let path: DecodingPath
    let range: Range<Int>?

    var codingPath: [any CodingKey] { self.path.keys }

    func decodeNil() -> Bool { ValueReading.isNil(self.path.source.text(self.range)) }

    func decode<T: Decodable>(_ type: T.Type) throws -> T {
        guard let kind = DirectKind(type) else {
            return try T(from: ValueDecoder(path: self.path, range: self.range))
        }
        return try self.read { text throws(ValueError) in
            try DirectDecoding.decode(kind, type, text, self.path.source.attachments)
        }
    }

    private func read<T>(_ read: (UnsafeRawBufferPointer?) throws(ValueError) -> T) throws -> T {
        try self.path.read(self.range, nil, read)
    }

    private func integer<T: FixedWidthInteger>() throws -> T {
        try self.read { text throws(ValueError) in try ValueReading.integer(text) }
    }

    func decode(_ type: Bool.Type) throws -> Bool { try self.read(ValueReading.bool) }
    func decode(_ type: String.Type) throws -> String { try self.read(ValueReading.string) }
    func decode(_ type: Double.Type) throws -> Double { try self.read(ValueReading.double) }
    func decode(_ type: Float.Type) throws -> Float { Float(try self.read(ValueReading.double)) }
    func decode(_ type: Int.Type) throws -> Int { try self.integer() }
    func decode(_ type: Int8.Type) throws -> Int8 { try self.integer() }
    func decode(_ type: Int16.Type) throws -> Int16 { try self.integer() }
    func decode(_ type: Int32.Type) throws -> Int32 { try self.integer() }
    func decode(_ type: Int64.Type) throws -> Int64 { try self.integer() }
    func decode(_ type: UInt.Type) throws -> UInt { try self.integer() }
    func decode(_ type: UInt8.Type) throws -> UInt8 { try self.integer() }
    func decode(_ type: UInt16.Type) throws -> UInt16 { try self.integer() }
    func decode(_ type: UInt32.Type) throws -> UInt32 { try self.integer() }
    func decode(_ type: UInt64.Type) throws -> UInt64 { try self.integer() }
}
