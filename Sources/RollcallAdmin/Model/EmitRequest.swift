// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

/// An event to be sent to clients of the whole cluster.
package struct EmitRequest: Hashable, Sendable {
    /// The namespace, beginning with `/`.
    package var namespace: String
    /// The rooms to send to; empty means everyone in the namespace.
    package var rooms: [String]
    /// Rooms whose members do not get it.
    package var except: [String]
    /// The event's name: not empty, not reserved.
    package var event: String
    /// The arguments: a JSON array as the caller wrote it, checked to be well-formed and nested at most 128 deep.
    package var args: String

    /// A request.
    package init(namespace: String, rooms: [String], except: [String], event: String, args: String) {
        self.namespace = namespace
        self.rooms = rooms
        self.except = except
        self.event = event
        self.args = args
    }
}

extension EmitRequest {
    /// Names that the protocol or its clients use themselves.
    private static let reservedEvents: Set<String> = [
        "connect", "connect_error", "disconnect", "disconnecting", "newListener", "removeListener",
    ]

    /// Reads the body of `POST /v1/emit`.
    ///
    /// Members that are not known are refused: a misspelt `rooms` would otherwise reach everyone.
    /// - Throws: 400 `INVALID_JSON` or `INVALID_REQUEST` with what is wrong.
    init(json: [UInt8]) throws(AdminError) {
        guard String(validating: json, as: UTF8.self) != nil else {
            throw .invalidJSON("the body is not UTF-8")
        }
        var request = EmitRequest(namespace: "/", rooms: [], except: [], event: "", args: "[]")
        do throws(JSONText.SyntaxError) {
            let text = JSONText(json)
            for (name, value) in try text.members() {
                switch name {
                case "namespace": request.namespace = try Self.string(value, of: text, name)
                case "event": request.event = try Self.string(value, of: text, name)
                case "rooms": request.rooms = try Self.strings(value, of: text, name)
                case "except": request.except = try Self.strings(value, of: text, name)
                case "args": request.args = try Self.array(value, of: text, name)
                default: throw .member("unknown member \"\(name)\"")
                }
            }
        } catch {
            throw AdminError(error)
        }
        try request.check()
        self = request
    }

    private func check() throws(AdminError) {
        guard self.namespace.utf8.first == UInt8(ascii: "/"), !self.namespace.utf8.contains(UInt8(ascii: ",")) else {
            throw .invalidRequest("\"namespace\" must begin with / and contain no comma")
        }
        guard !self.event.isEmpty else {
            throw .invalidRequest("\"event\" must be a string that is not empty")
        }
        guard !Self.reservedEvents.contains(self.event) else {
            throw .invalidRequest("\"event\" must not be a reserved name: \(self.event)")
        }
    }

    private static func string(
        _ value: JSONText.Value, of text: JSONText, _ name: String
    ) throws(JSONText.SyntaxError) -> String {
        guard let string = text.string(value) else { throw .member("\"\(name)\" must be a string") }
        return string
    }

    private static func strings(
        _ value: JSONText.Value, of text: JSONText, _ name: String
    ) throws(JSONText.SyntaxError) -> [String] {
        guard value.kind == .array else { throw .member("\"\(name)\" must be an array of strings") }
        var strings: [String] = []
        for element in try text.elements(of: value) {
            guard let string = text.string(element) else { throw .member("\"\(name)\" must be an array of strings") }
            strings.append(string)
        }
        return strings
    }

    private static func array(
        _ value: JSONText.Value, of text: JSONText, _ name: String
    ) throws(JSONText.SyntaxError) -> String {
        guard value.kind == .array else { throw .member("\"\(name)\" must be an array") }
        return text.raw(value)
    }
}

extension AdminError {
    fileprivate init(_ error: JSONText.SyntaxError) {
        switch error {
        case .malformed(let offset): self = .invalidJSON("malformed JSON at byte \(offset)")
        case .tooDeep: self = .invalidJSON("the JSON is nested deeper than \(JSONText.maximumDepth)")
        case .member(let message): self = .invalidRequest(message)
        }
    }
}
