// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

import NIOCore
import NIOEmbedded
import NIOHTTP1

@testable import EngineIOServer

/// The head of a request: what the parser made for WebSockets takes, a general HTTP parser takes too, and understands the
/// same. A head that the two read differently would let a client past a proxy's rules.
enum RequestHeadProperties {
    static func check(_ bytes: UnsafeRawBufferPointer) throws {
        let parsing = RequestHeadParser.parse(bytes)
        self.readTarget(bytes)
        guard case .webSocket(let request) = parsing else { return }
        try require(request.length <= bytes.count, "a head ends within the bytes")
        let head = UnsafeRawBufferPointer(rebasing: bytes[..<request.length])
        try self.checkPrefixes(head)
        let names = try self.checkRequest(head)
        guard let reference = self.parse(head) else {
            throw Finding(description: "a general parser accepts it")
        }
        try requireEqual(reference.method, .GET, "the method")
        try requireEqual(reference.uri, String(decoding: request.target, as: UTF8.self), "the target")
        // llhttp leaves the white space behind a value, which is no part of it (RFC 9110, 5.5).
        func last(_ name: String) -> String? {
            reference.headers[name].last.map { value in
                String(value.reversed().drop { $0 == " " || $0 == "\t" }.reversed())
            }
        }
        try requireEqual(last("sec-websocket-key") ?? "", String(decoding: request.key, as: UTF8.self), "the key")
        try requireEqual(last("upgrade")?.lowercased(), "websocket", "the protocol that is asked for")
        try requireEqual(request.isVersion13, last("sec-websocket-version") == "13", "the version")
        try requireEqual(names, reference.headers.map(\.name), "the names of the headers")
    }

    /// Without its last byte a head is incomplete, wherever it was cut.
    private static func checkPrefixes(_ head: UnsafeRawBufferPointer) throws {
        for count in Swift.stride(from: head.count - 1, to: 0, by: -max(1, head.count / 64)) {
            guard case .needsMore = RequestHeadParser.parse(UnsafeRawBufferPointer(rebasing: head[..<count])) else {
                throw Finding(description: "a head that is cut is incomplete")
            }
        }
    }

    /// What middleware sees; returns the names of the headers.
    private static func checkRequest(_ head: UnsafeRawBufferPointer) throws -> [String] {
        let request = EngineRequest(head: ByteBuffer(bytes: head), target: "", address: "127.0.0.1", isSecure: false)
        let headers = request.headers
        let first = headers.first { $0.name.lowercased() == "x-forwarded-for" }?.value
        try requireEqual(request.header("x-forwarded-for"), first, "the first header of a name")
        _ = request.cookie("io")
        let trusted = [AddressRange("127.0.0.0/8"), AddressRange("10.0.0.0/8")].compactMap { $0 }
        let forwarded = request.joinedHeader("x-forwarded-for")
        let address = EngineRequest.clientAddress(peer: "127.0.0.1", forwardedFor: forwarded, trusted: trusted)
        try require(!address.isEmpty, "a client has an address")
        return headers.map(\.name)
    }

    private static func readTarget(_ bytes: UnsafeRawBufferPointer) {
        _ = Query.parameters(of: String(decoding: bytes.prefix(256), as: UTF8.self))
        for name in ["sid", "transport", "EIO"] as [StaticString] {
            guard let value = Query.rawValue(of: name, in: bytes) else { continue }
            _ = SessionID(value)
        }
    }

    private static func parse(_ head: UnsafeRawBufferPointer) -> HTTPRequestHead? {
        let channel = EmbeddedChannel()
        defer { _ = try? channel.finish(acceptAlreadyClosed: true) }
        do {
            try channel.pipeline.syncOperations.addHandler(
                ByteToMessageHandler(HTTPRequestDecoder(leftOverBytesStrategy: .forwardBytes)))
            try channel.writeInbound(ByteBuffer(bytes: head))
            guard case .head(let head)? = try channel.readInbound(as: HTTPServerRequestPart.self) else { return nil }
            return head
        } catch {
            return nil
        }
    }
}
