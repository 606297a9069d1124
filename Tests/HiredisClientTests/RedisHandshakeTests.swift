// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

import NIOCore
import Testing

@testable import HiredisClient

@Suite struct RedisHandshakeTests {
    private func configuration(_ url: String = "redis://u:secret@h/3") throws -> RedisConfiguration {
        RedisConfiguration(url: try RedisURL(url), clientName: "node-1")
    }

    private static let info = RedisReply.string(
        ByteBuffer(string: "# Server\r\nredis_version:7.0.15\r\nredis_mode:standalone\r\nrun_id:abc\r\n"))

    /// Answers every step, by default as a healthy master does.
    private func outcome(
        _ configuration: RedisConfiguration, purpose: RedisHandshake.Purpose = .commands,
        _ replies: [RedisHandshake.Step: Result<RedisReply, RedisError>] = [:]
    ) throws -> Result<RedisServerInfo, RedisError> {
        var handshake = RedisHandshake(configuration: configuration, purpose: purpose)
        var outcome: Result<RedisServerInfo, RedisError>?
        for (step, _) in handshake.commands {
            #expect(outcome == nil)
            let healthy: RedisReply =
                switch step {
                case .server: Self.info
                case .role: .array([.string(ByteBuffer(string: "master")), .integer(0), .array([])])
                default: .status("OK")
                }
            outcome = handshake.received(replies[step] ?? .success(healthy), to: step)
        }
        return try #require(outcome)
    }

    private func steps(_ url: String, _ purpose: RedisHandshake.Purpose) throws -> [RedisHandshake.Step] {
        RedisHandshake(configuration: try self.configuration(url), purpose: purpose).commands.map(\.step)
    }

    @Test func sendsWhatTheURLAsksFor() throws {
        let handshake = RedisHandshake(configuration: try self.configuration(), purpose: .commands)
        var wire = ByteBuffer()
        for (_, command) in handshake.commands { wire.write(command) }
        #expect(
            String(buffer: wire) == """
                *3\r\n$4\r\nAUTH\r\n$1\r\nu\r\n$6\r\nsecret\r\n*2\r\n$6\r\nSELECT\r\n$1\r\n3\r\n\
                *3\r\n$6\r\nCLIENT\r\n$7\r\nSETNAME\r\n$6\r\nnode-1\r\n*2\r\n$4\r\nINFO\r\n$6\r\nserver\r\n\
                *1\r\n$4\r\nROLE\r\n*1\r\n$4\r\nPING\r\n
                """)
        #expect(try self.steps("redis://h", .commands) == [.setName, .server, .role, .ping])
        #expect(try self.steps("redis://:p@h/2", .subscription) == [.authenticate, .setName, .server, .role, .ping])
    }

    @Test func learnsAboutTheServer() throws {
        let info = try self.outcome(self.configuration()).get()
        #expect(info == RedisServerInfo(runID: "abc", role: .master, version: "7.0.15", generation: 0))
    }

    @Test func toleratesAUserWhoMayNotAsk() throws {
        let denied = Result<RedisReply, RedisError>.failure(RedisError(serverReply: "NOPERM no permissions"))
        var configuration = try self.configuration()
        configuration.requireMaster = true
        let info = try self.outcome(
            configuration, [.setName: denied, .server: denied, .role: denied, .ping: denied]
        ).get()
        #expect(info == RedisServerInfo(runID: nil, role: .unknown, version: nil, generation: 0))
    }

    @Test(arguments: [
        (RedisHandshake.Step.authenticate, "WRONGPASS invalid username-password pair"),
        (.authenticate, "ERR AUTH called without any password configured"),
        (.select, "ERR DB index is out of range"),
        (.ping, "NOAUTH Authentication required."),
        (.ping, "LOADING Redis is loading the dataset in memory"),
        (.ping, "MASTERDOWN Link with MASTER is down"),
        (.server, "BUSY Redis is busy running a script"),
    ])
    func refusalsFail(step: RedisHandshake.Step, reply: String) throws {
        let outcome = try self.outcome(self.configuration(), [step: .failure(RedisError(serverReply: reply))])
        #expect(outcome == .failure(RedisError(serverReply: reply)))
    }

    @Test func theFirstReasonCounts() throws {
        let outcome = try self.outcome(
            self.configuration(),
            [
                .authenticate: .failure(RedisError(serverReply: "WRONGPASS no")),
                .select: .failure(RedisError(serverReply: "NOAUTH no")),
            ])
        #expect(outcome == .failure(RedisError(serverReply: "WRONGPASS no")))
    }

    @Test func aReplicaIsRefusedWhereAMasterIsNeeded() throws {
        var configuration = try self.configuration()
        let replica = Result<RedisReply, RedisError>.success(.array([.string(ByteBuffer(string: "slave"))]))
        #expect(try self.outcome(configuration, [.role: replica]).get().role == .replica)
        configuration.requireMaster = true
        #expect(throws: RedisError.self) { try self.outcome(configuration, [.role: replica]).get() }
        #expect(try self.outcome(configuration, purpose: .subscription, [.role: replica]).get().role == .replica)
    }

    @Test(arguments: [RedisReply.null, .integer(3), .array([]), .array([.integer(1)]), .status("x")])
    func oddRepliesMeanUnknown(reply: RedisReply) throws {
        let info = try self.outcome(self.configuration(), [.server: .success(reply), .role: .success(reply)]).get()
        #expect(info == RedisServerInfo(runID: nil, role: .unknown, version: nil, generation: 0))
    }
}
