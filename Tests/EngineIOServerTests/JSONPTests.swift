// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

import TestSupport
import Testing

@testable import EngineIOServer

/// JSONP polling: answers are calls of a callback, bodies are forms.
@Suite struct JSONPTests {
    @Test(arguments: [3, 4])
    func bothWays(version: Int) async throws {
        try await withEngine {
            $0.allowEIO3 = true
        } _: { engine in
            let client = try TestClient(port: engine.port)
            let path = "/socket.io/?EIO=\(version)&transport=polling&j=7"
            let open = try client.roundTrip("GET", path)
            #expect(open.status == 200 && open.headers["content-type"] == "text/plain; charset=UTF-8")
            let start = try #require(open.body.firstRange(of: #"0{\"sid\":\""#))
            #expect(open.body.hasPrefix("___eio[7](\"") && open.body.hasSuffix("\");"))
            let target = path + "&sid=" + open.body[start.upperBound...].prefix(20)
            let packet = "4a \"b\"\n\\n\u{2028}"
            let body = (version == 3 ? "\(packet.utf16.count):" : "") + packet
            let form = "d=" + Self.escape(body.replacing("\\n", with: "\\\\n").replacing("\n", with: "\\n"))
            let posted = try client.roundTrip(
                "POST", target, headers: ["Content-Type: application/x-www-form-urlencoded"], body: form)
            #expect(posted.status == 200 && posted.body == "ok")
            let prefix = version == 3 ? "\(packet.utf16.count):" : ""
            #expect(try client.roundTrip("GET", target).body == #"___eio[7]("\#(prefix)4a \"b\"\n\\n\u2028");"#)
            #expect(try client.roundTrip("POST", target, body: "nothing=1").body == "ok")
            #expect(engine.delegate.notes.all.isEmpty)
            #expect(try client.roundTrip("POST", target, body: "d=9").body == "ok")
            try await eventually("closed") { engine.delegate.notes.all == ["parse error"] }
        }
    }

    /// Percent-escapes everything.
    private static func escape(_ text: String) -> String {
        text.utf8.map { byte in (byte < 16 ? "%0" : "%") + String(byte, radix: 16) }.joined()
    }
}
