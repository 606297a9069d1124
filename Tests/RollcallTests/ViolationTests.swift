// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

import EngineIOServer
import NIOCore
import SocketIOCodec
import TestSupport
import Testing

@testable import Rollcall

/// Packets of the default parser that end their connection, the reason in the counters, and nobody else's.
@Suite struct ViolationTests {
    /// Messages; those that begin with `b` are binary.
    private struct Case: Sendable, CustomTestStringConvertible {
        let reason: String
        let messages: [String]
        var testDescription: String { "\(self.reason) \(self.messages.map { String($0.prefix(40)) })" }

        init(_ reason: String, _ messages: String...) {
            self.reason = reason
            self.messages = messages
        }
    }

    private static let cases = [
        Case("unknown_type", "4"), Case("unknown_type", "49"), Case("unknown_type", "4a"), Case("unknown_type", "499"),
        Case("malformed_attachment_count", "45"), Case("malformed_attachment_count", "451"),
        Case("malformed_attachment_count", "45a-"), Case("malformed_attachment_count", "451.23-[\"e\"]"),
        Case("malformed_attachment_count", "45-1-[\"e\"]"), Case("malformed_attachment_count", "46[]"),
        Case("too_many_attachments", "4511-[\"e\"]"), Case("too_many_attachments", "4599999999999999999999-[\"e\"]"),
        Case("id_out_of_range", "429007199254740993[\"e\"]"),
        Case("id_out_of_range", "42" + String(repeating: "9", count: 100_000) + "[\"e\"]"),
        Case("malformed_payload", "42"), Case("malformed_payload", "42{}"), Case("malformed_payload", "43"),
        Case("malformed_payload", "431{}"), Case("malformed_payload", "41{}"), Case("malformed_payload", "41[]"),
        Case("malformed_payload", #"442["some","data""#), Case("malformed_payload", #"40/a,"invalid""#),
        Case("malformed_payload", "40[]"), Case("malformed_payload", "40/a,{"),
        Case("malformed_payload", "40/a," + String(repeating: #"{"a":"#, count: 100_000)),
        Case("malformed_json", #"42["e",]"#), Case("malformed_json", #"42["e""#), Case("malformed_json", "431[1"),
        Case("malformed_json", #"42["e"]x"#), Case("malformed_json", #"42["e",01]"#),
        Case("json_too_deep", #"42["e","# + String(repeating: "[", count: 100_000)),
        Case("json_too_deep", #"42["e","# + String(repeating: "[", count: 512) + String(repeating: "]", count: 513)),
        Case("json_too_deep", "431" + String(repeating: "[", count: 100_000)),
        Case("malformed_event_name", "42[]"), Case("malformed_event_name", "42[null]"),
        Case("malformed_event_name", #"42[true,"foo"]"#), Case("malformed_event_name", #"42[{"toString":"foo"}]"#),
        Case("malformed_event_name", "42[[1]]"),
        Case("reserved_event_name", #"42["connect"]"#), Case("reserved_event_name", #"42["connect_error"]"#),
        Case("reserved_event_name", #"42["disconnect","123"]"#), Case("reserved_event_name", #"42["disconnecting"]"#),
        Case("reserved_event_name", #"42["newListener"]"#), Case("reserved_event_name", #"42["\u0072emoveListener"]"#),
        Case("placeholder_out_of_range", #"451-["e",{"_placeholder":true,"num":1}]"#, "b"),
        Case("placeholder_out_of_range", #"451-["e",{"a":[{"_placeholder":true,"num":-1}]}]"#, "b"),
        Case("placeholder_out_of_range", #"451-["e",{"_placeholder":true,"num":"splice"}]"#, "b"),
        Case("placeholder_out_of_range", #"451-["e",{"_placeholder":true,"num":0.5}]"#, "b"),
        Case("placeholder_out_of_range", #"451-["e",{"_placeholder":true}]"#, "b"),
        Case("placeholder_out_of_range", #"461-0[{"_placeholder":true,"num":18446744073709551616}]"#, "b"),
        Case("text_among_attachments", #"451-["e",{"_placeholder":true,"num":0}]"#, #"42["e"]"#),
        Case("attachment_without_packet", "b"),
        Case("attachment_without_packet", #"451-["e",{"_placeholder":true,"num":0}]"#, "b", "b"),
        Case("attachment_without_packet", #"450-["e"]"#, "b"),
        Case(
            "attachments_too_large", #"452-["e"]"#, "b" + String(repeating: "x", count: 600),
            "b" + String(repeating: "x", count: 600)),
        Case("before_connect", #"42/other,["e"]"#), Case("before_connect", "41/other,"),
        Case("before_connect", "43/other,1[]"), Case("second_connect", "40"), Case("second_connect", "40/,{}"),
        Case("connect_error_from_client", "44{}"), Case("connect_error_from_client", #"44"no""#),
    ]

    @Test(arguments: Self.cases)
    private func endsTheConnection(_ violation: Case) async throws {
        try await withServer {
            $0.limits.maxAttachmentBytes = 1000
        } setUp: { server in
            server.main.on("e", passing: { _, arguments in arguments })
        } _: { server, port in
            let client = try TestClient(connectedTo: port)
            let other = try TestClient(connectedTo: port)
            for message in violation.messages {
                let isBinary = message.hasPrefix("b")
                try client.write(TestClient.frame(isBinary ? 0x82 : 0x81, Array(message.utf8)))
            }
            #expect(try client.expectClose() == nil)
            let refused = await server.engine.counters().refused.filter { $0.key.hasPrefix("packet_") }
            #expect(refused == ["packet_" + violation.reason: 1])
            try other.send(#"421["e",1]"#)
            try other.expect("431[1]")
            #expect(server.engine.sessionCount == 1)
        }
    }

    @Test func attachmentsAtAnyDepthBothWays() async throws {
        try await withServer(setUp: { server in
            server.main.on("e", passing: { _, arguments in arguments })
            server.main.on("tree") { (_: Socket, value: SocketValue) in value }
        }) { _, port in
            let client = try TestClient(connectedTo: port)
            let tree = #"{"b":{"why":{"_placeholder":true,"num":1},"x":[[{"num":0,"_placeholder":true}]],"n":null}}"#
            for event in ["e", "tree"] {
                try client.write(TestClient.texts([#"452-999["\#(event)",\#(tree)]"#]))
                try client.write(TestClient.frame(0x82, [1]) + TestClient.frame(0x82, []))
                let answer = try client.readText()
                #expect(answer.hasPrefix("462-999[{\"b\":{"))
                let binaries = [try client.readFrame().payload, try client.readFrame().payload]
                let value = try Array(answer.utf8.dropFirst(7)).withUnsafeBytes { text in
                    try JSONReader.value(text, attachments: binaries.map { .init(bytes: $0) })
                }
                #expect(value[0]?["b"]?["why"] == .binary(.init()))
                #expect(value[0]?["b"]?["x"]?[0]?[0] == .binary(.init(bytes: [1])))
            }
            // Ten are allowed; none are, too; and what looks like a placeholder is an object where there are none.
            let ten = (0..<10).map { #"{"_placeholder":true,"num":\#($0)}"# }.joined(separator: ",")
            try client.write(TestClient.texts(["4510-1[\"e\",\(ten)]"]))
            for number in 0..<10 { try client.write(TestClient.frame(0x82, [UInt8(number)])) }
            try client.expect("4610-1[\(ten)]")
            for number in 0..<10 { #expect(try client.readFrame().payload == [UInt8(number)]) }
            try client.send(#"450-2["e",{"_placeholder":true,"num":3}]"#, #"429007199254740992["e"]"#)
            try client.expect(#"432[{"_placeholder":true,"num":3}]"#, "439007199254740992[]")
            let name = String(repeating: "n", count: 500_000)
            try client.send("421[\"\(name)\"]", #"423[7,"numeric"]"#, #"424["e"]"#)
            try client.expect("434[]")
        }
    }
}
