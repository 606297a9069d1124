// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

import SocketIOCodec
import Testing

@Suite struct EventSlicesTests {
    @Test(arguments: [
        (#"["echo","hello"]"#, "echo", #""hello""#),
        (#"["echo"]"#, "echo", ""),
        (#"["echo" ]"#, "echo", ""),
        (#" [ "echo" , 1 , [2] ] "#, "echo", " 1 , [2] "),
        (#"["",null]"#, "", "null"),
        (#"["a",{"b":[1,"]"]},"\"]"]"#, "a", #"{"b":[1,"]"]},"\"]""#),
        (#"["이벤트","값"]"#, "이벤트", #""값""#),
        (#"["a","[","]"]"#, "a", #""[","]""#),
    ])
    func slices(_ payload: String, _ name: String, _ arguments: String) throws {
        try withBytes(payload) { bytes in
            let event = try EventSlices.parse(bytes)
            #expect(text(event.name) == name)
            #expect(event.decodedName == name)
            #expect(!event.nameIsEscaped)
            #expect(!event.nameIsNumber)
            #expect(text(event.arguments) == arguments)
        }
    }

    @Test(arguments: [
        (#"["a\nb"]"#, #"a\nb"#, "a\nb"),
        (#"["\u0065cho"]"#, #"\u0065cho"#, "echo"),
        (#"["\ud83d\ude00",1]"#, #"\ud83d\ude00"#, "😀"),
        (#"["\\"]"#, #"\\"#, #"\"#),
    ])
    func decodesEscapedNames(_ payload: String, _ name: String, _ decoded: String) throws {
        try withBytes(payload) { bytes in
            let event = try EventSlices.parse(bytes)
            #expect(event.nameIsEscaped)
            #expect(text(event.name) == name)
            #expect(event.decodedName == decoded)
        }
    }

    @Test(arguments: [
        ("[5]", "5", "5"), ("[-12,1]", "-12", "-12"), ("[1.0]", "1.0", "1"), ("[1e3]", "1e3", "1000"),
        ("[0.5,[]]", "0.5", "0.5"), ("[-0]", "-0", "0"),
        ("[12345678901234567890]", "12345678901234567890", "12345678901234567000"),
    ])
    func acceptsNumericNames(_ payload: String, _ name: String, _ decoded: String) throws {
        try withBytes(payload) { bytes in
            let event = try EventSlices.parse(bytes)
            #expect(event.nameIsNumber)
            #expect(text(event.name) == name)
            #expect(event.decodedName == decoded)
            #expect(!event.isReserved)
        }
    }

    @Test(arguments: [
        ("", JSONError.unexpectedEnd),
        ("[", .unexpectedEnd),
        ("[]", .malformedEventName),
        ("[null]", .malformedEventName),
        ("[true,1]", .malformedEventName),
        ("[[\"x\"]]", .malformedEventName),
        ("[{}]", .malformedEventName),
        ("{}", .notAnArray),
        (#""x""#, .notAnArray),
        (#"["x""#, .unexpectedEnd),
        (#"["x"#, .unexpectedEnd),
        (#"["x","#, .unexpectedEnd),
        (#"["x",]"#, .unexpectedByte),
        (#"["x" 1]"#, .unexpectedByte),
        (#"["x":1]"#, .unexpectedByte),
        (#"["x"}"#, .unexpectedByte),
        (#"["x",1}"#, .unexpectedByte),
        (#"["x",1]]"#, .trailingBytes),
        (#"["x"],"#, .trailingBytes),
        (#"["x"]x"#, .trailingBytes),
        (#"[01]"#, .malformedNumber),
        ("[\"x\u{1}\"]", .controlCharacter),
        (#"["\x"]"#, .malformedEscape),
        (#"["x",{"a":1,}]"#, .unexpectedByte),
    ])
    func refuses(_ payload: String, _ error: JSONError) {
        #expect(throws: error) { try withBytes(payload) { _ = try EventSlices.parse($0) } }
    }

    @Test func boundsTheDepth() throws {
        let payload = Array(#"["x",[[]]]"#.utf8)
        try payload.withUnsafeBytes { bytes in
            _ = try EventSlices.parse(bytes, maximumDepth: 3)
            #expect(throws: JSONError.tooDeep) { try EventSlices.parse(bytes, maximumDepth: 2) }
            #expect(throws: JSONError.tooDeep) { try EventSlices.parse(bytes, maximumDepth: 0) }
        }
    }

    @Test(arguments: ["connect", "connect_error", "disconnect", "disconnecting", "newListener", "removeListener"])
    func knowsReservedNames(_ name: String) throws {
        #expect(withBytes(name) { EventSlices.isReservedEventName($0) })
        #expect(withBytes(name + "x") { !EventSlices.isReservedEventName($0) })
        #expect(withBytes(String(name.dropLast())) { !EventSlices.isReservedEventName($0) })
        #expect(withBytes(name.uppercased()) { !EventSlices.isReservedEventName($0) })
        #expect(try withBytes("[\"\(name)\",1]") { try EventSlices.parse($0).isReserved })
        let escaped = "\\u00" + String(name.utf8.first ?? 0, radix: 16) + name.dropFirst()
        #expect(try withBytes("[\"\(escaped)\",1]") { try EventSlices.parse($0).isReserved })
    }

    @Test func otherNamesAreFree() throws {
        for name in ["", "echo", "error", "connection", "disconnected", "removeListenes"] {
            #expect(withBytes(name) { !EventSlices.isReservedEventName($0) })
        }
    }

    @Test(arguments: [
        ("", []),
        ("  ", []),
        ("1", ["1"]),
        (#""a","b""#, [#""a""#, #""b""#]),
        (#" 1 , "x,]" , [1,[2]] , {"a":"}"} , null "#, ["1", #""x,]""#, "[1,[2]]", #"{"a":"}"}"#, "null"]),
        (#""\"","\\",-1.5e3"#, [#""\"""#, #""\\""#, "-1.5e3"]),
        ("[],{},\"\"", ["[]", "{}", "\"\""]),
    ])
    func walksThroughArguments(_ arguments: String, _ values: [String]) {
        #expect(withBytes(arguments) { ArgumentSlices($0).map(text) } == values)
    }

    @Test func argumentsOfNoBytesAreNone() {
        #expect(ArgumentSlices(UnsafeRawBufferPointer(start: nil, count: 0)).map(text).isEmpty)
    }
}
