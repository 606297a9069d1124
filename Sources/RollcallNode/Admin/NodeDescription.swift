// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

import NIOCore
import SocketIOCodec

/// What a node tells the others of itself, by way of the registry.
struct NodeDescription: Codable, Hashable, Sendable {
    var address = ""
    /// Milliseconds since 1970.
    var started: Int64 = 0
    var version = ""
    var connections = 0
    var draining = false
    var sidPrefix = ""

    init() {}

    /// Nil when it is not what another node wrote.
    init?(_ json: String) {
        var json = json
        let decoded = json.withUTF8 { bytes -> NodeDescription? in
            let text = UnsafeRawBufferPointer(bytes)
            guard (try? JSONScanner.validate(text)) != nil else { return nil }
            return try? SocketDecoder.decode(NodeDescription.self, from: text, attachments: [])
        }
        guard let decoded else { return nil }
        self = decoded
    }

    var json: String {
        var text = ByteBuffer()
        var attachments: [ByteBuffer] = []
        guard (try? SocketEncoder.encode(self, into: &text, attachments: &attachments)) != nil else { return "{}" }
        return String(buffer: text)
    }
}
