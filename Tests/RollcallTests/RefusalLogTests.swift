// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

import EngineIOServer
import Logging
import SocketIOCodec
import TestSupport
import Testing
import UserRegistryCore

@testable import Rollcall

@Suite struct RefusalLogTests {
    private func entry(_ code: String) -> RefusalLog.Entry {
        RefusalLog.Entry(message: "connection refused", code: code, reason: "text", address: "10.0.0.1")
    }

    @Test func aFloodIsCutAndCounted() {
        let lines = Notes()
        let log = RefusalLog(Logger(recording: lines))
        for _ in 0..<250 { log.note(self.entry("TOKEN_INVALID"), now: 5_100_000_000) }
        #expect(lines.all.count == 100)
        // The flood of clients does not silence what the operator should see.
        log.note(notable: self.entry("USER_ALREADY_CONNECTED"), now: 5_900_000_000)
        #expect(lines.all.last?.hasPrefix("info ") == true)
        log.note(self.entry("TOKEN_INVALID"), now: 6_000_000_000)
        log.note(self.entry("TOKEN_INVALID"), now: 6_000_000_000)
        #expect(lines.all.count == 103)
        #expect(lines.all[101].contains("\"unwritten\": 150") && !lines.all[102].contains("unwritten"))
    }

    @Test func levelsThatAreOffCostNothing() {
        let lines = Notes()
        var made = 0
        func entry() -> RefusalLog.Entry {
            made += 1
            return self.entry("X")
        }
        let log = RefusalLog(Logger(recording: lines, level: .info))
        log.note(entry())
        #expect(made == 0 && lines.all.isEmpty)
        log.note(notable: entry())
        #expect(made == 1 && lines.all.count == 1)
    }

    /// One line for each, with the user where somebody vouched for it, and never what the client sent as its proof.
    @Test func eachRefusalIsOneLine() async throws {
        let lines = Notes()
        let registry = InMemoryUserRegistry(node: "n", policy: .reject)
        try await withServer(
            admission: Admission(registry: registry), logger: Logger(recording: lines),
            { $0.limits.maxConnections = 4 },
            setUp: { server in
                server.use { socket in
                    let token = socket.handshake.auth["token"]?.stringValue ?? ""
                    guard token != "bad" else { throw ConnectError("no", code: "TOKEN_INVALID") }
                    guard token != "later" else { throw TemporaryRefusal(code: "LATER") }
                    socket.data.user = User(id: "u")
                }
            }
        ) { server, port in
            func lastLine(_ count: Int) async throws -> String {
                try await eventually("\(count) lines") { lines.all.count >= count }
                try check(lines.all.count, count)
                return lines.all[count - 1]
            }
            let first = try TestClient(connectedTo: port, auth: #"{"token":"one-secret"}"#)
            let second = try TestClient(port: port)
            try second.openSession()
            try second.send(#"40{"token":"other-secret"}"#)
            #expect(try second.readText().hasPrefix("44"))
            let duplicate = try await lastLine(1)
            #expect(duplicate.hasPrefix("info connection refused"))
            for part in ["USER_ALREADY_CONNECTED", "User is already connected.", "\"user\": u", "127.0.0.1"] {
                #expect(duplicate.contains(part))
            }
            try second.send(#"40{"token":"bad"}"#)
            #expect(try second.readText().hasPrefix("44"))
            let invalid = try await lastLine(2)
            #expect(invalid.hasPrefix("debug connection refused") && invalid.contains("TOKEN_INVALID"))
            #expect(!invalid.contains("user"))
            try second.send("40/other,")
            #expect(try second.readText().hasPrefix("44/other,"))
            #expect(try await lastLine(3).contains("INVALID_NAMESPACE"))
            try second.send(#"40{"token":"later"}"#)
            _ = try second.expectClose()
            let later = try await lastLine(4)
            #expect(later.hasPrefix("debug connection closed") && later.contains("LATER"))
            #expect(try await registry.disconnect(user: "u", reason: "admin") == 1)
            try first.expect("41")
            let kicked = try await lastLine(5)
            #expect(kicked.hasPrefix("info connection closed") && kicked.contains("KICKED"))
            try await eventually("both are closed") { server.engine.sessionCount == 0 }
            let all = try (0..<5).map { _ in try TestClient(port: port) }
            for client in all.dropLast() { try client.openSession() }
            #expect(try all[4].roundTrip("GET", TestClient.path + "polling").status == 503)
            let full = try await lastLine(6)
            #expect(full.hasPrefix("debug connection refused") && full.contains("SERVER_FULL"))
            #expect(!lines.all.contains { $0.contains("secret") })
        }
    }

    /// A program that keeps a namespace or a socket after the server has ended may still ask it.
    @Test func theServerOutlivesWhatRefersToIt() async throws {
        let sockets = Recorder<Socket>()
        let namespaces = Recorder<Namespace>()
        let servers = WeakReferences()
        try await withServer(setUp: { server in
            servers.add(server)
            namespaces.add(server.main)
            server.onConnection { sockets.add($0) }
        }) { _, port in
            _ = try TestClient(connectedTo: port)
            try await eventually("connected") { !sockets.all.isEmpty }
        }
        for socket in sockets.all { socket.emit("late", 1) }
        for namespace in namespaces.all { namespace.everyone.emit("late", 1) }
        #expect(servers.living == 1)
        sockets.clear()
        namespaces.clear()
        try await eventually("the server is freed") { servers.living == 0 }
    }
}
