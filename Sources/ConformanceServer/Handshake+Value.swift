// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

import Rollcall
import SocketIOCodec

extension Handshake {
    /// As the reference's `socket.handshake` arrives at a client.
    var value: SocketValue {
        var headers: [String: SocketValue] = [:]
        for (name, value) in self.headers {
            let name = name.lowercased()
            headers[name] = .string((headers[name]?.stringValue).map { "\($0), \(value)" } ?? value)
        }
        return [
            "headers": .object(headers), "query": .object(self.query.mapValues { .string($0) }), "auth": self.auth,
            "url": .string(self.url), "address": .string(self.address), "secure": .bool(self.isSecure),
            "xdomain": .bool(self.isCrossDomain), "issued": .int(self.issued),
        ]
    }
}
