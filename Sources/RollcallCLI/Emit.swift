// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

import ArgumentParser
import FoundationEssentials
import RollcallNode

/// `rollcall emit`: sends an event to clients of the cluster.
struct Emit: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "emit", abstract: "Send an event to rooms, or to everybody.",
        discussion: "Example: rollcall emit --room chat.1 message '{\"text\":\"hello\"}'")

    @Option(help: "A room that gets the event, as user:alice; repeatable. Without one everybody gets it.")
    var room: [String] = []
    @Option(help: "A room that does not get it; repeatable.") var except: [String] = []
    @Option(help: "The namespace.") var namespace = "/"
    @Argument(help: "The event's name.") var event: String
    @Argument(help: "Its arguments, each one JSON.") var arguments: [String] = []
    @OptionGroup var options: AdminOptions

    func run() async throws {
        for argument in self.arguments where !JSONValue.isValid(argument) {
            throw UsageError.message("'\(argument)' is not JSON; a text is written with its quotes: '\"\(argument)\"'")
        }
        let body = try Self.body(
            [("namespace", self.namespace), ("event", self.event)], [("rooms", self.room), ("except", self.except)],
            arguments: self.arguments)
        _ = try await self.options.makeClient().require(.post, "/v1/emit", body: body)
        if self.options.json {
            try Output.json(["accepted": true])
        } else {
            print("sent")
        }
    }

    /// The arguments go as they were written: a number must not change on the way.
    private static func body(
        _ texts: [(String, String)], _ lists: [(String, [String])], arguments: [String]
    ) throws -> String {
        let members =
            try texts.map { "\"\($0)\":\(try Self.json($1))" } + lists.map { "\"\($0)\":\(try Self.json($1))" }
            + ["\"args\":[\(arguments.joined(separator: ","))]"]
        return "{\(members.joined(separator: ","))}"
    }

    private static func json(_ value: some Encodable) throws -> String {
        String(decoding: try JSONEncoder().encode(value), as: UTF8.self)
    }
}

/// Any JSON, read only to see whether it is some.
private struct JSONValue: Decodable {
    static func isValid(_ text: String) -> Bool {
        (try? JSONDecoder().decode(JSONValue.self, from: Data(text.utf8))) != nil
    }

    init(from decoder: any Decoder) throws {
        if let object = try? decoder.container(keyedBy: AnyKey.self) {
            for key in object.allKeys {
                _ = try object.decode(JSONValue.self, forKey: key)
            }
        } else if var array = try? decoder.unkeyedContainer() {
            while !array.isAtEnd {
                _ = try array.decode(JSONValue.self)
            }
        }
        // Anything else is a scalar, which the decoder has read already.
    }

    private struct AnyKey: CodingKey {
        let stringValue: String
        let intValue: Int? = nil

        init(stringValue: String) {
            self.stringValue = stringValue
        }

        init?(intValue: Int) {
            nil
        }
    }
}
