// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

import NIOCore
import SocketIOCodec
import Testing

@Suite struct JSONScannerTests {
    /// In the spirit of JSONTestSuite's `y_` files.
    static let accepted: [String] = [
        "[[]   ]", #"[""]"#, "[]", #"["a"]"#, "[false]", #"[null, 1, "1", {}]"#, "[null]", "[1\n]", " [1]",
        "[1,null,null,null,2]",
        "[2] ", "[123e65]", "[0e+1]", "[0e1]", "[ 4]",
        "[-0.000000000000000000000000000000000000000000000000000000000001]",
        "[20e1]", "[-0]", "[-123]", "[-1]", "[-0]", "[1E22]", "[1E-2]", "[1E+2]", "[123e45]", "[123.456e78]", "[1e-2]",
        "[1e+2]",
        "[123]", "[123.456789]", "[1e400]", "[-1e400]", "[1e-400]", "[100000000000000000000]", "[0.0]", "[0.1e1]",
        #"{"asd":"sdf", "dfg":"fgh"}"#, #"{"asd":"sdf"}"#, #"{"a":"b","a":"c"}"#, #"{"a":"b","a":"b"}"#, "{}",
        #"{"":0}"#,
        #"{"foo\u0000bar": 42}"#, #"{ "min": -1.0e+28, "max": 1.0e+28 }"#, #"{"x":[{"id": "xxxx"}], "id": "xxxx"}"#,
        #"{"a":[]}"#,
        "{\n\"a\": \"b\"\n}", #"["\u0060\u012a\u12AB"]"#, #"["\uD801\udc37"]"#, #"["\ud83d\ude39\ud83d\udc8d"]"#,
        #"["\"\\\/\b\f\n\r\t"]"#, #"["\\u0000"]"#, #"["\""]"#, #"["a/*b*/c/*d//e"]"#, #"["\\a"]"#, #"["\\n"]"#,
        #"["\u0012"]"#,
        #"["\uFFFF"]"#, #"["asd"]"#, #"[ "asd"]"#, #"["new\u00A0line"]"#, "[\"\u{10FFFF}\"]", "[\"\u{FFFF}\"]",
        #"["\u0000"]"#,
        #"["\u002c"]"#, "[\"π\"]", #"["asd "]"#, #"" ""#, #"["\uD834\uDd1e"]"#, #"["\u0821"]"#, #"["\u0123"]"#,
        "[\"\u{2028}\"]",
        "[\"\u{2029}\"]", #"["\u0061\u30af\u30EA\u30b9"]"#, "[\"new\u{A0}line\"]", "[\"\u{7F}\"]", #"["\uA66D"]"#,
        #"["\u005C"]"#,
        "[\"⍂㈴⍂\"]", #"["\u200B"]"#, #"["\u2064"]"#, #"["\uFDD0"]"#, #"["\uFFFE"]"#, #"["\u0022"]"#, "[\"€𝄞\"]",
        "[\"a\u{7F}a\"]",
        "false", "42", "-0.1", "null", #""asd""#, "true", #""""#, "[\"a\"]\n", "[true]", " [] ", "\t\r\n 1 \t\r\n",
        // Lone surrogates: JSON.parse takes them.
        #"["\uDADA"]"#, #"["\uD888\u1234"]"#, #"["\uD800\n"]"#, #"["\uDd1ea"]"#, #"["\uD800\uD800"]"#,
        #"["\udc00\ud800"]"#,
        // Every length around a word's.
        #""1234567""#, #""12345678""#, #""123456789""#, #""123456789012345""#, #""1234567890123456""#, #""1234567\"""#,
        #""12345678\n12345678""#,
    ]

    /// In the spirit of JSONTestSuite's `n_` files.
    static let refused: [String] = [
        "[1 true]", "[\"\": 1]", "[\"\"],", "[,1]", "[1,,2]", "[\"x\",,]", "[\"x\"]]", "[\"\",]", "[\"x\"", "[x",
        "[3[ 4]]", "[1:2]",
        "[,]", "[-]", "[   , \"\"]", "[\"a\",\n4\n,1,", "[1,]", "[1,,]", "[\"\u{B}a\"\\f]", "[*]", "[\"\"", "[1,",
        "[1,\n1\n,1",
        "[{}", "[fals]", "[nul]", "[tru]", "[++1234]", "[+1]", "[+Inf]", "[-01]", "[-1.0.]", "[-2.]", "[-NaN]", "[.-1]",
        "[.2e-3]",
        "[0.1.2]", "[0.3e+]", "[0.3e]", "[0.e1]", "[0E+]", "[0E]", "[0e+]", "[0e]", "[1.0e+]", "[1.0e-]", "[1.0e]",
        "[1 000.0]",
        "[1eE2]", "[2.e+3]", "[2.e-3]", "[2.e3]", "[9.e+]", "[Inf]", "[NaN]", "[１]", "[1+2]", "[0x1]", "[0x42]",
        "[Infinity]",
        "[0e+-1]", "[-123.123foo]", "[-Infinity]", "[-foo]", "[- 1]", "[-012]", "[-.123]", "[-1x]", "[1ea]", "[1.]",
        "[.123]",
        "[1.2a-3]", "[1.8011670033376514H-308]", "[012]", "[00]", "[-00]", "[1e]", "[1e1.5]", "-", "[1_000]",
        #"["x", truth]"#, #"{[: "x"}"#, #"{"x", null}"#, #"{"x"::"b"}"#, #"{🇨🇭}"#, #"{"a":"a" 123}"#, #"{key: 'value'}"#,
        #"{"a" b}"#,
        #"{:"b"}"#, #"{"a" "b"}"#, #"{"a":"#, #"{"a""#, #"{1:1}"#, #"{9999E9999:1}"#, #"{null:null,null:null}"#,
        #"{"id":0,,,,,}"#,
        #"{'a':0}"#, #"{"id":0,}"#, #"{"a":"b"}/**/"#, #"{"a":"b"}/**//"#, #"{"a":"b"}//"#, #"{"a":"b",,"c":"d"}"#,
        #"{a: "b"}"#,
        #"{"a":"a"#, #"{ "foo" : "bar", "a" }"#, #"{"a":"b"}#"#, #"{"a":1]"#, #"{"a":}"#, #"{"a"}"#, "{,}",
        #"{,"a":1}"#, "{\"a\":1",
        " ", "", #"["\uD800\"]"#, #"["\uD800\u"]"#, #"["\uD800\u1"]"#, #"["\uD800\u1x"]"#, "[é]", #"["\x00"]"#,
        #"["\\\"]"#,
        "[\"\\\t\"]", #"["\🌀"]"#, #"["\"]"#, #"["\u00A"]"#, #"["\uD834\uDd"]"#, #"["\uD800\uD800\x"]"#, #"["\a"]"#,
        #"["\uqqqq"]"#,
        #"[\u0020"asd"]"#, #"[\n]"#, #"""#, "['single quote']", "abc", #"["\"#, "[\"a\u{0}a\"]", "[\"new\nline\"]",
        "[\"\t\"]",
        "[\"\u{1F}\"]", #""\UA66D""#, #""x"#, #""asd" "b""#, "[\u{2060}]", "\u{FEFF}", "\u{FEFF}[1]", "<.>", "[<null>]",
        "[1]x", "[1]]",
        #"["asd]"#, "aå", "[True]", "1]", #"{"x": true,"#, "[][]", "]", "}", "{]", "[}", #"{"":"#, "*",
        #"{"a":"b"}#{}"#,
        "[\\u000A\"\"]", "[1", "[ false, nul", "[ true, fals", "[ false, tru", #"{"asd":"asd""#, "å", "[\u{C}]",
        "[\u{A0}1]", "2@",
        "{}}", #"{"":{}"#, #"{"a":/*comment*/"b"}"#, #"{"a": true} "x""#, "['", "[,", #"[{"#, #"["a"#, #"["a""#, "{",
        "{,", "{[", #"{"a"#,
        "{'a'", #"["\{["\{["\{["\{"#, "nulll", "truee", "falsee", "nul", "t", "f", "n", "tru", "undefined", "[1 2]",
        "[\"a\" \"b\"]",
        "1 2", "--1", "+", "e1", ".", ".5", "5.", "1.e1", "1e", "1e+", "1e1e1", "01", "-01", "0a", "1a", "1,", ",", ":",
        "[:]", "\"\\u12\"",
        "\"12345678\u{1}\"", "\"1234567", "\"12345678", "\"1234567\\", "[\"12345678\\\"]",
    ]

    @Test(arguments: accepted)
    func accepts(_ json: String) throws {
        try withBytes(json) { try JSONScanner.validate($0) }
        _ = try value(json)
        // As an item, whatever stands around it.
        #expect(try withBytes("[0,\(json),0]") { text(try JSONScanner.validateArray($0)) } == "0,\(json),0")
    }

    @Test(arguments: refused)
    func refuses(_ json: String) {
        #expect(throws: JSONError.self) { try withBytes(json) { try JSONScanner.validate($0) } }
        #expect(throws: JSONError.self) { try value(json) }
        #expect(throws: JSONError.self) { try withBytes("[\"a\",\(json)]") { _ = try EventSlices.parse($0) } }
    }

    /// Every proper prefix of an array is cut somewhere.
    @Test func refusesEveryPrefix() {
        let json = Array(#"[{"a\u00e9\n":[-1.5e+3,true,false,null,"12345678\"9"],"b":{}},[[]],"x" , 0 ]"#.utf8)
        withBytes(json) { bytes in
            for count in 0..<json.count {
                #expect(throws: JSONError.self) {
                    try JSONScanner.validate(UnsafeRawBufferPointer(rebasing: bytes[..<count]))
                }
            }
            #expect(throws: Never.self) { try JSONScanner.validate(bytes) }
        }
    }

    @Test func boundsTheDepth() throws {
        for depth in [1, 2, 63, 64, 65, 127, 128, 129, 512] {
            let arrays = String(repeating: "[", count: depth) + String(repeating: "]", count: depth)
            let objects = String(repeating: #"{"a":"#, count: depth) + "1" + String(repeating: "}", count: depth)
            let mixed = String(repeating: #"[{"a":"#, count: depth) + "1" + String(repeating: "}]", count: depth)
            for (json, depth) in [(arrays, depth), (objects, depth), (mixed, 2 * depth)] {
                try withBytes(json) { try JSONScanner.validate($0, maximumDepth: depth) }
                #expect(throws: JSONError.tooDeep) {
                    try withBytes(json) { try JSONScanner.validate($0, maximumDepth: depth - 1) }
                }
                _ = try withBytes(json) { try JSONReader.value($0, maximumDepth: depth) }
                #expect(throws: JSONError.tooDeep) {
                    try withBytes(json) { _ = try JSONReader.value($0, maximumDepth: depth - 1) }
                }
            }
        }
        let bomb = String(repeating: "[", count: 1_000_000)
        #expect(throws: JSONError.tooDeep) { try withBytes(bomb) { try JSONScanner.validate($0) } }
        #expect(throws: JSONError.tooDeep) { try value(bomb) }
    }

    /// A wrong bracket must be seen at every depth, also where the stack of kinds grows beyond one word.
    @Test func seesCrossedBracketsAtEveryDepth() {
        let depth = 140
        for wrong in 0..<depth {
            var kinds = (0..<depth).map { $0 % 3 == 0 }
            let opening = kinds.map { $0 ? #"{"a":"# : "[" }.joined()
            kinds[wrong].toggle()
            let closing = kinds.reversed().map { $0 ? "}" : "]" }.joined()
            #expect(throws: JSONError.unexpectedByte) {
                try withBytes(opening + "0" + closing) { try JSONScanner.validate($0) }
            }
        }
    }

    @Test(arguments: [
        ("[]", ""), (" [ ] ", ""), ("[1]", "1"), ("[ 1 , 2 ]\n", " 1 , 2 "), (#"["]"]"#, #""]""#), ("[[]]", "[]"),
    ])
    func slicesArrays(_ json: String, _ inner: String) throws {
        #expect(try withBytes(json) { text(try JSONScanner.validateArray($0)) } == inner)
    }

    @Test(arguments: [
        ("", JSONError.unexpectedEnd), ("{}", .notAnArray), ("1", .notAnArray), ("[", .unexpectedEnd),
        ("[1", .unexpectedEnd),
        ("[]]", .trailingBytes), ("[1],", .trailingBytes), ("[1,]", .unexpectedByte), ("]", .notAnArray),
    ])
    func refusesWhatIsNoArray(_ json: String, _ error: JSONError) {
        #expect(throws: error) { try withBytes(json) { _ = try JSONScanner.validateArray($0) } }
    }

    @Test(arguments: [
        (#""x",{"_placeholder":true,"num":0}"#, 1),
        (#"{"num":1,"_placeholder":true},{"a":[{"_placeholder":true,"num":0}]}"#, 2),
        (#"{"_placeholder":false,"num":7}"#, 0), (#"{"_placeholder":"true","num":7}"#, 0), ("1,[]", 0), ("", 0),
        (#"{"_placeholder":true,"_placeholder":1,"num":7}"#, 0), (#"{"num":7}"#, 0),
        (#"{"a":{"_placeholder":null}}"#, 0),
        (#"[1,"_placeholder",true]"#, 0), (#"{ "_placeholder" : true , "num" : 0 }"#, 1),
        (#"{"x":"_placeholder","num":9}"#, 0),
    ])
    func acceptsPlaceholders(_ arguments: String, _ count: Int) throws {
        try withBytes(arguments) { try JSONScanner.validatePlaceholders($0, attachmentCount: count) }
    }

    @Test(arguments: [
        (#"{"_placeholder":true,"num":0}"#, 0), (#"{"_placeholder":true,"num":1}"#, 1),
        (#"{"_placeholder":true,"num":-1}"#, 1),
        (#"{"_placeholder":true}"#, 1), (#"{"_placeholder":true,"num":"0"}"#, 1),
        (#"{"_placeholder":true,"num":0.5}"#, 1),
        (#"[[{"a":{"_placeholder":true,"num":2}}]]"#, 2), (#"{"_placeholder":true,"num":0,"num":3}"#, 1),
        (#"{"\u005fplaceholder":true,"num":3}"#, 1), (#"{"_placeholder":true,"\u006eum":3,"x":0}"#, 1),
        (#"{"_placeholder":1,"_placeholder":true,"num":3}"#, 1),
        (#"{"num":0,"x":{"num":5},"_placeholder":true,"num":1}"#, 1),
        (#"{"_placeholder":true,"num":99999999999999999999}"#, 1),
        // A small packet must not become a huge one.
        (#"{"_placeholder":true,"num":0},{"_placeholder":true,"num":0}"#, 1),
    ])
    func refusesPlaceholders(_ arguments: String, _ count: Int) {
        #expect(throws: JSONError.placeholderOutOfRange) {
            try withBytes(arguments) { try JSONScanner.validatePlaceholders($0, attachmentCount: count) }
        }
    }

    @Test func givesDistinctReasons() {
        let errors: [JSONError] = [
            .unexpectedEnd, .unexpectedByte, .malformedNumber, .controlCharacter, .malformedEscape, .tooDeep,
            .trailingBytes,
            .notAnArray, .malformedEventName, .placeholderOutOfRange,
        ]
        #expect(Set(errors.map(\.reason)).count == errors.count)
    }
}
