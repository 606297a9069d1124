// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

import ArgumentParser
import FoundationEssentials

/// `rollcall presence`: who is connected, anywhere in the cluster.
struct Presence: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "presence", abstract: "See who is connected, and disconnect users.",
        subcommands: [List.self, Get.self, Disconnect.self])

    /// `presence list`: everybody, page by page.
    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(commandName: "list", abstract: "List the connected users.")

        @Option(help: "Only users on this node.") var node: String?
        @OptionGroup var options: AdminOptions

        func run() async throws {
            let client = try self.options.makeClient()
            var items: [PresenceItem] = []
            var seen: Set<String> = []
            var cursor: String?
            repeat {
                let data = try await client.require(.get, "/v1/presence?limit=1000" + self.query(cursor))
                let page = try PresencePage(decoding: data)
                // Somebody who moves during the walk may be found twice.
                items += page.items.filter { seen.insert($0.user).inserted }
                cursor = page.cursor
            } while cursor != nil
            if self.options.json {
                try Output.json(PresencePage(total: items.count, items: items, cursor: nil))
            } else {
                PresenceItem.show(items)
            }
        }

        private func query(_ cursor: String?) -> String {
            [("cursor", cursor), ("node", self.node)]
                .compactMap { name, value in value.map { "&\(name)=\(AdminClient.encoded($0))" } }
                .joined()
        }
    }

    /// `presence get`: one user.
    struct Get: AsyncParsableCommand {
        static let configuration = CommandConfiguration(commandName: "get", abstract: "Show the connections of a user.")

        @Argument(help: "The user id.") var user: String
        @OptionGroup var options: AdminOptions

        func run() async throws {
            let path = "/v1/presence/\(AdminClient.encoded(self.user))"
            let client = try self.options.makeClient()
            let answer = try await client.send(.get, path)
            guard answer.status != 404 else { throw CommandFailure("\(Output.plain(self.user)) is not connected") }
            let item = try PresenceItem(decoding: answer.status == 200 ? answer.body : await client.require(.get, path))
            if self.options.json {
                try Output.json(item)
            } else {
                PresenceItem.show([item])
            }
        }
    }

    /// `presence disconnect`: a user, wherever it is.
    struct Disconnect: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "disconnect", abstract: "Disconnect a user, wherever it is connected.")

        @Argument(help: "The user id.") var user: String
        @OptionGroup var options: AdminOptions

        func run() async throws {
            let path = "/v1/presence/\(AdminClient.encoded(self.user))"
            let data = try await self.options.makeClient().require(.delete, path)
            let answer = try Disconnected(decoding: data)
            if self.options.json {
                try Output.json(answer)
            } else {
                print("disconnected \(answer.disconnected)")
            }
        }
    }
}

/// An answer of the admin endpoint.
protocol AdminAnswer: Codable {}

extension AdminAnswer {
    init(decoding data: Data) throws(CommandFailure) {
        do {
            self = try JSONDecoder().decode(Self.self, from: data)
        } catch {
            throw CommandFailure("the answer of the admin endpoint was not understood")
        }
    }
}

/// A page of `GET /v1/presence`.
struct PresencePage: AdminAnswer {
    let total: Int?
    let items: [PresenceItem]
    let cursor: String?
}

/// The answer to `DELETE /v1/presence/{user}`.
struct Disconnected: AdminAnswer {
    let disconnected: Int
}

/// A user with its connections.
struct PresenceItem: AdminAnswer {
    struct Connection: Codable {
        let sid: String
        let node: String
        let namespace: String?
        let connectedAt: String?
        let transport: String?
        let address: String?
    }

    let user: String
    let connections: [Connection]

    static func show(_ items: [PresenceItem]) {
        let rows = items.flatMap { item in
            item.connections.map { connection in
                [
                    item.user, connection.node, connection.sid, connection.connectedAt ?? "-",
                    connection.transport ?? "-", connection.address ?? "-",
                ].map(Output.plain)
            }
        }
        Output.table(["USER", "NODE", "SID", "CONNECTED", "TRANSPORT", "ADDRESS"], rows)
    }
}
