// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

import EngineIOServer
import NIOCore
import SocketIOCodec
import TestSupport
import Testing

@testable import Rollcall

@Suite struct SmallPartsTests {
    private func bytes<T>(_ text: String, _ body: (UnsafeRawBufferPointer) -> T) -> T {
        Array(text.utf8).withUnsafeBytes(body)
    }

    @Test func eventTableFindsWhatWasAdded() {
        var table = EventTable()
        let names =
            (0..<300).map { "event-\($0)" } + ["", "a", "12345678", "123456789", "ä", "same-size-1", "same-size-2"]
        for name in names { table.add(name) { _, _ in } }
        table.add("a") { _, _ in }
        #expect(table.count == names.count)
        for name in names {
            #expect(self.bytes(name) { table.lookup($0)?.count } == (name == "a" ? 2 : 1), "\(name)")
        }
        for name in ["event-300", "b", "event", "same-size-3"] { #expect(self.bytes(name) { table.lookup($0) == nil }) }
        for name in names.dropFirst(2) { table.remove(name) }
        #expect(table.count == 2)
        #expect(self.bytes("event-1") { table.lookup($0) != nil } && self.bytes("event-2") { table.lookup($0) == nil })
    }

    private func text(_ write: (inout ByteBuffer) -> Void) -> String {
        var out = ByteBuffer()
        write(&out)
        let header = out.getInteger(at: 1, as: UInt8.self) == 126 ? 4 : 2
        return String(decoding: out.readableBytesView.dropFirst(header), as: UTF8.self)
    }

    @Test func packetsAreWrittenAsTheProtocolSays() {
        let admin = Array("/admin,".utf8)
        let cases: [(SocketPacketType, [UInt8], UInt64?, String, String)] = [
            (.event, [], nil, #"["e"]"#, #"42["e"]"#), (.event, admin, 0, #"["e"]"#, #"42/admin,0["e"]"#),
            (.event, [], 1 << 53, "[]", "429007199254740992[]"), (.connect, admin, nil, "{}", "40/admin,{}"),
            (.disconnect, admin, nil, "", "41/admin,"), (.connectError, [], nil, "{}", "44{}"),
        ]
        for (type, namespace, id, payload, wanted) in cases {
            let got = self.text { out in
                self.bytes(payload) {
                    PacketWriter.write(type, namespace: namespace, id: id, payload: $0, into: &out)
                }
            }
            #expect(got == wanted)
        }
        for (id, digits) in [(UInt64(0), "0"), (9, "9"), (10, "10"), (12345, "12345")] {
            let got = self.text { out in
                self.bytes("1,2") {
                    PacketWriter.writeAcknowledgement(namespace: admin, id: id, arguments: $0, into: &out)
                }
            }
            #expect(got == "43/admin,\(digits)[1,2]")
        }
        let binary = self.text { out in
            self.bytes("[]") {
                PacketWriter.write(
                    .ack, namespace: [], id: 7, payload: $0, attachments: [ByteBuffer(bytes: [1]), ByteBuffer()],
                    into: &out)
            }
        }
        #expect(binary == "462-7[]\u{82}\u{1}\u{1}\u{82}\u{0}".replacing("\u{82}", with: "\u{FFFD}"))
    }

    @Test func expiryEndsTheTransportSoThatTheClientComesBack() async throws {
        let clock = TestClock()
        try await withServer(clock: clock) { _ in
        } setUp: { server in
            server.main.on("expire") { (socket: Socket, inFuture: Bool) -> Int in
                socket.expire(at: inFuture ? Int64.max : 1)
                return 1
            }
        } _: { server, port in
            let lasting = try TestClient(connectedTo: port)
            try lasting.send(#"421["expire",true]"#)
            try lasting.expect("431[1]")
            let expired = try TestClient(connectedTo: port)
            try expired.send(#"421["expire",false]"#)
            try expired.expect("431[1]")
            try await server.advance(clock, by: .seconds(3))
            #expect(try expired.expectClose() == 1001)
            try lasting.send(#"422["expire",false]"#)
            try lasting.expect("432[1]")
            try await server.advance(clock, by: .seconds(3))
            #expect(server.engine.sessionCount == 1)
        }
    }
}
