// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

import NIOCore
import SocketIOCodec
import TestSupport
import Testing
import UserRegistryCore

@testable import Rollcall

/// Clients that come back to their session.
@Suite struct RecoveryTests {
    private enum NameKey: SocketDataKey { typealias Value = String }

    /// What a CONNECT packet says.
    private struct Identity: Equatable {
        var id: String
        var privateID: String

        /// `40{"sid":"…","pid":"…"}`.
        init(_ connect: String) throws {
            let parts = connect.split(separator: "\"").map(String.init)
            guard connect.hasPrefix("40{\"sid\":\""), parts.count == 9, parts[5] == "pid" else {
                throw TestFailure("no CONNECT with pid: \(connect)")
            }
            self.id = parts[3]
            self.privateID = parts[7]
        }
    }

    private static func connect(_ port: Int, _ auth: String = "") throws -> (TestClient, Identity) {
        let client = try TestClient(port: port)
        try client.openSession()
        try client.send("40\(auth)")
        return (client, try Identity(try client.readText()))
    }

    /// The event that must come next, without its offset; and the offset.
    @discardableResult
    private static func expect(_ client: TestClient, _ event: String) throws -> String {
        let text = try client.readText()
        guard text.hasPrefix("42"), text.hasSuffix("\"]"), let comma = text.lastIndex(of: ",") else {
            throw TestFailure("no event with an offset: \(text)")
        }
        try check(text[..<comma] + "]", "42\(event)"[...], "event")
        return String(text[comma...].dropFirst(2).dropLast(2))
    }

    private static func back(_ port: Int, _ identity: Identity, _ offset: String, _ more: String = "") throws
        -> TestClient
    {
        let client = try TestClient(port: port)
        try client.openSession()
        try client.send(#"40{"pid":"\#(identity.privateID)","offset":"\#(offset)"\#(more)}"#)
        return client
    }

    private static func expectFresh(_ client: TestClient, _ old: Identity) throws {
        let fresh = try Identity(try client.readText())
        guard fresh.id != old.id, fresh.privateID != old.privateID else { throw TestFailure("not fresh") }
    }

    private static func lose(_ client: TestClient, _ server: SocketIOServer, kept: Int = 1) async throws {
        client.close()
        try await eventually("session kept") { server.main.recovery?.sizes.sessions == kept }
    }

    /// A client has come, seen one event, and lost its connection. How it may come back.
    private static func loseOne(
        _ server: SocketIOServer, _ port: Int, _ auth: String = ""
    ) async throws -> (Identity, offset: String) {
        let (client, identity) = try Self.connect(port, auth)
        server.emit("a")
        let offset = try Self.expect(client, #"["a"]"#)
        try await Self.lose(client, server)
        return (identity, offset)
    }

    private static func withRecovery(
        _ recovery: ConnectionStateRecovery? = ConnectionStateRecovery(), loops: Int = 1, admission: Admission? = nil,
        clock: TestClock = TestClock(), _ change: (inout ServerConfiguration) -> Void = { _ in },
        setUp: (SocketIOServer) -> Void = { _ in },
        _ body: @escaping @Sendable (SocketIOServer, Int) async throws -> Void
    ) async throws {
        try await withServer(
            loops: loops, admission: admission, clock: clock,
            {
                $0.connectionStateRecovery = recovery
                change(&$0)
            }, setUp: setUp, body)
    }

    @Test func sessionAndMissedEventsComeBack() async throws {
        let notes = Notes()
        try await Self.withRecovery(setUp: { server in
            server.use { _ in notes.add("middleware") }
            server.onConnection { socket in
                notes.add("\(socket.recovered) \(socket.data[NameKey.self] ?? "nobody")")
                socket.data[NameKey.self] = "Ada"
                if !socket.recovered { socket.join(["room", "left"]) }
                socket.on("rooms") { () async -> [String] in await socket.rooms().sorted() }
            }
            server.main.onDisconnecting { socket, _ in socket.leave("left") }
        }) { server, port in
            let (client, identity) = try Self.connect(port)
            #expect(identity.privateID != identity.id && identity.privateID.count == 20)
            server.emit("hello")
            let offset = try Self.expect(client, #"["hello"]"#)
            let socket = try #require(await server.main.mapLocalSockets(BroadcastOptions(), { $0 }).first)
            try await Self.lose(client, server)
            server.emit("all", 1)
            server.to("room").emit("room", SocketBinary(bytes: [1, 2]))
            server.to("left").emit("left")
            server.to("other").emit("other")
            server.main.everyone.except("room").emit("excepted")
            server.main.everyone.volatile.emit("volatile")
            socket.emit("direct", "x")
            let again = try Self.back(port, identity, offset)
            try Self.expect(again, #"["all",1]"#)
            let binary = try again.readText()
            #expect(binary.hasPrefix(#"451-["room",{"_placeholder":true,"num":0},""#))
            #expect(try again.readFrame() == TestClient.Frame(first: 0x82, payload: [1, 2]))
            try Self.expect(again, #"["direct","x"]"#)
            try again.expect(#"40{"sid":"\#(identity.id)","pid":"\#(identity.privateID)"}"#)
            try again.send(#"421["rooms"]"#)
            try again.expect(#"431[["\#(identity.id)","room"]]"#.sortedNames)
            server.to("room").emit("live")
            try Self.expect(again, #"["live"]"#)
            #expect(notes.all == ["middleware", "false nobody", "true Ada"])
        }
    }

    @Test func twiceInARowWithAndWithoutNewEvents() async throws {
        try await Self.withRecovery { server, port in
            let (client, identity) = try Self.connect(port)
            server.emit("a")
            let first = try Self.expect(client, #"["a"]"#)
            try await Self.lose(client, server)
            let second = try Self.back(port, identity, first)
            #expect(try Identity(try second.readText()) == identity)
            try await Self.lose(second, server)
            server.emit("b")
            let third = try Self.back(port, identity, first)
            let offset = try Self.expect(third, #"["b"]"#)
            #expect(try Identity(try third.readText()) == identity)
            try await Self.lose(third, server)
            let fourth = try Self.back(port, identity, offset)
            #expect(try Identity(try fourth.readText()) == identity)
        }
    }

    @Test func offIsOff() async throws {
        try await Self.withRecovery(nil) { server, port in
            let client = try TestClient(port: port)
            try client.openSession()
            try client.send(#"40{"pid":"foo","offset":"bar"}"#)
            let connect = try client.readText()
            #expect(connect.hasPrefix("40{\"sid\":\"") && !connect.contains("pid"))
            server.emit("a", 1)
            try client.expect(#"42["a",1]"#)
        }
    }

    @Test func adaptersOfClustersHaveNone() async throws {
        final class Other: Adapter {
            func attach(to namespace: Namespace) {}
            func detach() {}
            func publish(_ event: EncodedEvent, _ options: BroadcastOptions) {}
            func publish(_ command: ClusterCommand, _ options: BroadcastOptions) {}
            func ask(_ question: ClusterQuestion) { question.responses.expect(others: 0) }
            func roomCreated(_ room: String) {}
            func roomDeleted(_ room: String) {}
            func confirm(_ rooms: [String], then: @escaping @Sendable () -> Void) { then() }
        }
        var configuration = ServerConfiguration()
        configuration.connectionStateRecovery = ConnectionStateRecovery()
        let server = SocketIOServer(configuration, adapter: ClusterAdapter { _ in Other() })
        #expect(server.main.recovery == nil)
        await server.stop()
        let single = SocketIOServer(configuration)
        #expect(single.main.recovery != nil)
        await single.stop()
    }

    @Test func onlyPlainEventsHaveAnOffset() async throws {
        try await Self.withRecovery(setUp: { server in
            server.onConnection { socket in
                socket.on("go") { () -> Int in
                    socket.emit("plain", "text")
                    socket.emitVolatile("volatile", "text")
                    socket.emit("ask", "text", timeout: nil) { _ in }
                    socket.namespace.everyone.volatile.emit("all", "text")
                    return 7
                }
            }
        }) { _, port in
            let (client, _) = try Self.connect(port)
            try client.send(#"425["go"]"#)
            try Self.expect(client, #"["plain","text"]"#)
            try client.expect(#"42["volatile","text"]"#, #"420["ask","text"]"#, #"42["all","text"]"#, "435[7]")
        }
    }

    @Test(arguments: ["unknown", "offset", "empty", "number", "twice"])
    func whatCannotBeRecoveredIsFresh(_ what: String) async throws {
        try await Self.withRecovery { server, port in
            let (identity, offset) = try await Self.loseOne(server, port)
            let again: TestClient
            switch what {
            case "unknown":
                again = try TestClient(port: port)
                try again.openSession()
                try again.send(#"40{"pid":"foo","offset":"\#(offset)"}"#)
            case "number":
                again = try TestClient(port: port)
                try again.openSession()
                try again.send(#"40{"pid":7,"offset":\#(1)}"#)
            case "offset": again = try Self.back(port, identity, "0.0")
            case "empty": again = try Self.back(port, identity, "")
            default:
                let first = try Self.back(port, identity, offset)
                #expect(try Identity(try first.readText()) == identity)
                again = try Self.back(port, identity, offset)
            }
            try Self.expectFresh(again, identity)
        }
    }

    @Test(arguments: ["client", "server", "connection"])
    func whoLeavesDoesNotComeBack(_ how: String) async throws {
        try await Self.withRecovery(setUp: { server in
            server.onConnection { socket in
                socket.on("bye") { socket.disconnect() }
                socket.on("close") { socket.disconnect(close: true) }
            }
        }) { server, port in
            let (client, identity) = try Self.connect(port)
            server.emit("a")
            let offset = try Self.expect(client, #"["a"]"#)
            try client.send(how == "client" ? "41" : how == "server" ? #"42["bye"]"# : #"42["close"]"#)
            try await eventually("left") { await server.main.counters().connected == 0 }
            #expect(server.main.recovery?.sizes.sessions == 0)
            client.close()
            try Self.expectFresh(try Self.back(port, identity, offset), identity)
        }
    }

    @Test func boundsOfTheLogAndOfTheSessions() async throws {
        let recovery = ConnectionStateRecovery(maxSessions: 1, maxLogBytes: 20_000)
        try await Self.withRecovery(recovery) { server, port in
            let (first, one) = try Self.connect(port)
            let (second, two) = try Self.connect(port)
            server.emit("a")
            let offset = try Self.expect(first, #"["a"]"#)
            try Self.expect(second, #"["a"]"#)
            try await Self.lose(first, server)
            second.close()
            try await eventually("both gone") { await server.main.counters().connected == 0 }
            #expect(server.main.recovery?.sizes.sessions == 1)
            let fresh = try Self.back(port, one, offset)
            try Self.expectFresh(fresh, one)
            let again = try Self.back(port, two, offset)
            #expect(try Identity(try again.readText()) == two)
            try await Self.lose(again, server)
            for _ in 0..<30 { server.emit("b", String(repeating: "x", count: 1000)) }
            try await eventually("trimmed") { (server.main.recovery?.sizes.bytes ?? 0) > 10_000 }
            #expect((server.main.recovery?.sizes.bytes ?? .max) <= 20_000)
            try Self.expectFresh(try Self.back(port, two, offset), two)
        }
    }

    @Test func whoMissedMoreThanMayWaitIsFresh() async throws {
        try await Self.withRecovery {
            $0.limits.maxQueuedBytes = 50_000
        } _: { server, port in
            let (identity, offset) = try await Self.loseOne(server, port)
            for _ in 0..<60 { server.emit("b", String(repeating: "x", count: 1000)) }
            try Self.expectFresh(try Self.back(port, identity, offset), identity)
        }
    }

    @Test func middlewareRunsWhereItIsWanted() async throws {
        let notes = Notes()
        try await Self.withRecovery(
            ConnectionStateRecovery(skipMiddlewares: false),
            setUp: { server in
                server.use { socket in
                    notes.add("\(socket.recovered)")
                    try await Task.sleep(for: .milliseconds(1))
                    if socket.handshake.auth["bad"] != nil { throw ConnectError("bad") }
                }
            }
        ) { server, port in
            let (identity, offset) = try await Self.loseOne(server, port)
            server.emit("b")
            let again = try Self.back(port, identity, offset)
            try Self.expect(again, #"["b"]"#)
            #expect(try Identity(try again.readText()) == identity)
            try await Self.lose(again, server)
            let refused = try Self.back(port, identity, offset, #","bad":1"#)
            try refused.expect(#"44{"message":"bad"}"#)
            #expect(notes.all == ["false", "true", "true"])
            #expect(server.main.recovery?.sizes.sessions == 0)
        }
    }

    @Test func dropWhileMiddlewareRunsKeepsTheSession() async throws {
        let notes = Notes()
        try await Self.withRecovery(
            ConnectionStateRecovery(skipMiddlewares: false),
            setUp: { server in
                server.use { socket in
                    guard socket.recovered, notes.count("waits") == 0 else { return }
                    notes.add("waits")
                    try await Task.sleep(for: .seconds(60))
                }
            }
        ) { server, port in
            let (identity, offset) = try await Self.loseOne(server, port)
            let dropped = try Self.back(port, identity, offset)
            try await eventually("in the middleware") { notes.count("waits") == 1 }
            #expect(server.main.recovery?.sizes.sessions == 0)
            try await Self.lose(dropped, server)
            let again = try Self.back(port, identity, offset)
            #expect(try Identity(try again.readText()) == identity)
        }
    }

    // MARK: users of a registry

    private static func identify(_ server: SocketIOServer) {
        server.use { socket in
            guard let name = socket.handshake.auth["user"]?.stringValue else { throw ConnectError("who?") }
            socket.data.user = User(id: name)
        }
    }

    @Test func recoveredSessionClaimsItsUserAgain() async throws {
        let registry = FakeRegistry(grantsAtOnce: true)
        try await Self.withRecovery(admission: Admission(registry: registry), setUp: Self.identify) { server, port in
            let (identity, offset) = try await Self.loseOne(server, port, #"{"user":"ada"}"#)
            #expect(registry.made == 1 && registry.released == 1)
            server.to("user:ada").emit("b")
            // The middleware runs although it may be skipped: without it nobody knows who the client is.
            let unknown = try Self.back(port, identity, offset)
            try unknown.expect(#"44{"message":"who?"}"#)
            #expect(registry.made == 1)
        }
    }

    @Test func recoveredSessionIsServedUnderItsNewClaim() async throws {
        let registry = FakeRegistry(grantsAtOnce: true)
        try await Self.withRecovery(admission: Admission(registry: registry), setUp: Self.identify) { server, port in
            let (identity, offset) = try await Self.loseOne(server, port, #"{"user":"ada"}"#)
            server.to("user:ada").emit("b")
            let again = try Self.back(port, identity, offset, #","user":"ada""#)
            try Self.expect(again, #"["b"]"#)
            #expect(try Identity(try again.readText()) == identity)
            #expect(registry.made == 2 && registry.open == 1)
            server.to("user:ada").emit("c")
            try Self.expect(again, #"["c"]"#)
        }
    }

    @Test func recoveredSessionIsRefusedWhenItsUserIsTaken() async throws {
        let registry = FakeRegistry()
        try await Self.withRecovery(admission: Admission(registry: registry), setUp: Self.identify) { server, port in
            let client = try TestClient(port: port)
            try client.openSession()
            try client.send(#"40{"user":"ada"}"#)
            try await eventually("claimed") { registry.open == 1 }
            registry.grant("ada")
            let identity = try Identity(try client.readText())
            server.emit("a")
            let offset = try Self.expect(client, #"["a"]"#)
            try await Self.lose(client, server)
            server.emit("b")
            let again = try Self.back(port, identity, offset, #","user":"ada""#)
            try await eventually("claimed again") { registry.made == 2 && registry.open == 1 }
            registry.connection(of: "ada")?.registryRefused(.duplicate(since: nil, retryAfterMilliseconds: nil))
            let refused = try again.readText()
            #expect(refused.hasPrefix("44{") && refused.contains("USER_ALREADY_CONNECTED"))
            #expect(registry.isEachReleasedOnce && registry.open == 0)
            #expect(server.main.recovery?.sizes.sessions == 0)
        }
    }

    @Test func sessionOfAnotherUserIsNotGivenAway() async throws {
        let registry = FakeRegistry(grantsAtOnce: true)
        try await Self.withRecovery(
            admission: Admission(registry: registry),
            setUp: { server in
                Self.identify(server)
                server.onConnection { socket in
                    if socket.data.user?.id == "ada" { socket.join("secret") }
                    socket.on("rooms") { () async -> Int in await socket.rooms().count }
                }
            }
        ) { server, port in
            let (identity, offset) = try await Self.loseOne(server, port, #"{"user":"ada"}"#)
            server.to("secret").emit("b")
            let other = try Self.back(port, identity, offset, #","user":"eve""#)
            try Self.expectFresh(other, identity)
            try other.send(#"421["rooms"]"#)
            try other.expect("431[2]")
            #expect(registry.made == 2)
            let again = try Self.back(port, identity, offset, #","user":"ada""#)
            try Self.expect(again, #"["b"]"#)
            #expect(try Identity(try again.readText()) == identity)
        }
    }

    @Test func endOfTheTokenOutlivesTheConnection() async throws {
        let notes = Notes()
        let clock = TestClock()
        try await Self.withRecovery(clock: clock) { _ in
        } setUp: { server in
            server.use { socket in
                notes.add("middleware")
                socket.expire(at: Clock.milliseconds() / 1000 + 600)
            }
            server.main.onDisconnect { _, reason in notes.add(reason.rawValue) }
        } _: { server, port in
            let (identity, offset) = try await Self.loseOne(server, port)
            let again = try Self.back(port, identity, offset)
            #expect(try Identity(try again.readText()) == identity)
            #expect(notes.all == ["middleware", "transport close"])
            try await server.advance(clock, by: .seconds(605))
            _ = try again.expectClose()
            try await eventually("expired") { notes.count("token expired") == 1 }
            try Self.expectFresh(try Self.back(port, identity, offset), identity)
        }
    }

    // MARK: several event loops

    /// An event that is in the log already, but not yet sent on the loop, when the client enters its rooms again: once, not twice.
    @Test func eventsOnTheirWayComeOnce() async throws {
        let notes = Notes()
        try await Self.withRecovery(
            ConnectionStateRecovery(skipMiddlewares: false),
            setUp: { server in
                server.use { socket in
                    guard socket.recovered else { return }
                    notes.add("connecting")
                    // On the event loop, which does nothing else meanwhile.
                    let deadline = ContinuousClock.now + .seconds(60)
                    while notes.count("sent") == 0, ContinuousClock.now < deadline {}
                }
            }
        ) { server, port in
            let (identity, offset) = try await Self.loseOne(server, port)
            let again = try Self.back(port, identity, offset)
            try await eventually("connecting") { notes.count("connecting") == 1 }
            server.emit("b")
            notes.add("sent")
            try Self.expect(again, #"["b"]"#)
            #expect(try Identity(try again.readText()) == identity)
            server.emit("c")
            try Self.expect(again, #"["c"]"#)
        }
    }

    /// Threads send while a client loses its connection again and again: it gets every event once, in each sender's order.
    @Test func nothingIsLostOrDoubledOnSeveralLoops() async throws {
        let senders = 4
        let each = 400
        try await Self.withRecovery(
            loops: 3,
            setUp: { server in
                server.onConnection { socket in
                    if !socket.recovered { socket.join("room") }
                    socket.on("send") { (sender: Int, number: Int) in
                        socket.namespace.to("room").emit("e", sender, number)
                    }
                }
            }
        ) { server, port in
            let (first, identity) = try Self.connect(port)
            server.emit("start")
            var offset = try Self.expect(first, #"["start"]"#)
            try await withThrowingTaskGroup(of: Void.self) { group in
                for sender in 0..<senders {
                    group.addTask {
                        // Half of them send from handlers on their own loops, half from other threads.
                        guard sender % 2 == 0 else {
                            for number in 0..<each {
                                server.to("room").emit("e", sender, number)
                                if number % 20 == 0 { try await Task.sleep(for: .milliseconds(1)) }
                            }
                            return
                        }
                        let (client, _) = try Self.connect(port)
                        for number in 0..<each {
                            try client.send(#"42["send",\#(sender),\#(number)]"#)
                            while number % 50 == 49, try !client.readText().hasPrefix(#"42["e",\#(sender),\#(number),"#)
                            {}
                        }
                        try client.send("41")  // its session must not be taken for the other one
                    }
                }
                var next = [Int](repeating: 0, count: senders)
                var client = first
                var reads = 0
                while next.contains(where: { $0 < each }) {
                    let text = try client.readText()
                    if text.hasPrefix("40") {
                        try check(try Identity(text), identity, "recovered")
                        continue
                    }
                    let parts = text.dropFirst(3).dropLast().split(separator: ",")
                    guard parts.count == 4, let sender = Int(parts[1]), let number = Int(parts[2]) else {
                        throw TestFailure("no event: \(text)")
                    }
                    try check(number, next[sender], "of sender \(sender)")
                    next[sender] += 1
                    offset = String(parts[3].dropFirst().dropLast())
                    reads += 1
                    guard reads % 97 == 0 else { continue }
                    client.reset()
                    try await eventually("kept") { server.main.recovery?.sizes.sessions ?? 0 >= 1 }
                    client = try Self.back(port, identity, offset)
                }
                try await group.waitForAll()
            }
        }
    }
}

extension String {
    /// `431[["b","a"]]` with the names in order.
    fileprivate var sortedNames: String {
        let names = self.split(separator: "\"").filter { $0.count == 20 || $0 == "room" }.sorted()
        return "431[[" + names.map { "\"\($0)\"" }.joined(separator: ",") + "]]"
    }
}
