// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

/// Where a Redis server is and who asks: `redis://[user:password@]host[:port][/db]`, `rediss://…` with TLS, or
/// `unix://[user:password@]/path[?db=n]`. User, password, path and host may be percent-encoded.
package struct RedisURL: Sendable, Equatable, CustomStringConvertible {
    /// The transport's address.
    package enum Address: Sendable, Equatable {
        /// TCP; `host` is a name or an IP address, without brackets.
        case tcp(host: String, port: Int)
        /// A Unix domain socket.
        case unix(path: String)
    }

    /// The transport's address.
    package var address: Address
    /// Whether the connection is encrypted.
    package var isTLS: Bool
    /// The ACL user; nil authenticates as `default` when there is a password.
    package var user: String?
    /// The password; never part of ``description``.
    package var password: String?
    /// The database for `SELECT`.
    package var database: Int

    /// Creates a URL from its parts.
    package init(
        address: Address, isTLS: Bool = false, user: String? = nil, password: String? = nil, database: Int = 0
    ) {
        self.address = address
        self.isTLS = isTLS
        self.user = user
        self.password = password
        self.database = database
    }

    /// Parses a URL. The error is one line that names what is wrong, without the password.
    package init(_ text: String) throws(RedisError) {
        guard let separator = text.firstRange(of: "://") else { throw Self.wrong("it has no scheme such as redis://") }
        let scheme = text[..<separator.lowerBound].lowercased()
        let rest = text[separator.upperBound...]
        switch scheme {
        case "redis", "rediss":
            self = try Self.tcp(rest, isTLS: scheme == "rediss")
        case "unix":
            self = try Self.unix(rest)
        case "redis+sentinel", "rediss+sentinel", "redis+cluster", "rediss+cluster":
            throw Self.wrong("\(scheme):// is not supported yet")
        default:
            throw Self.wrong("the scheme is none of redis://, rediss://, unix://")
        }
    }

    /// The URL without the password.
    package var description: String {
        let user = self.user.map { "\($0)@" } ?? ""
        switch self.address {
        case .tcp(let host, let port):
            let name = host.contains(":") ? "[\(host)]" : host
            return "\(self.isTLS ? "rediss" : "redis")://\(user)\(name):\(port)/\(self.database)"
        case .unix(let path):
            return "unix://\(user)\(path)\(self.database == 0 ? "" : "?db=\(self.database)")"
        }
    }

    private static func wrong(_ what: String) -> RedisError {
        RedisError(.misconfigured, "Redis URL: \(what)")
    }
}

extension RedisURL {
    private static func tcp(_ rest: Substring, isTLS: Bool) throws(RedisError) -> RedisURL {
        guard !rest.contains("?"), !rest.contains("#") else {
            throw Self.wrong(
                "there is no query or fragment in a redis:// URL (a ? or # in the password is written %3F, %23)")
        }
        let (credentials, location) = try Self.splitCredentials(rest)
        let slash = location.firstIndex(of: "/") ?? location.endIndex
        let (host, port) = try Self.splitPort(location[..<slash])
        let path = location[slash...].dropFirst()
        let database = try path.isEmpty ? 0 : Self.database(path)
        return RedisURL(
            address: .tcp(host: host, port: port), isTLS: isTLS, user: credentials.user, password: credentials.password,
            database: database)
    }

    private static func unix(_ rest: Substring) throws(RedisError) -> RedisURL {
        let (credentials, location) = try Self.splitCredentials(rest)
        let question = location.firstIndex(of: "?") ?? location.endIndex
        let path = try Self.decoded(location[..<question], "the path")
        guard path.hasPrefix("/"), path.utf8.count > 1 else {
            throw Self.wrong("unix:// needs an absolute path, as in unix:///run/redis.sock")
        }
        guard path.utf8.count <= 107 else { throw Self.wrong("the path of a Unix socket has at most 107 bytes") }
        var database = 0
        if question < location.endIndex {
            let query = location[question...].dropFirst()
            guard query.hasPrefix("db=") else { throw Self.wrong("the only query of a unix:// URL is ?db=n") }
            database = try Self.database(query.dropFirst(3))
        }
        return RedisURL(
            address: .unix(path: path), user: credentials.user, password: credentials.password, database: database)
    }

    private static func splitCredentials(
        _ rest: Substring
    ) throws(RedisError) -> (credentials: (user: String?, password: String?), location: Substring) {
        // The last one: a password with a bare @ in it is still understood.
        guard let at = rest.lastIndex(of: "@") else { return ((nil, nil), rest) }
        let credentials = rest[..<at]
        guard let colon = credentials.firstIndex(of: ":") else {
            throw Self.wrong("a user needs a password (user:password@host, or :password@host for the default user)")
        }
        let user = try Self.decoded(credentials[..<colon], "the user")
        let password = try Self.decoded(credentials[colon...].dropFirst(), "the password")
        guard !password.isEmpty else { throw Self.wrong("the password is empty") }
        return ((user.isEmpty ? nil : user, password), rest[rest.index(after: at)...])
    }

    private static func splitPort(_ text: Substring) throws(RedisError) -> (host: String, port: Int) {
        let hostEnd: Substring.Index
        let host: Substring
        if text.hasPrefix("[") {
            guard let bracket = text.firstIndex(of: "]") else {
                throw Self.wrong("the IPv6 address has no closing bracket")
            }
            host = text[text.index(after: text.startIndex)..<bracket]
            hostEnd = text.index(after: bracket)
        } else {
            hostEnd = text.firstIndex(of: ":") ?? text.endIndex
            host = text[..<hostEnd]
        }
        let name = try Self.decoded(host, "the host")
        guard !name.isEmpty else { throw Self.wrong("the host is missing") }
        guard name.utf8.allSatisfy({ $0 > 0x20 && $0 != 0x7F }) else { throw Self.wrong("the host has spaces in it") }
        let suffix = text[hostEnd...]
        guard !suffix.isEmpty else { return (name, 6379) }
        guard suffix.hasPrefix(":"), let port = Self.number(suffix.dropFirst()), (1...65_535).contains(port) else {
            throw Self.wrong("the port is not a number from 1 to 65535")
        }
        return (name, port)
    }

    private static func database(_ text: Substring) throws(RedisError) -> Int {
        guard let number = Self.number(text), number <= Int(Int32.max) else {
            throw Self.wrong("the database is not a number")
        }
        return number
    }

    private static func number(_ text: Substring) -> Int? {
        guard !text.isEmpty, text.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
        return Int(text)
    }

    private static func decoded(_ text: Substring, _ part: String) throws(RedisError) -> String {
        var bytes: [UInt8] = []
        var rest = Array(text.utf8)[...]
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "%") else {
                bytes.append(byte)
                continue
            }
            guard let high = rest.popFirst().flatMap(Self.hexadecimal),
                let low = rest.popFirst().flatMap(Self.hexadecimal)
            else { throw Self.wrong("\(part) has a % that is not followed by two hexadecimal digits (write % as %25)") }
            bytes.append(high << 4 | low)
        }
        guard let decoded = String(validating: bytes, as: UTF8.self), !bytes.contains(0) else {
            throw Self.wrong("\(part) is not UTF-8 text")
        }
        return decoded
    }

    private static func hexadecimal(_ digit: UInt8) -> UInt8? {
        switch digit {
        case 0x30...0x39: digit - 0x30
        case 0x41...0x46: digit - 0x41 + 10
        case 0x61...0x66: digit - 0x61 + 10
        default: nil
        }
    }
}
