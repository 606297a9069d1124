// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

import Rollcall

/// What the reference's protocol test suites ask for: Engine.IO alone, Socket.IO, and a plain WebSocket.
enum ProtocolProfile {
    static func configure(_ configuration: inout ServerConfiguration) {
        configuration.pingInterval = .milliseconds(300)
        configuration.pingTimeout = .milliseconds(200)
        configuration.connectTimeout = .milliseconds(1000)
        configuration.engineEchoPath = "/engine.io"
        configuration.webSocketEcho = ["/ws-echo": 64 << 20]
    }

    static func setUp(_ server: SocketIOServer) {
        for namespace in [server.main, server.of("/custom")] {
            namespace.onConnection { socket in socket.emit("auth", socket.handshake.auth) }
        }
        server.main.on(
            "message",
            passing: { socket, arguments in
                socket.emit("message-back", passing: arguments)
                return nil
            })
        server.main.on("message-with-ack", passing: { _, arguments in arguments })
    }
}
