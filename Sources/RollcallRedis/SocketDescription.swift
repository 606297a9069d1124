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
    static func write(_ socket: RemoteSocket) -> ByteBuffer {
        var json = JSONObjectWriter()
        json.member("id", socket.id)
        json.member("handshake") { $0.writeImmutableBuffer(self.write(socket.handshake)) }
        json.member("rooms", [socket.id] + socket.rooms.subtracting([socket.id]).sorted())
        json.member("data", socket.data)
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

    // MARK: reading

    /// A socket of another server; nil for what is no description of one. What is missing in it is empty.
    static func read(_ description: SocketValue, _ namespace: Namespace) -> RemoteSocket? {
        guard let id = description["id"]?.stringValue else { return nil }
        let rooms = description["rooms"]?.arrayValue ?? []
        return RemoteSocket(
            id: id, handshake: self.readHandshake(description["handshake"] ?? [:]),
            rooms: Set(rooms.compactMap { ClusterRequest.room($0) }), data: description["data"] ?? [:],
            namespace: namespace)
    }

    private static func readHandshake(_ value: SocketValue) -> Handshake {
        let headers = (value["headers"]?.objectValue ?? [:]).sorted { $0.key < $1.key }.compactMap { name, value in
            // Node.js keeps values of equal names apart where they must not be joined.
            (value.stringValue ?? value.arrayValue?.compactMap(\.stringValue).joined(separator: ", ")).map {
                (name: name, value: $0)
            }
        }
        return Handshake(
            headers: headers, url: value["url"]?.stringValue ?? "", address: value["address"]?.stringValue ?? "",
            isSecure: value["secure"]?.boolValue ?? false, auth: value["auth"] ?? [:],
            issued: Int64(value["issued"]?.intValue ?? 0))
    }
}
