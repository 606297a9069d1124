// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

import NIOCore
import Rollcall
import SocketIOCodec

/// What checks from outside ask for: one set of handlers in several namespaces.
enum HarnessProfile {
    static func configure(_ configuration: inout ServerConfiguration) {
        configuration.pingInterval = .milliseconds(2000)
        configuration.pingTimeout = .milliseconds(2000)
        configuration.connectTimeout = .milliseconds(1000)
        configuration.limits.maxAttachments = 10
        configuration.cookie = .init(name: "sio")
        configuration.cors = .init(origins: ["http://allowed.example"], credentials: true)
        configuration.connectionStateRecovery = ConnectionStateRecovery()
    }

    static func setUp(_ server: SocketIOServer) {
        server.of("/auth").use { socket in
            guard socket.handshake.auth["token"]?.stringValue == "secret" else {
                throw ConnectError("not authorized", data: ["code": "E_AUTH", "retry": false])
            }
        }
        for name in ["/", "/chat", "/auth"] { self.setUp(server.of(name)) }
        self.setUp(server.of(matching: { name, _ in name.wholeMatch(of: /\/dyn-[0-9]+/) != nil }))
    }

    private static func setUp(_ namespace: some NamespaceProtocol) {
        self.answer(namespace)
        self.ask(namespace)
        self.send(namespace)
        self.rooms(namespace)
        namespace.on("kick") { (socket: Socket) in socket.disconnect() }
        namespace.on("kick-close") { (socket: Socket) in socket.disconnect(close: true) }
    }

    /// Events whose answer is an acknowledgement.
    private static func answer(_ namespace: some NamespaceProtocol) {
        for event in ["echo", "이벤트 🎉"] {
            namespace.on(
                event,
                acknowledging: { socket, arguments, acknowledgement in
                    if let acknowledgement {
                        acknowledgement.send(passing: arguments)
                    } else {
                        socket.emit(event, passing: arguments)
                    }
                })
        }
        namespace.on("whoami") { (socket: Socket) async -> SocketValue in await self.description(of: socket) }
        namespace.on("handshake") { (socket: Socket) -> SocketValue in socket.handshake.value }
        namespace.on("delay") { (_: Socket, milliseconds: Int) async throws -> String in
            try await Task.sleep(for: .milliseconds(milliseconds))
            return "done"
        }
        namespace.on("noack", acknowledging: { _, _, _ in })
        namespace.on("binsum") { (_: Socket, value: SocketValue) -> SocketValue in
            let leaves = self.binaryLeaves(of: value)
            return [
                "count": .int(Int64(leaves.count)), "bytes": .int(Int64(leaves.reduce(0) { $0 + $1.readableBytes })),
            ]
        }
        namespace.on("big") { (_: Socket, count: Int) -> String in String(repeating: "x", count: max(0, count)) }
        namespace.on("bigbin") { (_: Socket, count: Int) -> SocketValue in
            .binary(ByteBuffer(repeating: 7, count: max(0, count)))
        }
    }

    private static func description(of socket: Socket) async -> SocketValue {
        let rooms = await socket.rooms()
        return [
            "id": .string(socket.id), "nsp": .string(socket.namespace.name),
            "transport": await socket.transport().map { .string($0.rawValue) } ?? .null,
            "recovered": .bool(socket.recovered), "rooms": .array(rooms.sorted().map { .string($0) }),
        ]
    }

    private static func binaryLeaves(of value: SocketValue) -> [ByteBuffer] {
        switch value {
        case .binary(let bytes): [bytes]
        case .array(let items): items.flatMap { self.binaryLeaves(of: $0) }
        case .object(let members): members.values.flatMap { self.binaryLeaves(of: $0) }
        default: []
        }
    }

    /// Events that the client must acknowledge.
    private static func ask(_ namespace: some NamespaceProtocol) {
        for (event, limit) in [("ask", Duration.seconds(5)), ("ask-timeout", .milliseconds(200))] {
            namespace.on(event) { (socket: Socket) in
                socket.emit("question", 1, timeout: limit) { result in
                    switch result {
                    case .success(let answer):
                        socket.emit("answered", passing: Arguments([.string("ok")] + answer.values))
                    case .failure: socket.emit("answered", "timeout")
                    }
                }
            }
        }
    }

    /// Events that the server answers by events.
    private static func send(_ namespace: some NamespaceProtocol) {
        namespace.on("bin") { (socket: Socket) in
            let value: SocketValue = [
                "a": .binary(ByteBuffer(bytes: [1, 2, 3])),
                "list": [.binary(ByteBuffer(bytes: [4])), ["deep": .binary(ByteBuffer(bytes: [5, 6]))]],
                "text": "x",
            ]
            socket.emit("bin", value)
        }
        namespace.on("burst") { (socket: Socket, count: Int) in
            for index in 0..<max(0, count) { socket.emit("burst", index) }
        }
        namespace.on("volatile") { (socket: Socket, count: Int) in
            for index in 0..<max(0, count) { socket.emitVolatile("vol", index) }
        }
    }

    private static func rooms(_ namespace: some NamespaceProtocol) {
        namespace.on("join") { (socket: Socket, room: String) -> Bool in
            socket.join(room)
            return true
        }
        namespace.on("leave") { (socket: Socket, room: String) -> Bool in
            socket.leave(room)
            return true
        }
        namespace.on(
            "to-room",
            passing: { socket, arguments in
                let room: String = try arguments.decode(at: 0)
                let event: String = try arguments.decode(at: 1)
                socket.to(room).emit(event, passing: Arguments(Array(arguments.values.dropFirst(2))))
                return nil
            })
        namespace.on(
            "all",
            passing: { socket, arguments in
                let event: String = try arguments.decode(at: 0)
                socket.namespace.everyone.emit(event, passing: Arguments(Array(arguments.values.dropFirst())))
                return nil
            })
    }
}
