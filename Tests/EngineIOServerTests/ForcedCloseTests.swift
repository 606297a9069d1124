// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

import NIOCore
import TestSupport
import Testing

@testable import EngineIOServer

@Suite struct ForcedCloseTests {
    /// RFC 6455 section 7.1.1 has the server wait for the client's close frame: not for ever.
    @Test func aClientThatDoesNotAnswerACloseFrameIsCutOff() async throws {
        try await withEngine {
            $0.closeTimeout = .milliseconds(50)
        } _: { engine in
            let client = try TestClient(port: engine.port)
            try client.openSession()
            try client.send("4close")
            #expect(try client.readFrame().first == 0x88)
            try client.expectEnd()
        }
    }

    /// The C++ client comes back after a code other than 1000 alone, and takes none for 1000.
    @Test(arguments: [("comeback", 1001 as Int?), ("close", nil)])
    func theCloseFrameTellsWhetherToComeBack(message: String, code: Int?) async throws {
        try await withEngine { engine in
            let client = try TestClient(port: engine.port)
            try client.openSession()
            try client.send("4" + message)
            let frame = try client.readFrame()
            #expect(frame.first == 0x88 && frame.closeCode == code)
        }
    }
}
