// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

import Testing

@testable import RollcallAdmin

@Suite struct EmitRequestTests {
    @Test(arguments: [
        (#" { "event" : "e" , "args" : [ ] } "#, "[ ]"),
        (#"{"event":"e","args":[1,-0.5e+10,true,false,null]}"#, "[1,-0.5e+10,true,false,null]"),
        (#"{"event":"e","args":["\ud83e\udd8a\"\\"]}"#, #"["\ud83e\udd8a\"\\"]"#),
        (#"{"event":"e","args":["\ud800"]}"#, #"["\ud800"]"#),
        (#"{"event":"e","args":[{"a":{"event":"x"}}]}"#, #"[{"a":{"event":"x"}}]"#),
    ])
    func argumentsStayAsWritten(json: String, args: String) throws {
        #expect(try EmitRequest(json: Array(json.utf8)).args == args)
    }

    @Test func stringsAreDecoded() throws {
        let json = #"{"event":"\ud83e\udd8a\n\u00e9","rooms":["a\/b","\"\\\b\f\r\t"],"except":["이"]}"#
        let request = try EmitRequest(json: Array(json.utf8))
        #expect(request.event == "🦊\né")
        #expect(request.rooms == ["a/b", "\"\\\u{8}\u{C}\r\t"])
        #expect(request.except == ["이"])
    }

    @Test(arguments: [
        "", " ", "{", "}", "nul", "[1,]", #"{"event":}"#, #"{"event":"e",}"#, #"{"event" "e"}"#, #"{event:"e"}"#,
        #"{"event":"e"} x"#, #"{"event":"e","args":[01]}"#, #"{"event":"e","args":[1.]}"#, #"{"event":"e","args":[-]}"#,
        #"{"event":"e","args":[1e]}"#, #"{"event":"e","args":["\x"]}"#, #"{"event":"e","args":["\u12g4"]}"#,
        "{\"event\":\"a\nb\"}", #"{"event":"e"#, #"{"event":"e\"#, #"{"event":"e","args":[tru]}"#,
        #"{"event":"e","args":[.5]}"#,
        #"{"event":"e","args":[+1]}"#, #"{"event":"e","args":[NaN]}"#, "\u{FEFF}{}", #"{'event':'e'}"#,
    ])
    func whatIsNotJSONIsRefused(json: String) {
        let error = #expect(throws: AdminError.self) { try EmitRequest(json: Array(json.utf8)) }
        #expect(error?.code == "INVALID_JSON")
        #expect(error?.status == 400)
        // What is wrong, but not where: the codec's scanner keeps no offset of an error.
        #expect(error?.message.hasPrefix("malformed JSON: ") == true)
    }

    @Test(arguments: [
        "[]", "1", "null", "{}", #"{"event":""}"#, #"{"event":1}"#, #"{"event":"\ud800"}"#,
        #"{"event":"disconnecting"}"#,
        #"{"event":"newListener"}"#, #"{"event":"e","args":{}}"#, #"{"event":"e","args":"x"}"#,
        #"{"event":"e","args":null}"#,
        #"{"event":"e","rooms":"a"}"#, #"{"event":"e","rooms":[1]}"#, #"{"event":"e","except":[["a"]]}"#,
        #"{"event":"e","room":["a"]}"#, #"{"event":"e","event":"f"}"#, #"{"event":"e","\u0065vent":"f"}"#,
        #"{"event":"e","namespace":"n"}"#, #"{"event":"e","namespace":""}"#, #"{"event":"e","namespace":"/a,b"}"#,
    ])
    func whatIsNotARequestIsRefused(json: String) {
        let error = #expect(throws: AdminError.self) { try EmitRequest(json: Array(json.utf8)) }
        #expect(error?.code == "INVALID_REQUEST")
    }

    @Test func bytesThatAreNotUTF8AreRefused() {
        let error = #expect(throws: AdminError.self) {
            try EmitRequest(json: Array(#"{"event":""#.utf8) + [0xFF] + Array(#""}"#.utf8))
        }
        #expect(error?.code == "INVALID_JSON")
    }

    @Test func depthIsBounded() throws {
        func nested(_ depth: Int) -> [UInt8] {
            let brackets = (String(repeating: "[", count: depth), String(repeating: "]", count: depth))
            return Array(#"{"event":"e","args":\#(brackets.0)\#(brackets.1)}"#.utf8)
        }
        // The object is one level, the arrays are the others.
        _ = try EmitRequest(json: nested(127))
        let error = #expect(throws: AdminError.self) { try EmitRequest(json: nested(128)) }
        #expect(error?.code == "INVALID_JSON")
        #expect(error?.message == "the JSON is nested deeper than 128")
        #expect(throws: AdminError.self) { try EmitRequest(json: nested(100_000)) }
    }

    /// No prefix of a request is a request, and none brings the scanner down.
    @Test func everyTruncationIsRefused() throws {
        let json = Array(#"{"event":"e\u00e9","rooms":["a"],"args":[-1.5e3,{"k":[true,null,"\\"]}]}"#.utf8)
        _ = try EmitRequest(json: json)
        for length in 0..<json.count {
            #expect(throws: AdminError.self) { try EmitRequest(json: Array(json.prefix(length))) }
        }
    }
}
