// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

import Glibc
import Synchronization

/// A real redis-server of this test, on a free port of the loopback interface and in a folder of its own.
/// It ends with the object; `stop()` and `start()` in between are a restart on the same port.
package final class RedisServerProcess: Sendable {
    package let folder: String
    private let reserved: ReservedPort
    private let words: [String]
    private let pid: Mutex<pid_t>

    package var port: Int { self.reserved.number }

    /// Where it listens besides TCP.
    package var socketPath: String { self.folder + "/redis.sock" }

    /// Starts a server that keeps nothing on disk; `arguments` are redis-server's own.
    package init(_ arguments: String...) throws {
        var template = Array("/tmp/redis-test-XXXXXX".utf8CString)
        guard let folder = mkdtemp(&template) else { throw TestFailure("mkdtemp: \(errno)") }
        self.folder = String(cString: folder)
        self.reserved = try ReservedPort()
        self.words =
            [
                "redis-server", "--port", "\(self.reserved.number)", "--bind", "127.0.0.1", "--dir", self.folder,
                "--save", "", "--appendonly", "no", "--unixsocket", self.folder + "/redis.sock", "--logfile",
                self.folder + "/redis.log", "--enable-debug-command", "yes",
            ] + arguments
        self.pid = Mutex(0)
        try self.start()
    }

    deinit {
        self.stop()
        // A folder that mkdtemp made.
        if let pid = try? Self.spawn(["rm", "-rf", self.folder]) { waitpid(pid, nil, 0) }
    }

    /// Starts it and waits until it answers, be it with an error, and has loaded its data.
    package func start() throws {
        let pid = try Self.spawn(self.words)
        guard Self.waits(for: pid, on: self.port) else {
            throw TestFailure("redis-server does not answer; see its log")
        }
        self.pid.withLock { $0 = pid }
    }

    /// Whether the process answers before it ends. If not, it is gone.
    private static func waits(for pid: pid_t, on port: Int) -> Bool {
        for _ in 0..<12_000 {
            if Self.answers(on: port) { return true }
            if waitpid(pid, nil, WNOHANG) == pid { return false }
            usleep(5_000)
        }
        kill(pid, SIGKILL)
        waitpid(pid, nil, 0)
        return false
    }

    /// Kills it as a crash would.
    package func stop() {
        self.pid.withLock { pid in
            guard pid != 0 else { return }
            kill(pid, SIGKILL)
            waitpid(pid, nil, 0)
            pid = 0
        }
    }

    /// Stops its process without closing anything: connections stay up, nothing is answered.
    package func pause() { self.pid.withLock { _ = kill($0, SIGSTOP) } }

    package func resume() { self.pid.withLock { _ = kill($0, SIGCONT) } }

    private static func spawn(_ words: [String]) throws -> pid_t {
        var arguments: [UnsafeMutablePointer<CChar>?] = words.map { strdup($0) } + [nil]
        defer { for argument in arguments { free(argument) } }
        var pid: pid_t = 0
        let status = posix_spawnp(&pid, words[0], nil, nil, &arguments, environ)
        guard status == 0 else { throw TestFailure("\(words[0]) does not start: \(status)") }
        return pid
    }

    private static func answers(on port: Int) -> Bool {
        guard let connection = Self.socketOnLoopback() else { return false }
        defer { close(connection) }
        var address = Self.loopback(port: port)
        let connected = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(connection, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard connected == 0, write(connection, "PING\r\n", 6) == 6 else { return false }
        var answer = [UInt8](repeating: 0, count: 64)
        let count = read(connection, &answer, answer.count)
        // A result or an error of Redis, not what an HTTP server says.
        guard count > 0, answer[0] == UInt8(ascii: "+") || answer[0] == UInt8(ascii: "-") else { return false }
        return !answer.starts(with: "-LOADING".utf8)
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
