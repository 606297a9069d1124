// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

import SocketIOCodec

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
    /// Containers inside each other at most.
    private static let maximumDepth = 128

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
        let request = try json.withUnsafeBufferPointer { (bytes) throws(AdminError) in
            try EmitRequest(text: UnsafeRawBufferPointer(bytes))
        }
        try request.check()
        self = request
    }

    private init(text: UnsafeRawBufferPointer) throws(AdminError) {
        do throws(JSONError) {
            try JSONScanner.validate(text, maximumDepth: Self.maximumDepth)
        } catch .tooDeep {
            throw .invalidJSON("the JSON is nested deeper than \(Self.maximumDepth)")
        } catch {
            throw .invalidJSON("malformed JSON: \(error.reason)")
        }
        guard let members = MemberSlices(text) else { throw .invalidRequest("the body must be a JSON object") }
        self.init(namespace: "/", rooms: [], except: [], event: "", args: "[]")
        var names: Set<String> = []
        for (key, value) in members {
            let name = JSONReader.exactString(key) ?? ""
            guard names.insert(name).inserted else { throw .invalidRequest("\"\(name)\" is given twice") }
            try self.set(name, value)
        }
    }

    private mutating func set(_ name: String, _ value: UnsafeRawBufferPointer) throws(AdminError) {
        switch name {
        case "namespace": self.namespace = try Self.string(value, name)
        case "event": self.event = try Self.string(value, name)
        case "rooms": self.rooms = try Self.strings(value, name)
        case "except": self.except = try Self.strings(value, name)
        case "args": self.args = try Self.array(value, name)
        default: throw .invalidRequest("unknown member \"\(name)\"")
        }
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

    private static func string(_ value: UnsafeRawBufferPointer, _ name: String) throws(AdminError) -> String {
        guard let string = JSONReader.exactString(value) else { throw .invalidRequest("\"\(name)\" must be a string") }
        return string
    }

    private static func strings(_ value: UnsafeRawBufferPointer, _ name: String) throws(AdminError) -> [String] {
        let mismatch = AdminError.invalidRequest("\"\(name)\" must be an array of strings")
        guard let items = try? JSONScanner.validateArray(value) else { throw mismatch }
        var strings: [String] = []
        for item in ArgumentSlices(items) {
            guard let string = JSONReader.exactString(item) else { throw mismatch }
            strings.append(string)
        }
        return strings
    }

    private static func array(_ value: UnsafeRawBufferPointer, _ name: String) throws(AdminError) -> String {
        guard value.first == UInt8(ascii: "[") else { throw .invalidRequest("\"\(name)\" must be an array") }
        return String(decoding: value, as: UTF8.self)
    }
}
