// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

import NIOCore
import SocketIOCodec
import Testing

/// Nothing is refused that `JSON.stringify` writes (ECMA-262, 25.5.2), and integers keep their value where JavaScript does.
@Suite struct StringifyTests {
    /// What `JSON.stringify` writes for each of the first 65,536 characters as a text of its own: a short escape, `\u` for
    /// other control characters and lone surrogates, else the character itself.
    private func stringified(_ unit: UInt16) -> String {
        switch unit {
        case 0x08: return #""\b""#
        case 0x09: return #""\t""#
        case 0x0A: return #""\n""#
        case 0x0C: return #""\f""#
        case 0x0D: return #""\r""#
        case 0x22: return #""\"""#
        case 0x5C: return #""\\""#
        default:
            if unit >= 0x20, let scalar = Unicode.Scalar(unit) { return "\"\(Character(scalar))\"" }
            let digits = String(unit, radix: 16)
            return "\"\\u" + String(repeating: "0", count: 4 - digits.count) + digits + "\""
        }
    }

    @Test func acceptsEveryCharacter() throws {
        for unit in UInt16.min...UInt16.max {
            let json = self.stringified(unit)
            guard case .string(let text) = try value(json) else {
                Issue.record("\(json) is a string")
                continue
            }
            let expected = Unicode.Scalar(unit) ?? "\u{FFFD}"
            #expect(Array(text.unicodeScalars) == [expected], "\(json)")
            try withBytes(json) { try JSONScanner.validate($0) }
            // As an event's name, as its argument, and as a key.
            try withBytes("[\(json),\(json),{\(json):\(json)}]") { _ = try EventSlices.parse($0) }
        }
    }

    @Test(arguments: [
        (#""\ud83d\ude00""#, "😀"), (#""\udc00\ud800""#, "\u{FFFD}\u{FFFD}"), (#""a\ud800b""#, "a\u{FFFD}b"),
        ("\"😀\u{2028}\u{2029}\u{FEFF}\"", "😀\u{2028}\u{2029}\u{FEFF}"),
    ])
    func acceptsPairsAndHalves(_ json: String, _ expected: String) throws {
        guard case .string(let text) = try value(json) else { throw JSONError.unexpectedByte }
        #expect(Array(text.unicodeScalars) == Array(expected.unicodeScalars))
    }

    /// The texts that JavaScript gives these numbers, and `-0`, which only other programs write.
    @Test(
        arguments: [
            ("0", 0), ("-0", 0), ("1e+21", 1e21), ("1.5e-7", 1.5e-7), ("1e-7", 1e-7),
            ("5e-324", .leastNonzeroMagnitude),
            ("1.7976931348623157e+308", 1.7976931348623157e308), ("-1.7976931348623157e+308", -1.7976931348623157e308),
            ("123456789012345680000", 123_456_789_012_345_683_968), ("0.000001", 0.000001), ("0.1", 0.1),
            ("-0.5", -0.5),
            ("2.2250738585072014e-308", .leastNormalMagnitude), ("4.35", 4.35),
        ] as [(String, Double)])
    func acceptsNumbers(_ json: String, _ expected: Double) throws {
        #expect(try value(json).doubleValue == expected)
        #expect(try withBytes(json) { try SocketDecoder.decode(Double.self, from: $0) } == expected)
    }

    /// 2^53 is the last of JavaScript's integers that all are exact; 64 bits are exact here.
    @Test func keepsIntegersExact() throws {
        let largest: Int64 = 1 << 53
        for number in [0, 1, 1 << 31, 1 << 32, largest - 1, largest, largest + 1, Int64.max] {
            for number in [number, -number] {
                #expect(try value("\(number)") == .int(number))
                #expect(try withBytes("\(number)") { try SocketDecoder.decode(Int64.self, from: $0) } == number)
                var text = ByteBuffer()
                JSONWriter.write(Int(number), into: &text)
                #expect(String(buffer: text) == "\(number)")
                guard number.magnitude <= largest.magnitude else { continue }
                #expect(try value("\(number)").doubleValue == Double(number))
                #expect(try Int64(exactly: value("\(number).0").doubleValue ?? 0.5) == number)
            }
        }
    }

    /// As deep as the limit says, in arrays, objects and both by turns.
    @Test func acceptsDeepNesting() throws {
        let depth = JSONScanner.defaultMaximumDepth
        for (open, close) in [("[", "]"), (#"{"a":"#, "}")] {
            let json = String(repeating: open, count: depth) + "0" + String(repeating: close, count: depth)
            try withBytes(json) { try JSONScanner.validate($0) }
            _ = try value(json)
        }
        let json = String(repeating: #"[{"a":"#, count: depth / 2) + "[]" + String(repeating: "}]", count: depth / 2)
        #expect(throws: JSONError.tooDeep) { try value(json) }
        _ = try value(json.replacing("[]", with: "0"))
    }
}
