// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

import Foundation
import NIOCore
import SocketIOCodec
import Testing

@Suite struct JSONReaderTests {
    @Test(
        arguments: [
            ("null", .null), ("true", true), ("false", false), ("0", 0), ("-0", 0), ("42", 42), ("-7", -7),
            ("9223372036854775807", .int(.max)), ("-9223372036854775808", .int(.min)),
            ("9007199254740993", 9_007_199_254_740_993),
            ("999999999999999999", 999_999_999_999_999_999), ("1000000000000000000", 1_000_000_000_000_000_000),
            ("9223372036854775808", .double(9_223_372_036_854_775_808)),
            ("-9223372036854775809", .double(-9_223_372_036_854_775_808)),
            ("18446744073709551616", .double(18_446_744_073_709_551_616)), ("1.0", 1.0), ("1.5", 1.5),
            ("-1.5e3", -1500.0), ("1e2", 100.0),
            ("1E400", .double(.infinity)), ("-1e400", .double(-.infinity)), ("1e-400", .double(0)), ("0.1", 0.1),
            ("123456789012345.6", 123_456_789_012_345.6), ("0.000001", 0.000001),
            ("2.2250738585072014e-308", .double(.leastNormalMagnitude)),
            ("9007199254740993.0", 9_007_199_254_740_992.0), ("0.30000000000000004", 0.30000000000000004),
            ("5e-324", .double(.leastNonzeroMagnitude)),
            (#""""#, ""), (#""a""#, "a"), (#""\"\\\/\b\f\n\r\t""#, "\"\\/\u{8}\u{C}\n\r\t"), (#""\u00e9\u20AC""#, "é€"),
            (#""\ud83d\ude00""#, "😀"), (#""\ud83d""#, "\u{FFFD}"), (#""\ude00""#, "\u{FFFD}"),
            (#""\ud83dx""#, "\u{FFFD}x"),
            (#""\ud83d\n""#, "\u{FFFD}\n"), (#""\ud83d\ud83d\ude00""#, "\u{FFFD}😀"), (#""\ud83d\u0041""#, "\u{FFFD}A"),
            (#""\u0000""#, "\u{0}"), (#""가나다\n라""#, "가나다\n라"), ("[]", []), ("[1,[2,[]]]", [1, [2, []]]), ("{}", [:]),
            (#"{"a":1,"b":{"c":[null]}}"#, ["a": 1, "b": ["c": [.null]]]), (#"{"a":1,"a":2}"#, ["a": 2]),
            (#"{"\u0061":1}"#, ["a": 1]),
            (#"{"":"x"}"#, ["": "x"]), (#"{"_placeholder":true,"num":0}"#, ["_placeholder": true, "num": 0]),
        ] as [(String, SocketValue)])
    func reads(_ json: String, _ expected: SocketValue) throws {
        #expect(try value(json) == expected)
        #expect(try value(" [ \(json) ] ") == [expected])
    }

    @Test func replacesPlaceholders() throws {
        let first = ByteBuffer(bytes: [1, 2, 3])
        let second = ByteBuffer(string: "x")
        let json =
            #"["a",{"_placeholder":true,"num":1},{"b":{"num":0,"_placeholder":true}},{"_placeholder":false,"num":9}]"#
        #expect(
            try value(json, attachments: [first, second])
                == ["a", .binary(second), ["b": .binary(first)], ["_placeholder": false, "num": 9]])
    }

    @Test(arguments: [
        #"{"_placeholder":true,"num":1}"#, #"{"_placeholder":true,"num":-1}"#, #"{"_placeholder":true}"#,
        #"{"_placeholder":true,"num":"0"}"#, #"{"_placeholder":true,"num":0.5}"#, #"{"_placeholder":true,"num":null}"#,
        #"[{"_placeholder":true,"num":0},{"_placeholder":true,"num":0}]"#,
    ])
    func refusesPlaceholders(_ json: String) {
        #expect(throws: JSONError.placeholderOutOfRange) { try value(json, attachments: [ByteBuffer(bytes: [1])]) }
    }

    /// Many digits must neither be lost nor take long.
    @Test func readsLongNumbers() throws {
        let digits = String(repeating: "7", count: 200_000)
        #expect(try value(digits) == .double(.infinity))
        #expect(try value("0." + digits) == .double(0.7777777777777778))
        #expect(try value("1." + String(repeating: "0", count: 800) + "1") == 1.0)
        // Halfway between two doubles, and a hair above it.
        #expect(try value("9007199254740993.000000000000000000000000000001") == .double(9_007_199_254_740_994))
    }

    /// The same documents through Foundation's parser.
    @Test func agreesWithFoundation() throws {
        var generator = Generator(seed: 1)
        for _ in 0..<1500 {
            let json = DocumentGenerator.document(&generator)
            let object = try JSONSerialization.jsonObject(with: Data(json.utf8), options: .fragmentsAllowed)
            let read = try value(json)
            #expect(agree(read, object), "\(json)")
            try withBytes(json) { try JSONScanner.validate($0) }
        }
    }

    /// A document with one byte changed is accepted or refused as Foundation does, except where that is known to be lenient.
    @Test func agreesWithFoundationAboutDamage() throws {
        var generator = Generator(seed: 2)
        for _ in 0..<1500 {
            var json = Array(DocumentGenerator.document(&generator).utf8)
            json[Int.random(in: 0..<json.count, using: &generator)] =
                Array("[]{},:\"\\0123456789eE+-. tfnu\n\u{1}".utf8)
                .randomElement(using: &generator) ?? 0
            guard String(validating: json, as: UTF8.self) != nil else { continue }
            let accepts = (try? withBytes(json) { try JSONScanner.validate($0) }) != nil
            let reads = try? withBytes(json) { try JSONReader.value($0) }
            #expect(accepts == (reads != nil))
            // What Foundation refuses beyond RFC 8259: lone surrogates and numbers beyond a double's range.
            let theirs = try? JSONSerialization.jsonObject(with: Data(json), options: .fragmentsAllowed)
            if theirs != nil { #expect(accepts, "\(String(decoding: json, as: UTF8.self))") }
            if let reads, let theirs { #expect(agree(reads, theirs), "\(String(decoding: json, as: UTF8.self))") }
        }
    }
}

/// Whether two parsers made the same of a document.
private func agree(_ value: SocketValue, _ object: Any) -> Bool {
    switch value {
    case .null: return object is NSNull
    case .bool(let value): return (object as? NSNumber)?.boolValue == value
    case .int(let value): return (object as? NSNumber)?.int64Value == value
    case .double(let value):
        guard let other = (object as? NSNumber)?.doubleValue else { return false }
        // Foundation rounds numbers with many digits several times.
        return abs(value - other) <= abs(value) * 1e-14
    case .string(let value): return object as? String == value
    case .binary: return false
    case .array(let items):
        guard let objects = object as? [Any], objects.count == items.count else { return false }
        return zip(items, objects).allSatisfy(agree)
    case .object(let members):
        guard let objects = object as? [String: Any], objects.count == members.count else { return false }
        return members.allSatisfy { key, value in objects[key].map { agree(value, $0) } ?? false }
    }
}

/// Writes random JSON documents with all the freedom that the grammar gives.
enum DocumentGenerator {
    static func document(_ generator: inout Generator) -> String {
        self.space(&generator) + self.value(depth: 4, &generator) + self.space(&generator)
    }

    private static func value(depth: Int, _ generator: inout Generator) -> String {
        switch Int.random(in: 0..<(depth > 0 ? 9 : 6), using: &generator) {
        case 0: return ["null", "true", "false"].randomElement(using: &generator) ?? "null"
        case 1: return String(Int64.random(in: .min ... .max, using: &generator))
        case 2: return String(Int.random(in: -1000...1000, using: &generator))
        case 3: return self.fraction(&generator)
        case 4, 5: return self.string(&generator)
        case 6: return self.list("[", "]", &generator) { self.value(depth: depth - 1, &$0) }
        case 7:
            var index = 0
            return self.list("{", "}", &generator) { generator in
                index += 1
                // The number keeps the keys apart: which of two equal ones counts differs between parsers.
                let key = "\"\(index)" + self.string(&generator).dropFirst()
                return key + self.space(&generator) + ":" + self.space(&generator)
                    + self.value(depth: depth - 1, &generator)
            }
        default: return "[\(self.value(depth: depth - 1, &generator))]"
        }
    }

    private static func list(
        _ open: String, _ close: String, _ generator: inout Generator, _ item: (inout Generator) -> String
    ) -> String {
        var items: [String] = []
        for _ in 0..<Int.random(in: 0..<5, using: &generator) {
            items.append(self.space(&generator) + item(&generator) + self.space(&generator))
        }
        return open + items.joined(separator: ",") + close
    }

    private static func fraction(_ generator: inout Generator) -> String {
        let sign = Bool.random(using: &generator) ? "-" : ""
        let digits = String(UInt64.random(in: 0...(1 << 53), using: &generator)).suffix(
            Int.random(in: 1...16, using: &generator))
        let exponent = ["", "e5", "E+3", "e-12", "e200", "e-300"].randomElement(using: &generator) ?? ""
        return "\(sign)\(Int.random(in: 0...99999, using: &generator)).\(digits)\(exponent)"
    }

    private static let pieces = [
        "a", "Z", "0", " ", "é", "ß", "한", "글", "😀", "\u{10FFFF}", "\u{2028}", "\u{7F}", "/", "[", "]", "{", "}", ",",
        ":", #"\""#, #"\\"#,
        #"\/"#, #"\b"#, #"\f"#, #"\n"#, #"\r"#, #"\t"#, #"\u0041"#, #"\u00e9"#, #"\uFFFD"#, #"\ud83d\ude00"#,
        #"\uD834\uDD1E"#, #"\u0000"#,
        "some plain text that is longer than a word", "12345678",
    ]

    private static func string(_ generator: inout Generator) -> String {
        var text = "\""
        for _ in 0..<Int.random(in: 0..<10, using: &generator) {
            text += self.pieces.randomElement(using: &generator) ?? ""
        }
        return text + "\""
    }

    private static func space(_ generator: inout Generator) -> String {
        ["", "", "", " ", "\n", "\t\r ", "  "].randomElement(using: &generator) ?? ""
    }
}
