// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

import NIOCore
import SocketIOCodec

/// All that reads or writes JSON agrees about every text.
enum JSONProperties {
    static func check(_ bytes: UnsafeRawBufferPointer) throws {
        let isAccepted = (try? JSONScanner.validate(bytes)) != nil
        let tree = try? JSONReader.value(bytes)
        try requireEqual(isAccepted, tree != nil, "what is valid can be read")
        _ = try? JSONScanner.validatePlaceholders(bytes, attachmentCount: 1)
        // In front of the readers stands the check of UTF-8.
        guard let tree, String(validating: bytes, as: UTF8.self) != nil else { return }
        try self.checkWriting(tree)
        try self.checkSlices(bytes, tree)
        try self.checkTranscoding(bytes, tree)
        try self.checkDecoding(bytes, tree)
    }

    /// What was read and written reads the same.
    private static func checkWriting(_ tree: SocketValue) throws {
        var text = ByteBuffer()
        var attachments: [ByteBuffer] = []
        JSONWriter.write(tree, into: &text, attachments: &attachments)
        let again = try text.withUnsafeReadableBytes { try JSONReader.value($0) }
        try requireEqual(normalized(again), normalized(tree), "what was written reads the same")
        try require(attachments.isEmpty, "JSON has no binary")
    }

    /// The slices of a container are its items.
    private static func checkSlices(_ bytes: UnsafeRawBufferPointer, _ tree: SocketValue) throws {
        switch tree {
        case .array(let items):
            let inner = try JSONScanner.validateArray(bytes)
            let slices = try ArgumentSlices(inner).map { try JSONReader.value($0) }
            try requireEqual(slices.map(normalized), items.map(normalized), "the slices of an array are its items")
        case .object(let members):
            guard let slices = MemberSlices(bytes) else { throw Finding(description: "an object has members") }
            var read: [String: SocketValue] = [:]
            for (key, value) in slices {
                guard let key = try JSONReader.value(key).stringValue else {
                    throw Finding(description: "a key is a string")
                }
                read[key] = try JSONReader.value(value)
            }
            try requireEqual(normalized(.object(read)), normalized(.object(members)), "the members of an object")
        default:
            try require(MemberSlices(bytes) == nil, "only an object has members")
        }
    }

    /// MessagePack made from the text holds the same.
    private static func checkTranscoding(_ bytes: UnsafeRawBufferPointer, _ tree: SocketValue) throws {
        var packed = ByteBuffer()
        try MessagePackTranscoder.write(json: bytes, attachments: [], into: &packed)
        let read = try packed.withUnsafeReadableBytes { packed in
            var reader = MessagePackReader(packed)
            let value = try reader.readValue()
            try require(reader.isAtEnd, "MessagePack made from JSON is one value")
            return value
        }
        try requireEqual(normalized(read), normalized(tree), "MessagePack made from JSON holds the same")
        var text = ByteBuffer()
        var attachments: [ByteBuffer] = []
        try packed.withUnsafeReadableBytes { packed in
            var reader = MessagePackReader(packed)
            try MessagePackTranscoder.writeJSON(from: &reader, into: &text, attachments: &attachments)
        }
        let back = try text.withUnsafeReadableBytes { try JSONReader.value($0) }
        try requireEqual(normalized(back), normalized(tree), "JSON made from it holds the same")
    }

    private struct Shape: Codable, Equatable {
        struct Inner: Codable, Equatable {
            var a: Double?
            var b: [Int16]?
        }
        var a: Int?
        var b: String?
        var c: [Inner]?
        var d: [String: Bool]?
    }

    /// Decoding a value that Codable types describe gives the reader's value; what is decoded can be encoded and decoded.
    private static func checkDecoding(_ bytes: UnsafeRawBufferPointer, _ tree: SocketValue) throws {
        let decoded = try SocketDecoder.decode(SocketValue.self, from: bytes, attachments: [])
        try requireEqual(normalized(decoded), normalized(tree), "the decoder reads what the reader reads")
        if let text = try? SocketDecoder.decode(String.self, from: bytes, attachments: []) {
            try requireEqual(.string(text), tree, "a string")
        }
        if let number = try? SocketDecoder.decode(Double.self, from: bytes, attachments: []) {
            try requireEqual(number, tree.doubleValue, "a double")
        }
        if let number = try? SocketDecoder.decode(Int.self, from: bytes, attachments: []) {
            try requireEqual(number, tree.intValue, "an integer")
        }
        _ = try? SocketDecoder.decode([UInt8].self, from: bytes, attachments: [])
        _ = try? SocketDecoder.decode([String: [Float]].self, from: bytes, attachments: [])
        guard let shape = try? SocketDecoder.decode(Shape.self, from: bytes, attachments: []) else { return }
        // An infinite number is written as null.
        guard shape.c?.allSatisfy({ $0.a?.isFinite ?? true }) ?? true else { return }
        var text = ByteBuffer()
        var attachments: [ByteBuffer] = []
        try SocketEncoder.encode(shape, into: &text, attachments: &attachments)
        let again = try text.withUnsafeReadableBytes {
            try SocketDecoder.decode(Shape.self, from: $0, attachments: [])
        }
        try requireEqual(again, shape, "what was encoded decodes the same")
    }
}

/// A value as JavaScript has it: integers are doubles beyond 2^53, and below it a double without a fraction is an integer;
/// `null` is what JSON cannot write.
func normalized(_ value: SocketValue) -> SocketValue {
    switch value {
    case .int(let integer): return integer.magnitude <= 1 << 53 ? value : .double(Double(integer))
    case .double(let number):
        guard number.isFinite else { return .null }
        if number.magnitude <= 0x1p53, let integer = Int64(exactly: number) { return .int(integer) }
        return value
    case .array(let items): return .array(items.map(normalized))
    case .object(let members): return .object(members.mapValues(normalized))
    default: return value
    }
}
