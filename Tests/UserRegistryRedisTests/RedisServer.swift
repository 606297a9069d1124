// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

import Glibc
import Synchronization

/// A real redis-server of this test, on a free port of the loopback interface and in a folder of its own.
final class RedisServer: Sendable {
    let port: Int
    private let folder: String
    private let arguments: [String]
    private let pid = Mutex<pid_t>(0)

    /// Starts a server. `keepsData`: every write is on disk before it is answered.
    init(keepsData: Bool = false) throws {
        var template = Array("/tmp/registry-test-XXXXXX".utf8CString)
        guard let folder = mkdtemp(&template) else { throw TestFailure("mkdtemp: \(errno)") }
        self.folder = String(cString: folder)
        self.port = try Self.freePort()
        self.arguments = [
            "redis-server", "--port", "\(self.port)", "--bind", "127.0.0.1", "--dir", self.folder, "--save", "",
            "--appendonly", keepsData ? "yes" : "no", "--appendfsync", "always", "--logfile", "\(self.folder)/log",
        ]
        try self.start()
    }

    deinit {
        self.kill()
        // A folder that mkdtemp made a moment ago.
        _ = Self.spawn(["rm", "-rf", self.folder]).map { waitpid($0, nil, 0) }
    }

    /// Starts it and waits until it answers.
    func start() throws {
        guard let pid = Self.spawn(self.arguments) else { throw TestFailure("redis-server does not start") }
        self.pid.withLock { $0 = pid }
        for _ in 0..<1_000 {
            if self.answers() { return }
            usleep(5_000)
        }
        throw TestFailure("redis-server does not answer")
    }

    /// Kills it as a crash would.
    func kill() {
        self.pid.withLock { pid in
            guard pid != 0 else { return }
            Glibc.kill(pid, SIGKILL)
            waitpid(pid, nil, 0)
            pid = 0
        }
    }

    /// Stops its process without closing anything.
    func pause() { self.pid.withLock { _ = Glibc.kill($0, SIGSTOP) } }

    func resume() { self.pid.withLock { _ = Glibc.kill($0, SIGCONT) } }

    private static func spawn(_ words: [String]) -> pid_t? {
        var arguments: [UnsafeMutablePointer<CChar>?] = words.map { strdup($0) } + [nil]
        defer { for argument in arguments { free(argument) } }
        var pid: pid_t = 0
        return posix_spawnp(&pid, words[0], nil, nil, &arguments, environ) == 0 ? pid : nil
    }

    private func answers() -> Bool {
        guard let connection = Self.makeSocket() else { return false }
        defer { close(connection) }
        var address = Self.loopback(port: self.port)
        let connected = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(connection, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard connected == 0, write(connection, "PING\r\n", 6) == 6 else { return false }
        var answer = [UInt8](repeating: 0, count: 64)
        return read(connection, &answer, answer.count) > 0 && answer[0] == UInt8(ascii: "+")
    }

    private static func freePort() throws -> Int {
        guard let listener = Self.makeSocket() else { throw TestFailure("socket: \(errno)") }
        defer { close(listener) }
        var address = Self.loopback(port: 0)
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let bound = withUnsafeMutablePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(listener, $0, size) == 0 && getsockname(listener, $0, &size) == 0
            }
        }
        guard bound else { throw TestFailure("bind: \(errno)") }
        return Int(UInt16(bigEndian: address.sin_port))
    }

    private static func makeSocket() -> Int32? {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        return descriptor >= 0 ? descriptor : nil
    }

    private static func loopback(port: Int) -> sockaddr_in {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = UInt16(port).bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        return address
    }
}

struct TestFailure: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) { self.description = description }
}
