// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

import EngineIOServer
import NIOCore
import SocketIOCodec
import Synchronization
import TestSupport
import Testing

@testable import Rollcall

/// Handlers that answer by hand, and what a server says of its connections.
@Suite struct AcknowledgementTests {
    @Test func handlersAnswerOnceNowOrLaterAndKnowWhetherToAnswer() async throws {
        let later = Mutex<Acknowledgement?>(nil)
        try await withServer(setUp: { server in
            server.main.on(
                "echo",
                acknowledging: { socket, arguments, acknowledgement in
                    guard let acknowledgement else { return socket.emit("echo", passing: arguments) }
                    acknowledgement.send(passing: arguments)
                    acknowledgement.send("again")
                })
            server.main.on("later", acknowledging: { _, _, acknowledgement in later.withLock { $0 = acknowledgement } })
            server.onConnection { socket in
                socket.on("fail", acknowledging: { _, _ in throw EventError("no", code: "NO") })
                socket.on("flush") { later.withLock { $0 }?.send(1, ["a": nil]) }
            }
        }) { _, port in
            let client = try TestClient(connectedTo: port)
            try client.send(#"42["echo","x",[1]]"#, #"421["echo","x",[1]]"#, #"42["echo"]"#, #"422["echo"]"#)
            try client.expect(#"42["echo","x",[1]]"#, #"431["x",[1]]"#, #"42["echo"]"#, "432[]")
            try client.send(#"423["later"]"#, #"42["echo",1]"#, #"42["flush"]"#)
            try client.expect(#"42["echo",1]"#, #"433[1,{"a":null}]"#)
            try client.send(#"424["fail"]"#)
            #expect(try client.readText().hasPrefix("434[{"))
        }
    }

    @Test func socketsTellTheirTransport() async throws {
        let gone = Mutex<Socket?>(nil)
        try await withServer(setUp: { server in
            server.main.on("transport") { (socket: Socket) async -> String? in
                gone.withLock { $0 = socket }
                return await socket.transport()?.rawValue
            }
        }) { server, port in
            let client = try TestClient(connectedTo: port)
            try client.send(#"421["transport"]"#)
            try client.expect(#"431["websocket"]"#)
            client.close()
            try await eventually("closed") { server.engine.sessionCount == 0 }
            let socket = try #require(gone.withLock { $0 })
            #expect(await socket.transport() == nil)
        }
    }

    @Test func runTakesOverAServerThatWasStarted() async throws {
        var configuration = ServerConfiguration()
        configuration.port = 0
        let server = SocketIOServer(configuration)
        server.of("/")
        let port = try await server.start()
        let running = Task { try await server.run() }
        try await blocking {
            let client = try TestClient(connectedTo: port)
            running.cancel()
            try client.expectEnd()
        }
        try await running.value
    }
}
