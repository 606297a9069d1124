// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

import NIOCore

/// The commands that open a connection, and what their replies mean. It performs nothing.
///
/// All go out in one write. The last, PING, is there for its errors: unlike the others it is refused while the server
/// loads its data, wants a password, runs a long script or has lost its master.
struct RedisHandshake {
    enum Step: Equatable {
        case authenticate
        case select
        case setName
        case server
        case role
        case ping
    }

    /// The commands in order.
    let commands: [(step: Step, command: RedisCommand)]

    private let requireMaster: Bool
    private var remaining: Int
    private var failure: RedisError?
    private var info = RedisServerInfo(runID: nil, role: .unknown, version: nil, generation: 0)

    /// Server errors that say "not now" or "not you" about the connection as a whole.
    private static let refusals: Set<String> = ["LOADING", "BUSY", "NOAUTH", "MASTERDOWN"]

    init(configuration: RedisConfiguration, purpose: Purpose) {
        let url = configuration.url
        var commands: [(step: Step, command: RedisCommand)] = []
        if let password = url.password {
            let words = url.user.map { ["AUTH", $0, password] } ?? ["AUTH", password]
            commands.append((.authenticate, RedisCommand(words)))
        }
        if url.database != 0, purpose == .commands {
            commands.append((.select, RedisCommand("SELECT", String(url.database))))
        }
        if let name = configuration.clientName {
            commands.append((.setName, RedisCommand("CLIENT", "SETNAME", name)))
        }
        commands.append((.server, RedisCommand("INFO", "server")))
        commands.append((.role, RedisCommand("ROLE")))
        commands.append((.ping, RedisCommand("PING")))
        self.commands = commands
        self.remaining = commands.count
        self.requireMaster = configuration.requireMaster && purpose == .commands
    }

    /// What the connection is for.
    enum Purpose {
        case commands
        /// Neither the database nor the role matters: messages reach replicas too.
        case subscription
    }

    /// Takes the next reply; after the last one the outcome.
    mutating func received(
        _ result: Result<RedisReply, RedisError>, to step: Step
    ) -> Result<RedisServerInfo, RedisError>? {
        switch result {
        case .success(let reply): self.accept(reply, to: step)
        case .failure(let error): self.note(error, at: step)
        }
        self.remaining -= 1
        guard self.remaining == 0 else { return nil }
        if let failure = self.failure { return .failure(failure) }
        if self.requireMaster, self.info.role == .replica || self.info.role == .sentinel {
            return .failure(
                RedisError(.server("READONLY"), "the server is not a master, its role is \(self.info.role)"))
        }
        return .success(self.info)
    }

    private mutating func accept(_ reply: RedisReply, to step: Step) {
        switch step {
        case .server:
            for line in (reply.text ?? "").split(whereSeparator: \.isNewline) {
                if let value = Self.value(of: "run_id", in: line) { self.info.runID = value }
                if let value = Self.value(of: "redis_version", in: line) { self.info.version = value }
            }
        case .role:
            self.info.role =
                switch reply.elements?.first?.text {
                case "master": .master
                case "slave": .replica
                case "sentinel": .sentinel
                default: .unknown
                }
        case .authenticate, .select, .setName, .ping:
            break
        }
    }

    private static func value(of name: String, in line: Substring) -> String? {
        guard line.hasPrefix(name + ":") else { return nil }
        return String(line.dropFirst(name.utf8.count + 1))
    }

    /// The first reason counts: after a refused AUTH everything else is refused, too.
    private mutating func note(_ error: RedisError, at step: Step) {
        guard self.failure == nil else { return }
        switch step {
        case .authenticate, .select:
            self.failure = error
        case .setName, .server, .role, .ping:
            // The connection itself failed, or the whole of it is refused. That the user may not use one of these
            // commands is tolerated.
            guard let prefix = error.serverPrefix else {
                self.failure = error
                return
            }
            if Self.refusals.contains(prefix) { self.failure = error }
        }
    }
}
