// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

import NIOCore
import Rollcall
import SocketIOCodec

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// What the official JavaScript client's own tests ask for.
enum ClientProfile {
    private enum ReceivedBinaryKey: SocketDataKey { typealias Value = Bool }

    static func configure(_ configuration: inout ServerConfiguration) {
        configuration.pingInterval = .milliseconds(2000)
        configuration.pingTimeout = .milliseconds(20000)
        configuration.handshakeDelay = .milliseconds(10)
        configuration.connectionStateRecovery = ConnectionStateRecovery()
    }

    static func setUp(_ server: SocketIOServer) {
        for name in ["/timeout_socket", "/valid", "/asd"] { server.of(name) }
        server.of("/foo").on("getId") { (socket: Socket) -> String in socket.id }
        server.of("/abc").onConnection { socket in socket.emit("handshake", socket.handshake.value) }
        server.of("/no").use { _ in throw ConnectError("Auth failed (custom namespace)") }
        server.use { socket in
            if socket.handshake.query["fail"] != nil { throw ConnectError("Auth failed (main namespace)") }
        }
        self.answers(server.main)
        self.dates(server.main)
        self.binary(server.main)
    }

    private static func answers(_ main: Namespace) {
        main.on("hi") { (socket: Socket) in socket.emit("hi") }
        main.on("echo") { (_: Socket, value: SocketValue?) -> SocketValue? in value }
        main.on("getId") { (socket: Socket) -> String in socket.id }
        main.on("getHandshake") { (socket: Socket) -> SocketValue in socket.handshake.value }
        main.on("false") { (socket: Socket) in socket.emit("false", false) }
        main.on("ack") { (socket: Socket) in
            socket.emit("ack", timeout: nil) { result in
                guard case .success(let answer) = result else { return }
                let values = answer.values
                if values.first == 5, values.dropFirst().first?["test"] == true { socket.emit("got it") }
            }
        }
        main.on("getUtf8") { (socket: Socket) in
            for text in ["てすと", "Я Б Г Д Ж Й", "Ä ä Ü ü ß", "utf8 — string", "utf8 — string"] {
                socket.emit("takeUtf8", text)
            }
        }
    }

    private static func dates(_ main: Namespace) {
        main.on("getAckDate") { (_: Socket) -> String in self.now }
        main.on("getDate") { (socket: Socket) in socket.emit("takeDate", self.now) }
        main.on("getDateObj") { (socket: Socket) in socket.emit("takeDateObj", ["date": self.now]) }
    }

    /// As `JSON.stringify` writes a date.
    private static var now: String {
        Date.now.formatted(Date.ISO8601FormatStyle(includingFractionalSeconds: true))
    }

    private static func binary(_ main: Namespace) {
        main.on("doge") { (socket: Socket) in
            socket.emit("doge", SocketValue.binary(ByteBuffer(string: "asdfasdf")))
        }
        main.on("buffa") { (socket: Socket, value: SocketValue) in
            if value.binaryValue != nil { socket.emit("buffack") }
        }
        main.on("jsonbuff") { (socket: Socket, value: SocketValue) in
            guard value["hello"] == "lol", value["goodbye"] == "gotcha", value["message"]?.binaryValue != nil else {
                return
            }
            socket.emit("jsonbuff-ack")
        }
        main.on("abuff1") { (socket: Socket, value: SocketValue) in
            socket.data[ReceivedBinaryKey.self] = value.binaryValue != nil
        }
        main.on("abuff2") { (socket: Socket) in
            if socket.data[ReceivedBinaryKey.self] == true { socket.emit("abuff2-ack") }
        }
    }
}
