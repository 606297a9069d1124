// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

import Glibc
import NIOCore

/// A raw client on a blocking socket: bytes, HTTP requests, WebSocket frames. Reads give up after a minute.
///
/// `@unchecked Sendable`: one task uses it at a time, or one reads while another writes, which share no mutable state.
package final class TestClient: @unchecked Sendable {
    package private(set) var descriptor: Int32
    package var buffer: [UInt8] = []
    /// Whether pings of Engine.IO are answered while texts are read.
    package var answersPings = true

    package init(port: Int, receiveBuffer: Int32? = nil) throws {
        self.descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        if var size = receiveBuffer { setsockopt(self.descriptor, SOL_SOCKET, SO_RCVBUF, &size, 4) }
        var on: Int32 = 1
        setsockopt(self.descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &on, 4)
        var limit = (60, 0)  // seconds and microseconds
        setsockopt(self.descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, 16)
        setsockopt(self.descriptor, SOL_SOCKET, SO_SNDTIMEO, &limit, 16)
        let descriptor = self.descriptor
        let result = try SocketAddress(ipAddress: "127.0.0.1", port: port).withSockAddr { address, size in
            connect(descriptor, address, socklen_t(size))
        }
        guard result == 0 else { throw TestFailure("connect: \(errno)") }
    }

    deinit { self.close() }

    package func close() {
        guard self.descriptor >= 0 else { return }
        _ = Glibc.close(self.descriptor)
        self.descriptor = -1
    }

    /// Ends the connection by a reset.
    package func reset() {
        var linger: (Int32, Int32) = (1, 0)  // on, no time
        setsockopt(self.descriptor, SOL_SOCKET, SO_LINGER, &linger, 8)
        self.close()
    }

    // MARK: bytes

    package func write(_ bytes: some Collection<UInt8>) throws {
        let all = Array(bytes)
        var sent = 0
        while sent < all.count {
            let count = all.withUnsafeBytes {
                Glibc.send(self.descriptor, $0.baseAddress.map { $0 + sent }, all.count - sent, Int32(MSG_NOSIGNAL))
            }
            guard count > 0 else { throw TestFailure("send: \(errno)") }
            sent += count
        }
    }

    package func write(_ text: String) throws { try self.write(Array(text.utf8)) }

    /// Adds what the socket has. False at the end of the stream or after a reset.
    package func readMore() throws -> Bool {
        var chunk = [UInt8](repeating: 0, count: 1 << 16)
        let count = recv(self.descriptor, &chunk, chunk.count, 0)
        if count < 0, errno == EAGAIN { throw TestFailure("nothing came; so far: \(self.buffer.prefix(200))") }
        guard count > 0 else { return false }
        self.buffer += chunk[..<count]
        return true
    }

    private func need(_ count: Int) throws {
        while self.buffer.count < count {
            guard try self.readMore() else { throw TestFailure("closed; left: \(self.buffer.prefix(200))") }
        }
    }

    private func take(_ count: Int) -> [UInt8] {
        let part = Array(self.buffer[..<count])
        self.buffer.removeFirst(count)
        return part
    }

    /// Reads on until the server has closed; what came is dropped.
    package func expectEnd() throws {
        self.buffer = []
        while try self.readMore() { self.buffer = [] }
    }

    // MARK: HTTP

    package struct Response {
        package var status: Int
        package var headers: [String: String]
        package var body: String
    }

    /// Sends one request; ``readResponse()`` gets the answer.
    package func request(_ method: String, _ target: String, headers: [String] = [], body: String? = nil) throws {
        var text = "\(method) \(target) HTTP/1.1\r\nHost: test\r\n"
        for header in headers { text += "\(header)\r\n" }
        if let body { text += "Content-Length: \(body.utf8.count)\r\n" }
        try self.write(text + "\r\n" + (body ?? ""))
    }

    package func readHead() throws -> (line: String, headers: [String: String]) {
        while true {
            if let end = self.buffer.firstRange(of: Array("\r\n\r\n".utf8)) {
                let text = String(decoding: self.take(end.upperBound).dropLast(4), as: UTF8.self)
                var lines = text.split(separator: "\r\n", omittingEmptySubsequences: false)[...]
                let line = String(lines.popFirst() ?? "")
                var headers: [String: String] = [:]
                for line in lines {
                    let parts = line.split(separator: ":", maxSplits: 1)
                    if parts.count == 2 { headers[parts[0].lowercased()] = String(parts[1].drop { $0 == " " }) }
                }
                return (line, headers)
            }
            guard try self.readMore() else { throw TestFailure("closed before a response") }
        }
    }

    package func readResponse() throws -> Response {
        let (line, headers) = try self.readHead()
        let parts = line.split(separator: " ")
        guard parts.count >= 2, let status = Int(parts[1]) else { throw TestFailure("no status: \(line)") }
        let length = headers["content-length"].flatMap { Int($0) } ?? 0
        try self.need(length)
        return Response(status: status, headers: headers, body: String(decoding: self.take(length), as: UTF8.self))
    }

    package func roundTrip(_ method: String, _ target: String, headers: [String] = [], body: String? = nil) throws
        -> Response
    {
        try self.request(method, target, headers: headers, body: body)
        return try self.readResponse()
    }

    // MARK: WebSocket

    package struct Frame: Equatable {
        package var first: UInt8
        package var payload: [UInt8]
        package var text: String { String(decoding: self.payload, as: UTF8.self) }

        package init(first: UInt8, payload: [UInt8]) {
            self.first = first
            self.payload = payload
        }

        package var closeCode: Int? { self.payload.count >= 2 ? Int(self.payload[0]) << 8 | Int(self.payload[1]) : nil }
    }

    package static let path = "/socket.io/?EIO=4&transport="

    package func upgradeRequest(_ target: String, headers: [String] = []) -> String {
        let head = [
            "GET \(target) HTTP/1.1", "Host: test", "Upgrade: websocket", "Connection: Upgrade",
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", "Sec-WebSocket-Version: 13",
        ]
        return (head + headers).joined(separator: "\r\n") + "\r\n\r\n"
    }

    /// Makes the connection a WebSocket.
    package func openWebSocket(_ target: String, headers: [String] = []) throws {
        try self.write(self.upgradeRequest(target, headers: headers))
        let (line, headers) = try self.readHead()
        guard line.hasPrefix("HTTP/1.1 101"), headers["sec-websocket-accept"] == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=" else {
            throw TestFailure("no upgrade: \(line) \(headers)")
        }
    }

    /// Opens a session; returns its id.
    @discardableResult
    package func openSession(path: String = TestClient.path) throws -> String {
        try self.openWebSocket(path + "websocket")
        return try Self.sessionID(in: try self.readText())
    }

    package static func sessionID(in open: String) throws -> String {
        guard open.hasPrefix("0{\"sid\":\"") else { throw TestFailure("no open packet: \(open)") }
        return String(open.dropFirst(9).prefix(20))
    }

    package static func frame(
        _ first: UInt8, _ payload: some Collection<UInt8>, mask: [UInt8] = [0x37, 0xFA, 0x21, 0x3D]
    )
        -> [UInt8]
    {
        var bytes = [first]
        if payload.count < 126 {
            bytes.append(0x80 | UInt8(payload.count))
        } else if payload.count < 65536 {
            bytes += [0xFE, UInt8(payload.count >> 8), UInt8(payload.count & 255)]
        } else {
            bytes.append(0xFF)
            for shift in stride(from: 56, through: 0, by: -8) { bytes.append(UInt8(payload.count >> shift & 255)) }
        }
        bytes += mask
        for (index, byte) in payload.enumerated() { bytes.append(byte ^ mask[index & 3]) }
        return bytes
    }

    package static func texts(_ texts: [String]) -> [UInt8] { texts.flatMap { self.frame(0x81, Array($0.utf8)) } }

    /// Sends texts in one segment.
    package func send(_ texts: String...) throws { try self.write(Self.texts(texts)) }

    package func readFrame() throws -> Frame {
        try self.need(2)
        var header = 2
        var length = Int(self.buffer[1])
        if length >= 126 {
            header = length == 126 ? 4 : 10
            try self.need(header)
            length = self.buffer[2..<header].reduce(0) { $0 << 8 | Int($1) }
        }
        try self.need(header + length)
        let frame = Frame(first: self.buffer[0], payload: Array(self.buffer[header..<(header + length)]))
        self.buffer.removeFirst(header + length)
        return frame
    }

    /// The next message of text. Pings of Engine.IO are left out.
    package func readText() throws -> String {
        while true {
            let frame = try self.readFrame()
            guard frame.first == 0x81 else { throw TestFailure("no text but \(frame)") }
            guard self.answersPings, frame.payload == [0x32] else { return frame.text }
            try self.send("3")
        }
    }

    package func expect(_ texts: String...) throws {
        for text in texts {
            let got = try self.readText()
            guard got == text else { throw TestFailure("\(got.prefix(300)) instead of \(text.prefix(300))") }
        }
    }

    /// Reads up to the close frame, and to the end behind it; its code, nil where it has none.
    package func expectClose() throws -> Int? {
        while true {
            let frame = try self.readFrame()
            guard frame.first == 0x88 else { continue }
            try? self.write(Self.frame(0x88, frame.payload.prefix(2)))
            try self.expectEnd()
            return frame.closeCode
        }
    }
}
