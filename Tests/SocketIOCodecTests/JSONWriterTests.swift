// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

import NIOCore
import SocketIOCodec
import Testing

@Suite struct JSONWriterTests {
    private func write(_ body: (inout ByteBuffer) -> Void) -> String {
        var buffer = ByteBuffer(string: "<")
        body(&buffer)
        return String(String(buffer: buffer).dropFirst())
    }

    /// Expected texts are those of `String(x)` in JavaScript.
    @Test(
        arguments: [
            (0, "0"), (-0.0, "0"), (1, "1"), (-1, "-1"), (0.1, "0.1"), (-0.5, "-0.5"), (1.5, "1.5"), (100, "100"),
            (1e15, "1000000000000000"),
            (123456789.125, "123456789.125"), (1e16, "10000000000000000"), (1e20, "100000000000000000000"),
            (1e21, "1e+21"),
            (1.5e21, "1.5e+21"), (123456789012345683968, "123456789012345680000"),
            (1.2345678901234568e+21, "1.2345678901234568e+21"),
            (0.001, "0.001"), (0.000001, "0.000001"), (0.0000015, "0.0000015"), (1e-7, "1e-7"), (1.5e-7, "1.5e-7"),
            (-1e-7, "-1e-7"),
            (.leastNonzeroMagnitude, "5e-324"), (.greatestFiniteMagnitude, "1.7976931348623157e+308"),
            (.leastNormalMagnitude, "2.2250738585072014e-308"),
            (0.30000000000000004, "0.30000000000000004"), (9007199254740992, "9007199254740992"), (4.35, "4.35"),
            (1e23, "1e+23"),
            (100.05, "100.05"), (1234567890123456.8, "1234567890123456.8"), (0.00001234, "0.00001234"),
            (12e100, "1.2e+101"),
            (.nan, "null"), (.infinity, "null"), (-.infinity, "null"),
        ] as [(Double, String)])
    func writesDoubles(_ value: Double, _ expected: String) {
        #expect(self.write { JSONWriter.write(value, into: &$0) } == expected)
    }

    @Test func doublesReadBackTheSame() throws {
        var generator = Generator(seed: 3)
        for round in 0..<5000 {
            var number = Double(bitPattern: generator.next())
            if round % 3 == 0 {
                number = Double(Int64.random(in: -1_000_000_000...1_000_000_000, using: &generator)) / 1000
            }
            guard number.isFinite else { continue }
            let text = self.write { JSONWriter.write(number, into: &$0) }
            #expect(try value(text).doubleValue == number, "\(text)")
        }
    }

    @Test(
        arguments: [
            (0.1, "0.1"), (1, "1"), (16_777_216, "16777216"), (1e10, "10000000000"), (3.4028235e38, "3.4028235e+38"),
            (.nan, "null"),
        ] as [(Float, String)])
    func writesFloats(_ value: Float, _ expected: String) {
        #expect(self.write { JSONWriter.write(value, into: &$0) } == expected)
    }

    @Test func writesIntegers() {
        for value in [
            0, 1, 9, 10, 99, 100, 12345, -1, -10, Int64.max, Int64.min, 999_999_999_999_999_999,
            1_000_000_000_000_000_000,
        ] {
            #expect(self.write { JSONWriter.write(value, into: &$0) } == "\(value)")
        }
        for value in [UInt64.max, 10_000_000_000_000_000_000, 9_999_999_999_999_999_999, 0] {
            #expect(self.write { JSONWriter.write(value, into: &$0) } == "\(value)")
        }
        #expect(self.write { JSONWriter.write(Int8.min, into: &$0) } == "-128")
        #expect(self.write { JSONWriter.write(UInt8.max, into: &$0) } == "255")
        var power: UInt64 = 1
        for _ in 0..<19 {
            for value in [power - 1, power, power + 1] {
                #expect(self.write { JSONWriter.write(value, into: &$0) } == "\(value)")
            }
            power *= 10
        }
    }

    @Test func writesLiterals() {
        #expect(self.write { JSONWriter.write(true, into: &$0) } == "true")
        #expect(self.write { JSONWriter.write(false, into: &$0) } == "false")
        #expect(self.write { JSONWriter.writeNull(into: &$0) } == "null")
    }

    @Test(arguments: [
        ("", #""""#), ("hello", #""hello""#), ("a\"b", #""a\"b""#), ("\\", #""\\""#),
        ("\u{8}\u{C}\n\r\t", #""\b\f\n\r\t""#),
        ("\u{0}\u{1}\u{B}\u{1F}", #""\u0000\u0001\u000b\u001f""#), ("\u{10}\u{1a}", #""\u0010\u001a""#), ("/", #""/""#),
        ("\u{7F}\u{2028}", "\"\u{7F}\u{2028}\""), ("이미 연결된 유저입니다.", #""이미 연결된 유저입니다.""#), ("😀", #""😀""#),
        ("12345678\"", #""12345678\"""#),
        ("1234567\n1234567\n", #""1234567\n1234567\n""#),
        (String(repeating: "x", count: 1000), "\"" + String(repeating: "x", count: 1000) + "\""),
    ])
    func writesStrings(_ value: String, _ expected: String) {
        #expect(self.write { JSONWriter.write(value, into: &$0) } == expected)
        #expect(withBytes(value) { bytes in self.write { JSONWriter.writeString(bytes, into: &$0) } } == expected)
    }

    @Test func everyCharacterReadsBackTheSameAtEveryPlace() throws {
        for byte in UInt8(0)..<128 {
            for place in 0..<17 {
                let string = String(repeating: "a", count: place) + String(UnicodeScalar(byte)) + "b"
                let json = self.write { JSONWriter.write(string, into: &$0) }
                #expect(try value(json) == .string(string))
            }
        }
    }

    @Test func writesValues() throws {
        var attachments = [ByteBuffer(bytes: [0])]
        let first = ByteBuffer(bytes: [1])
        let second = ByteBuffer(bytes: [2])
        let tree: SocketValue = [.null, true, 1, 2.5, "x\n", .binary(first), [], [:], ["k\"": .binary(second)]]
        var buffer = ByteBuffer()
        JSONWriter.write(tree, into: &buffer, attachments: &attachments)
        #expect(
            String(buffer: buffer)
                == #"[null,true,1,2.5,"x\n",{"_placeholder":true,"num":1},[],{},{"k\"":{"_placeholder":true,"num":2}}]"#
        )
        #expect(attachments == [ByteBuffer(bytes: [0]), first, second])
        attachments[0] = ByteBuffer()
        // A number that no placeholder uses is no error.
        #expect(try value(String(buffer: buffer), attachments: attachments) == tree)
    }

    @Test func valuesReadBackTheSame() throws {
        var generator = Generator(seed: 4)
        for _ in 0..<1000 {
            let tree = try value(DocumentGenerator.document(&generator))
            var buffer = ByteBuffer()
            var attachments: [ByteBuffer] = []
            JSONWriter.write(tree, into: &buffer, attachments: &attachments)
            #expect(try normalized(value(String(buffer: buffer))) == normalized(tree))
            #expect(attachments.isEmpty)
        }
    }

    @Test func writesPlaceholders() {
        var attachments: [ByteBuffer] = []
        var buffer = ByteBuffer()
        for number in 0..<3 {
            JSONWriter.write(binary: ByteBuffer(integer: UInt8(number)), into: &buffer, attachments: &attachments)
        }
        #expect(
            String(buffer: buffer)
                == #"{"_placeholder":true,"num":0}{"_placeholder":true,"num":1}{"_placeholder":true,"num":2}"#)
        #expect(attachments.map(\.readableBytesView.first) == [0, 1, 2])
    }
}

/// A value as it is after JavaScript had it: a double without a fraction is an integer.
func normalized(_ value: SocketValue) -> SocketValue {
    switch value {
    case .double(let number):
        if number.magnitude < 1e15, let integer = Int64(exactly: number) { return .int(integer) }
        return .double(number)
    case .array(let items): return .array(items.map(normalized))
    case .object(let members): return .object(members.mapValues(normalized))
    default: return value
    }
}
