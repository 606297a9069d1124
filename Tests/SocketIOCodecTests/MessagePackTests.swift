// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

import NIOCore
import SocketIOCodec
import Testing

/// A value and the bytes that notepack.io writes for it.
struct Vector: Sendable, CustomTestStringConvertible {
    let hexadecimal: String
    let value: SocketValue
    let json: String

    init(_ hexadecimal: String, _ value: SocketValue, _ json: String) {
        self.hexadecimal = hexadecimal
        self.value = value
        self.json = json
    }

    var testDescription: String { "\(self.hexadecimal.prefix(40)) \(self.json.prefix(40))" }
}

@Suite struct MessagePackTests {
    static let vectors: [Vector] =
        [
            Vector("c0", .null, "null"), Vector("c2", false, "false"), Vector("c3", true, "true"), Vector("00", 0, "0"),
            Vector("7f", 127, "127"), Vector("cc80", 128, "128"), Vector("ccff", 255, "255"),
            Vector("cd0100", 256, "256"),
            Vector("cdffff", 65535, "65535"), Vector("ce00010000", 65536, "65536"),
            Vector("ceffffffff", 4_294_967_295, "4294967295"),
            Vector("cf0000000100000000", 4_294_967_296, "4294967296"),
            Vector("cf7fffffffffffffff", .int(.max), "9223372036854775807"),
            Vector("ff", -1, "-1"), Vector("e0", -32, "-32"), Vector("d0df", -33, "-33"), Vector("d080", -128, "-128"),
            Vector("d1ff7f", -129, "-129"), Vector("d18000", -32768, "-32768"), Vector("d2ffff7fff", -32769, "-32769"),
            Vector("d280000000", -2_147_483_648, "-2147483648"),
            Vector("d3ffffffff7fffffff", -2_147_483_649, "-2147483649"),
            Vector("d38000000000000000", .int(.min), "-9223372036854775808"), Vector("cb3ff8000000000000", 1.5, "1.5"),
            Vector("cbbfb999999999999a", -0.1, "-0.1"),
            Vector("cb43f0000000000000", .double(18_446_744_073_709_551_616), "18446744073709552000"),
            Vector("cb7e37e43c8800759c", .double(1e300), "1e+300"),
            Vector("a0", "", #""""#), Vector("a568656c6c6f", "hello", #""hello""#),
            Vector("a6eab080eb8298", "가나", #""가나""#),
            Vector(
                "bf" + String(repeating: "61", count: 31), .string(String(repeating: "a", count: 31)),
                "\"" + String(repeating: "a", count: 31) + "\""),
            Vector(
                "d920" + String(repeating: "61", count: 32), .string(String(repeating: "a", count: 32)),
                "\"" + String(repeating: "a", count: 32) + "\""),
            Vector(
                "da0100" + String(repeating: "61", count: 256), .string(String(repeating: "a", count: 256)),
                "\"" + String(repeating: "a", count: 256) + "\""),
            Vector(
                "db00010000" + String(repeating: "61", count: 65536), .string(String(repeating: "a", count: 65536)),
                "\"" + String(repeating: "a", count: 65536) + "\""),
            Vector("a3610a22", "a\n\"", #""a\n\"""#),
            Vector("90", [], "[]"), Vector("9301a13290", [1, "2", []], #"[1,"2",[]]"#),
            Vector(
                "9f" + String(repeating: "00", count: 15), .array(Array(repeating: 0, count: 15)),
                "[" + Array(repeating: "0", count: 15).joined(separator: ",") + "]"),
            Vector(
                "dc0010" + String(repeating: "00", count: 16), .array(Array(repeating: 0, count: 16)),
                "[" + Array(repeating: "0", count: 16).joined(separator: ",") + "]"),
            Vector(
                "dd00010000" + String(repeating: "c0", count: 65536), .array(Array(repeating: .null, count: 65536)),
                "[" + Array(repeating: "null", count: 65536).joined(separator: ",") + "]"),
            Vector("80", [:], "{}"), Vector("81a16101", ["a": 1], #"{"a":1}"#), Vector("81a16181a1628191c0", [:], ""),
        ].dropLast() + [Vector("81a16181a16291c0", ["a": ["b": [.null]]], #"{"a":{"b":[null]}}"#)]

    @Test(arguments: vectors)
    func writesAndReads(_ vector: Vector) throws {
        var buffer = ByteBuffer()
        MessagePackWriter.write(vector.value, into: &buffer)
        #expect(hexadecimal(buffer) == vector.hexadecimal)
        #expect(try read(vector.hexadecimal) == vector.value)
    }

    @Test(arguments: vectors)
    func transcodes(_ vector: Vector) throws {
        var buffer = ByteBuffer()
        try withBytes(vector.json) { try MessagePackTranscoder.write(json: $0, attachments: [], into: &buffer) }
        #expect(hexadecimal(buffer) == vector.hexadecimal)
        #expect(try json(vector.hexadecimal).text == vector.json)
    }

    /// A value that is read, but not written so.
    @Test(arguments: [
        Vector("ca3fc00000", 1.5, "1.5"), Vector("cb3ff0000000000000", 1.0, "1"),
        Vector("cb7ff8000000000000", .null, "null"),
        Vector("cc01", 1, "1"), Vector("d301" + String(repeating: "00", count: 7), .int(1 << 56), "72057594037927936"),
        Vector("cfffffffffffffffff", .double(18_446_744_073_709_551_616), "18446744073709552000"),
        Vector("d90161", "a", #""a""#),
        Vector("db0000000161", "a", #""a""#), Vector("dc000101", [1], "[1]"),
        Vector("de0001a16101", ["a": 1], #"{"a":1}"#),
        // undefined, alone, in an array, in a map, there behind an equal key.
        Vector("d40000", .null, "null"), Vector("92d4000001", [.null, 1], "[null,1]"),
        Vector("82a161d40000a16201", ["b": 1], #"{"b":1}"#), Vector("82a16101a162d40000", ["a": 1], #"{"a":1}"#),
        Vector("82a16101a161d40000", ["a": 1], #"{"a":1}"#),
        // Dates: notepack's, and the three timestamps of the specification.
        Vector("d7000000000000000000", "1970-01-01T00:00:00.000Z", #""1970-01-01T00:00:00.000Z""#),
        Vector("d700000001951fa62a80", "2025-02-19T19:18:58.432Z", #""2025-02-19T19:18:58.432Z""#),
        Vector("d700ffffffffffffffff", "1969-12-31T23:59:59.999Z", #""1969-12-31T23:59:59.999Z""#),
        Vector("d700ffffc77590fba000", "0000-01-01T00:00:00.000Z", #""0000-01-01T00:00:00.000Z""#),
        Vector("d700ffffc77590fb9fff", "-000001-12-31T23:59:59.999Z", #""-000001-12-31T23:59:59.999Z""#),
        Vector("d7000000e677d21fdc00", "+010000-01-01T00:00:00.000Z", #""+010000-01-01T00:00:00.000Z""#),
        Vector("d700001eb208c2dc0000", "+275760-09-13T00:00:00.000Z", #""+275760-09-13T00:00:00.000Z""#),
        Vector("d700ffe14df73d240000", "-271821-04-20T00:00:00.000Z", #""-271821-04-20T00:00:00.000Z""#),
        Vector("d700001eb208c2dc0001", .null, "null"),
        Vector("d700000000dd9d5a0c95", "2000-02-29T12:34:56.789Z", #""2000-02-29T12:34:56.789Z""#),
        Vector("d700000003bc5c9b0bff", "2100-02-28T23:59:59.999Z", #""2100-02-28T23:59:59.999Z""#),
        Vector("d7007fffffffffffffff", .null, "null"),
        Vector("d6ff00000001", "1970-01-01T00:00:01.000Z", #""1970-01-01T00:00:01.000Z""#),
        Vector("d7ff003d090000000001", "1970-01-01T00:00:01.001Z", #""1970-01-01T00:00:01.001Z""#),
        Vector("c70cff000f42400000000000000002", "1970-01-01T00:00:02.001Z", #""1970-01-01T00:00:02.001Z""#),
        Vector("c70cff000f42407fffffffffffffff", .null, "null"),
        // Integers as keys.
        Vector("8201a1610202", ["1": "a", "2": 2], #"{"1":"a","2":2}"#),
        // Strings that are not UTF-8 are repaired.
        Vector("a2ff61", "\u{FFFD}a", "\"\u{FFFD}a\""),
        Vector("a3eda080", "\u{FFFD}\u{FFFD}\u{FFFD}", "\"\u{FFFD}\u{FFFD}\u{FFFD}\""),
    ])
    func readsOtherForms(_ vector: Vector) throws {
        let value = try read(vector.hexadecimal)
        if vector.hexadecimal == "cb7ff8000000000000" {
            #expect(value.doubleValue?.isNaN == true)
        } else {
            #expect(value == vector.value)
        }
        #expect(try json(vector.hexadecimal).text == vector.json)
    }

    /// The broadcast `io.emit("hello", 1, "2")` as a Node.js server published it.
    @Test func writesAndReadsTheCapturedBroadcast() throws {
        let captured =
            "93a634584763386483a47479706502a46461746193a568656c6c6f01a132a36e7370a12f83a5726f6f6d7390a665786365707490"
            + "a5666c61677380"
        var buffer = ByteBuffer()
        MessagePackWriter.writeArrayHeader(3, into: &buffer)
        MessagePackWriter.write("4XGc8d", into: &buffer)
        MessagePackWriter.writeMapHeader(3, into: &buffer)
        MessagePackWriter.write("type", into: &buffer)
        MessagePackWriter.write(2, into: &buffer)
        MessagePackWriter.write("data", into: &buffer)
        try withBytes(#"["hello",1,"2"]"#) { try MessagePackTranscoder.write(json: $0, attachments: [], into: &buffer) }
        MessagePackWriter.write("nsp", into: &buffer)
        MessagePackWriter.write("/", into: &buffer)
        MessagePackWriter.writeMapHeader(3, into: &buffer)
        for key in ["rooms", "except"] {
            MessagePackWriter.write(key, into: &buffer)
            MessagePackWriter.writeArrayHeader(0, into: &buffer)
        }
        MessagePackWriter.write("flags", into: &buffer)
        MessagePackWriter.writeMapHeader(0, into: &buffer)
        #expect(hexadecimal(buffer) == captured)

        try withBytes(bytes(captured)) { bytes in
            var reader = MessagePackReader(bytes)
            #expect(try reader.nextKind() == .array)
            #expect(try reader.readArrayHeader() == 3)
            #expect(try text(reader.readString()) == "4XGc8d")
            #expect(try reader.readMapHeader() == 3)
            #expect(try text(reader.readString()) == "type")
            #expect(try reader.readInteger() == 2)
            #expect(try text(reader.readString()) == "data")
            var data = ByteBuffer()
            var attachments: [ByteBuffer] = []
            try MessagePackTranscoder.writeJSON(from: &reader, into: &data, attachments: &attachments)
            #expect(String(buffer: data) == #"["hello",1,"2"]"#)
            #expect(attachments.isEmpty)
            #expect(try reader.readKey() == "nsp")
            #expect(try reader.readSlice().elementsEqual([0xA1, 0x2F]))
            #expect(try reader.readValue() == ["rooms": [], "except": [], "flags": [:]])
            #expect(reader.isAtEnd && reader.remaining == 0)
        }
    }

    @Test func carriesBinary() throws {
        let attachments = [ByteBuffer(bytes: [1, 2]), ByteBuffer(bytes: [UInt8](repeating: 7, count: 256))]
        let text = #"["a",{"_placeholder":true,"num":0},{"b":{"num":1,"x":[{}],"_placeholder":true},"c":[]},3]"#
        var buffer = ByteBuffer()
        try withBytes(text) { try MessagePackTranscoder.write(json: $0, attachments: attachments, into: &buffer) }
        let expected = "94a161c402010282a162c50100" + String(repeating: "07", count: 256) + "a1639003"
        #expect(hexadecimal(buffer) == expected)
        let back = try json(expected)
        #expect(
            back.text == #"["a",{"_placeholder":true,"num":0},{"b":{"_placeholder":true,"num":1},"c":[]},3]"#)
        #expect(back.attachments == attachments)
        #expect(try read(expected) == ["a", .binary(attachments[0]), ["b": .binary(attachments[1]), "c": []], 3])
        // Without attachments it is an object like any other.
        var plain = ByteBuffer()
        try withBytes(#"{"_placeholder":true}"#) {
            try MessagePackTranscoder.write(json: $0, attachments: [], into: &plain)
        }
        #expect(hexadecimal(plain) == "81ac5f706c616365686f6c646572c3")
    }

    @Test func writesBinaryInEveryLength() throws {
        for (count, header) in [(0, "c400"), (255, "c4ff"), (256, "c50100"), (65535, "c5ffff"), (65536, "c600010000")] {
            let bytes = ByteBuffer(bytes: [UInt8](repeating: 1, count: count))
            var buffer = ByteBuffer()
            MessagePackWriter.writeBinary(bytes, into: &buffer)
            #expect(hexadecimal(buffer).hasPrefix(header))
            try buffer.withUnsafeReadableBytes { raw in
                var reader = MessagePackReader(raw)
                let content = try reader.readBinary()
                #expect(content.count == count && reader.isAtEnd)
            }
        }
    }

    @Test(arguments: [
        ("c7020001ff", "01ff"), ("c8000100aa", "aa"), ("c90000000100aa", "aa"), ("d50001ff", "01ff"), ("c70000", ""),
        ("c4020102", "0102"), ("c700" + "00", ""), ("d4007f", "7f"),
    ])
    func readsBinaryForms(_ form: String, _ content: String) throws {
        #expect(try read(form) == .binary(ByteBuffer(bytes: bytes(content))))
        let result = try json(form)
        #expect(result.text == #"{"_placeholder":true,"num":0}"#)
        #expect(result.attachments == [ByteBuffer(bytes: bytes(content))])
    }

    @Test func givesOtherExtensionsAsArrays() throws {
        #expect(try read("d405aa") == [5, .binary(ByteBuffer(bytes: [0xAA]))])
        #expect(try read("c70280aabb") == [-128, .binary(ByteBuffer(bytes: [0xAA, 0xBB]))])
        #expect(try json("d405aa").text == #"[5,{"_placeholder":true,"num":0}]"#)
    }

    @Test func writesTypedValues() {
        var buffer = ByteBuffer()
        MessagePackWriter.writeNil(into: &buffer)
        MessagePackWriter.write(true, into: &buffer)
        MessagePackWriter.write(UInt64.max, into: &buffer)
        MessagePackWriter.write(UInt8(200), into: &buffer)
        MessagePackWriter.write(-0.0, into: &buffer)
        MessagePackWriter.write(3.0, into: &buffer)
        MessagePackWriter.write(9_007_199_254_740_992.0, into: &buffer)
        MessagePackWriter.write(Double.nan, into: &buffer)
        withBytes("é") { MessagePackWriter.writeString($0, into: &buffer) }
        #expect(hexadecimal(buffer) == "c0c3cfffffffffffffffffccc80003cb4340000000000000cb7ff8000000000000a2c3a9")
    }

    @Test func readsTypedValues() throws {
        try bytes("c0 c3 c2 01 cb4008000000000000 c400 81 01 02 cb3ff8000000000000").withUnsafeBytes { bytes in
            var reader = MessagePackReader(bytes)
            try reader.readNil()
            #expect(try reader.readBool() && !reader.readBool())
            #expect(throws: MessagePackError.unexpectedType) {
                var copy = reader; try copy.readNil()
            }
            #expect(throws: MessagePackError.unexpectedType) {
                var copy = reader; _ = try copy.readBool()
            }
            #expect(throws: MessagePackError.unexpectedType) {
                var copy = reader; _ = try copy.readString()
            }
            #expect(throws: MessagePackError.unexpectedType) {
                var copy = reader; _ = try copy.readBinary()
            }
            #expect(throws: MessagePackError.unexpectedType) {
                var copy = reader; _ = try copy.readArrayHeader()
            }
            #expect(throws: MessagePackError.unexpectedType) {
                var copy = reader; _ = try copy.readMapHeader()
            }
            #expect(throws: MessagePackError.unexpectedKey) {
                var copy = reader
                try copy.skipValue()
                try copy.skipValue()
                _ = try copy.readKey()
            }
            #expect(try reader.readInteger() == 1)
            #expect(try reader.readInteger() == 3)
            try reader.skipValue()
            try reader.skipValue()
            #expect(throws: MessagePackError.unexpectedType) {
                var copy = reader; _ = try copy.readInteger()
            }
            #expect(reader.remaining == 9 && !reader.isAtEnd)
        }
    }

    @Test(arguments: [
        ("", MessagePackError.unexpectedEnd), ("c1", .unexpectedType), ("91", .unexpectedEnd), ("9291", .unexpectedEnd),
        ("cd01", .unexpectedEnd), ("cb00000000000000", .unexpectedEnd), ("a261", .unexpectedEnd),
        ("d9", .unexpectedEnd), ("d9ff61", .unexpectedEnd), ("81", .unexpectedEnd), ("81a161", .unexpectedEnd),
        ("81c001", .unexpectedKey),
        ("81cb3ff800000000000001", .unexpectedKey), ("8191a10001", .unexpectedKey), ("c4ff00", .unexpectedEnd),
        ("d4", .unexpectedEnd),
        ("d400", .unexpectedEnd), ("c70500", .unexpectedEnd), ("91c1", .unexpectedType),
        // Lengths that nothing stands behind: refused before anything is allocated.
        ("ddffffffff", .unexpectedEnd), ("dfffffffff", .unexpectedEnd), ("dbffffffff61", .unexpectedEnd),
        ("c6ffffffff61", .unexpectedEnd),
        ("c9ffffffff0061", .unexpectedEnd), ("dcffff00", .unexpectedEnd), ("deffff0000", .unexpectedEnd),
        ("df00000002a16101a1", .unexpectedEnd),
    ])
    func refuses(_ form: String, _ error: MessagePackError) {
        #expect(throws: error) { try self.read(form) }
        #expect(throws: error) { try self.json(form) }
        // Keys are not looked at when nobody wants them.
        if error != .unexpectedKey { #expect(throws: error) { try self.skip(form) } }
    }

    @Test func boundsTheDepth() throws {
        for opening in ["91", "81a161"] {
            let form = String(repeating: opening, count: 10) + "c0"
            _ = try self.read(form, maximumDepth: 10)
            _ = try self.json(form, maximumDepth: 10)
            try self.skip(form, maximumDepth: 10)
            #expect(throws: MessagePackError.tooDeep) { try self.read(form, maximumDepth: 9) }
            #expect(throws: MessagePackError.tooDeep) { try self.json(form, maximumDepth: 9) }
            #expect(throws: MessagePackError.tooDeep) { try self.skip(form, maximumDepth: 9) }
        }
        #expect(throws: MessagePackError.tooDeep) { try read(String(repeating: "91", count: 100_000)) }
    }

    @Test func leavesTheBufferAloneWhenItThrows() {
        var buffer = ByteBuffer(string: "kept")
        var attachments = [ByteBuffer()]
        withBytes(bytes("93c40101a161c1")) { bytes in
            var reader = MessagePackReader(bytes)
            #expect(throws: MessagePackError.unexpectedType) {
                try MessagePackTranscoder.writeJSON(from: &reader, into: &buffer, attachments: &attachments)
            }
        }
        for json in [#"["a",{"_placeholder":true,"num":1}]"#, #"["a",x]"#, #"["a""#, "]"] {
            #expect(throws: JSONError.self) {
                try withBytes(json) {
                    try MessagePackTranscoder.write(json: $0, attachments: attachments, into: &buffer)
                }
            }
        }
        #expect(String(buffer: buffer) == "kept")
        #expect(attachments == [ByteBuffer()])
    }

    /// JSON text to MessagePack and back gives what the tree gives.
    @Test func transcodesRandomDocuments() throws {
        var generator = Generator(seed: 5)
        for _ in 0..<1000 {
            let document = DocumentGenerator.document(&generator)
            var buffer = ByteBuffer()
            try withBytes(document) { try MessagePackTranscoder.write(json: $0, attachments: [], into: &buffer) }
            let form = hexadecimal(buffer)
            let expected = normalized(try value(document))
            #expect(normalized(try read(form)) == expected)
            #expect(normalized(try value(try json(form).text)) == expected)
        }
    }

    private func read(_ form: String, maximumDepth: Int = 512) throws -> SocketValue {
        try bytes(form).withUnsafeBytes { raw in
            var reader = MessagePackReader(raw, maximumDepth: maximumDepth)
            let value = try reader.readValue()
            #expect(reader.isAtEnd)
            return value
        }
    }

    private func skip(_ form: String, maximumDepth: Int = 512) throws {
        try bytes(form).withUnsafeBytes { raw in
            var reader = MessagePackReader(raw, maximumDepth: maximumDepth)
            try reader.skipValue()
            #expect(reader.isAtEnd)
        }
    }

    private func json(_ form: String, maximumDepth: Int = 512) throws -> (text: String, attachments: [ByteBuffer]) {
        var buffer = ByteBuffer()
        var attachments: [ByteBuffer] = []
        try bytes(form).withUnsafeBytes { raw in
            var reader = MessagePackReader(raw, maximumDepth: maximumDepth)
            try MessagePackTranscoder.writeJSON(from: &reader, into: &buffer, attachments: &attachments)
            #expect(reader.isAtEnd)
        }
        return (String(buffer: buffer), attachments)
    }
}
