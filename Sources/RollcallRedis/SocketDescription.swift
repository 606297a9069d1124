// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

import NIOCore
import Rollcall
import SocketIOCodec

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// Describes a socket to other nodes as the reference does: `{"id","handshake":{…},"rooms":[…],"data":{…}}`.
enum SocketDescription {
    /// The description; on the socket's event loop. Nil while the socket is still connecting.
    static func write(_ socket: Socket) -> ByteBuffer? {
        guard let connectedAt = socket.data.connectedAt else { return nil }
        var json = JSONObjectWriter()
        json.member("id", socket.id)
        json.member("handshake") { $0.writeImmutableBuffer(self.write(socket.handshake)) }
        json.member("rooms", [socket.id] + socket.currentRooms.subtracting([socket.id]).sorted())
        json.member("data") { buffer in
            var data = JSONObjectWriter()
            if let user = socket.data.user {
                data.member("user", .object(["id": .string(user.id), "claims": user.claims]))
            }
            data.member("connectedAt", Int(connectedAt))
            buffer.writeImmutableBuffer(data.finish())
        }
        return json.finish()
    }

    private static func write(_ handshake: Handshake) -> ByteBuffer {
        var json = JSONObjectWriter()
        json.member("headers") { $0.writeImmutableBuffer(self.headers(handshake.headers)) }
        json.member("time", self.time(milliseconds: handshake.issued))
        json.member("address", handshake.address)
        json.member("xdomain", handshake.isCrossDomain)
        json.member("secure", handshake.isSecure)
        json.member("issued", Int(handshake.issued))
        json.member("url", handshake.url)
        json.member("query") { buffer in
            var query = JSONObjectWriter()
            for (name, value) in handshake.query.sorted(by: { $0.key < $1.key }) { query.member(name, value) }
            buffer.writeImmutableBuffer(query.finish())
        }
        json.member("auth", handshake.auth)
        return json.finish()
    }

    /// As Node.js has them: names in lower case, values of equal names joined.
    private static func headers(_ headers: [(name: String, value: String)]) -> ByteBuffer {
        var names: [String] = []
        var values: [String: String] = [:]
        for (name, value) in headers {
            let name = name.lowercased()
            if let known = values[name] {
                values[name] = known + (name == "cookie" ? "; " : ", ") + value
            } else {
                names.append(name)
                values[name] = value
            }
        }
        var json = JSONObjectWriter()
        for name in names { json.member(name, values[name] ?? "") }
        return json.finish()
    }

    /// What `String(new Date())` is in UTC.
    static func time(milliseconds: Int64) -> String {
        var seconds = time_t(milliseconds / 1000)
        var parts = tm()
        gmtime_r(&seconds, &parts)
        let days = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"]
        let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
        let (day, month) = (days[Int(parts.tm_wday) % 7], months[Int(parts.tm_mon) % 12])
        let time = [parts.tm_hour, parts.tm_min, parts.tm_sec].map(self.twoDigits).joined(separator: ":")
        let date = "\(day) \(month) \(self.twoDigits(parts.tm_mday)) \(parts.tm_year + 1900)"
        return "\(date) \(time) GMT+0000 (Coordinated Universal Time)"
    }

    private static func twoDigits(_ value: Int32) -> String { value < 10 ? "0\(value)" : "\(value)" }
}
