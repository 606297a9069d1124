// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

import Glibc

/// A real redis-server of this test, on a free port of the loopback interface and in a folder of its own.
/// It ends with the object; `stop()` and `start()` in between are a restart on the same port.
final class RedisServerProcess: @unchecked Sendable {
    // Safe: each test uses its server from one task at a time.
    let port: Int
    let folder: String
    private let arguments: [String]
    private var pid: pid_t = 0

    /// Starts a server that keeps nothing on disk; `arguments` are redis-server's own.
    init(_ arguments: String...) throws {
        var template = Array("/tmp/redis-test-XXXXXX".utf8CString)
        guard let folder = mkdtemp(&template) else { throw TestFailure("mkdtemp: \(errno)") }
        self.folder = String(cString: folder)
        self.arguments = arguments
        self.port = try Self.freePort()
        try self.start()
    }

    deinit {
        self.stop()
        if let folder = opendir(self.folder) {
            while let entry = readdir(folder) {
                let name = withUnsafePointer(to: &entry.pointee.d_name) {
                    $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
                }
                unlink("\(self.folder)/\(name)")
            }
            closedir(folder)
        }
        rmdir(self.folder)
    }

    /// Starts it and waits until it answers, be it with an error.
    func start() throws {
        let words =
            [
                "redis-server", "--port", "\(self.port)", "--bind", "127.0.0.1", "--dir", self.folder, "--save", "",
                "--appendonly", "no", "--logfile", "\(self.folder)/redis.log",
            ] + self.arguments
        var arguments: [UnsafeMutablePointer<CChar>?] = words.map { strdup($0) } + [nil]
        defer { for argument in arguments { free(argument) } }
        let status = posix_spawnp(&self.pid, "redis-server", nil, nil, &arguments, environ)
        guard status == 0 else { throw TestFailure("redis-server does not start: \(status)") }
        for _ in 0..<1000 {
            if self.answers() { return }
            usleep(10_000)
        }
        self.stop()
        throw TestFailure("redis-server does not answer; see its log")
    }

    /// Kills it as a crash would.
    func stop() {
        guard self.pid != 0 else { return }
        kill(self.pid, SIGKILL)
        waitpid(self.pid, nil, 0)
        self.pid = 0
    }

    /// Stops its process without closing anything: connections stay up, nothing is answered.
    func pause() { kill(self.pid, SIGSTOP) }

    func resume() { kill(self.pid, SIGCONT) }

    private func answers() -> Bool {
        guard let connection = Self.socketOnLoopback() else { return false }
        defer { close(connection) }
        var address = Self.loopback(port: self.port)
        let connected = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(connection, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard connected == 0, write(connection, "PING\r\n", 6) == 6 else { return false }
        var answer = [UInt8](repeating: 0, count: 64)
        return read(connection, &answer, answer.count) > 0
    }

    /// A port that was free a moment ago.
    static func freePort() throws -> Int {
        guard let listener = Self.socketOnLoopback() else { throw TestFailure("socket: \(errno)") }
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

    private static func socketOnLoopback() -> Int32? {
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
