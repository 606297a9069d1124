// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

import Glibc
import TestSupport
import Testing

/// A TCP connection to a server under test that sends and shows exactly the bytes of HTTP.
final class RawConnection {
    private let descriptor: Int32
    private(set) var received = ""
    private(set) var isAtEnd = false

    /// - Parameter receiveBuffer: what the kernel may hold for us, in bytes, for readers that do not read.
    init(port: Int, receiveBuffer: Int32? = nil) throws {
        self.descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        if var size = receiveBuffer {
            setsockopt(self.descriptor, SOL_SOCKET, SO_RCVBUF, &size, socklen_t(MemoryLayout<Int32>.size))
        }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = in_port_t(UInt16(port).bigEndian)
        address.sin_addr.s_addr = inet_addr("127.0.0.1")
        let result = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(self.descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        try #require(result == 0)
    }

    deinit {
        close(self.descriptor)
    }

    func send(_ text: String) throws {
        var rest = Array(text.utf8)[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes {
                Glibc.send(self.descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
            }
            try #require(count > 0)
            rest = rest.dropFirst(count)
        }
    }

    func get(_ path: String, headers: [String] = []) throws {
        let lines = ["GET \(path) HTTP/1.1", "Host: 127.0.0.1"] + headers
        try self.send(lines.joined(separator: "\r\n") + "\r\n\r\n")
    }

    /// Reads until all these texts have come.
    func expect(_ texts: String..., line: UInt = #line) async throws {
        try await eventually("\(texts) in \(self.received.suffix(400))", line: line) {
            self.readAvailable()
            return texts.allSatisfy { self.received.contains($0) }
        }
    }

    /// Reads until the server closes.
    func expectEnd(line: UInt = #line) async throws {
        try await eventually("end of the connection", line: line) {
            self.readAvailable()
            return self.isAtEnd
        }
    }

    private func readAvailable() {
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while !self.isAtEnd {
            let count = recv(self.descriptor, &buffer, buffer.count, Int32(MSG_DONTWAIT))
            if count > 0 {
                self.received += String(decoding: buffer[..<count], as: UTF8.self)
            } else if count == 0 || errno != EAGAIN {
                self.isAtEnd = true
            } else {
                return
            }
        }
    }
}
