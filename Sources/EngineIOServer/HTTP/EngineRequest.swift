// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

import NIOCore
import NIOHTTP1

/// The request that opened a session: what middleware sees as the handshake. Parsed when somebody asks, since most
/// connections never do.
package struct EngineRequest: Sendable {
    private enum Headers {
        case raw(ByteBuffer)
        case parsed(HTTPHeaders)
    }
    private let storage: Headers

    /// The request target, path and query.
    package let target: String
    /// The client's address, taken from `X-Forwarded-For` where the peer is a trusted proxy.
    package let address: String
    /// Whether the listener speaks TLS.
    package let isSecure: Bool

    /// - Parameter head: the bytes of the request's head.
    init(head: ByteBuffer, target: String, address: String, isSecure: Bool) {
        self.storage = .raw(head)
        self.target = target
        self.address = address
        self.isSecure = isSecure
    }

    init(headers: HTTPHeaders, target: String, address: String, isSecure: Bool) {
        self.storage = .parsed(headers)
        self.target = target
        self.address = address
        self.isSecure = isSecure
    }

    /// The client's address, and nothing that takes memory.
    package var reduced: EngineRequest {
        EngineRequest(head: ByteBuffer(), target: "", address: self.address, isSecure: self.isSecure)
    }

    /// A request that came elsewhere.
    package init(fields: [(name: String, value: String)], target: String, address: String, isSecure: Bool) {
        self.init(
            headers: HTTPHeaders(fields.map { ($0.name, $0.value) }), target: target, address: address,
            isSecure: isSecure)
    }

    /// All headers in order; names as they were sent.
    package var headers: [(name: String, value: String)] {
        switch self.storage {
        case .parsed(let headers): return headers.map { ($0.name, $0.value) }
        case .raw(let head):
            var all: [(name: String, value: String)] = []
            head.withUnsafeReadableBytes { bytes in
                RequestHeadParser.forEachHeader(in: bytes) { name, value in
                    all.append((String(decoding: name, as: UTF8.self), String(decoding: value, as: UTF8.self)))
                }
            }
            return all
        }
    }

    /// The first header of that name, in any case.
    ///
    /// - Parameter name: in lower case.
    package func header(_ name: StaticString) -> String? {
        switch self.storage {
        case .parsed(let headers): return headers.first(name: name.description)
        case .raw(let head):
            var found: String?
            head.withUnsafeReadableBytes { bytes in
                RequestHeadParser.forEachHeader(in: bytes) { candidate, value in
                    if found == nil, RequestHeadParser.equals(candidate, name) {
                        found = String(decoding: value, as: UTF8.self)
                    }
                }
            }
            return found
        }
    }

    /// All values of the headers of that name, joined by commas: a proxy may add a header of its own behind the client's.
    ///
    /// - Parameter name: in lower case.
    func joinedHeader(_ name: String) -> String? {
        let values = self.headers.filter { $0.name.lowercased() == name }.map(\.value)
        return values.isEmpty ? nil : values.joined(separator: ",")
    }

    /// The query's parameters, percent-decoded; of a repeated name the last one counts.
    package var query: [String: String] { Query.parameters(of: self.target) }

    /// The value of a cookie of that name (RFC 6265, 5.4), quotes taken off.
    package func cookie(_ name: String) -> String? {
        guard let header = self.header("cookie") else { return nil }
        for pair in header.split(separator: ";") {
            guard let equals = pair.firstIndex(of: "=") else { continue }
            let key = pair[..<equals].drop { $0 == " " || $0 == "\t" }
            guard key == name else { continue }
            var value = pair[pair.index(after: equals)...]
            while value.last == " " || value.last == "\t" { value.removeLast() }
            if value.count >= 2, value.first == "\"", value.last == "\"" { value = value.dropFirst().dropLast() }
            return String(value)
        }
        return nil
    }

    /// The client's address behind proxies: the last address of `X-Forwarded-For` that is not a trusted proxy's own.
    static func clientAddress(peer: String, forwardedFor: String?, trusted: [AddressRange]) -> String {
        guard let forwardedFor, trusted.contains(where: { $0.contains(peer) }) else { return peer }
        var address = peer
        for part in forwardedFor.split(separator: ",").reversed() {
            let candidate = part.drop { $0 == " " || $0 == "\t" }.prefix { $0 != " " && $0 != "\t" }
            guard !candidate.isEmpty else { break }
            address = String(candidate)
            if !trusted.contains(where: { $0.contains(address) }) { break }
        }
        return address
    }
}

/// Query strings of request targets.
package enum Query {
    /// All parameters, percent-decoded.
    package static func parameters(of target: String) -> [String: String] {
        guard let mark = target.utf8.firstIndex(of: UInt8(ascii: "?")) else { return [:] }
        var all: [String: String] = [:]
        for pair in target[target.index(after: mark)...].split(separator: "&") {
            let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            all[Self.decode(parts[0])] = parts.count == 2 ? Self.decode(parts[1]) : ""
        }
        return all
    }

    /// Percent-decodes; `+` is a space. What is no valid escape stays as it is.
    static func decode(_ text: Substring) -> String {
        guard text.utf8.contains(where: { $0 == UInt8(ascii: "%") || $0 == UInt8(ascii: "+") }) else {
            return String(text)
        }
        var bytes: [UInt8] = []
        var rest = text.utf8[...]
        while let byte = rest.popFirst() {
            if byte == UInt8(ascii: "+") {
                bytes.append(0x20)
            } else if byte == UInt8(ascii: "%"), rest.count >= 2,
                let value = UInt8(String(decoding: rest.prefix(2), as: UTF8.self), radix: 16)
            {
                bytes.append(value)
                rest = rest.dropFirst(2)
            } else {
                bytes.append(byte)
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// The raw value of a parameter among the bytes of a request target; nil when there is none.
    static func rawValue(of name: StaticString, in target: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer? {
        let count = name.utf8CodeUnitCount
        guard var index = target.firstIndex(of: UInt8(ascii: "?")) else { return nil }
        while index < target.count {
            index += 1
            let end = target[index...].firstIndex(of: UInt8(ascii: "&")) ?? target.count
            if end - index > count, target[index + count] == UInt8(ascii: "="),
                RequestHeadParser.equals(UnsafeRawBufferPointer(rebasing: target[index..<(index + count)]), name)
            {
                return UnsafeRawBufferPointer(rebasing: target[(index + count + 1)..<end])
            }
            index = end
        }
        return nil
    }
}
