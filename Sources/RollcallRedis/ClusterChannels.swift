// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

import NIOCore

/// The names of a namespace's channels: those of the reference's adapter.
struct ClusterChannels {
    /// `<prefix>#<namespace>#`: broadcasts to everyone, or to several rooms.
    let base: ByteBuffer
    /// `<prefix>-request#<namespace>#`.
    let request: ByteBuffer
    /// `<prefix>-response#<namespace>#`.
    let response: ByteBuffer
    /// `<prefix>-response#<namespace>#<uid>#`: where nodes answer that are configured to.
    let ownResponse: ByteBuffer

    /// - Parameter uid: this node's.
    init(prefix: String, namespace: String, uid: String) {
        self.base = ByteBuffer(string: "\(prefix)#\(namespace)#")
        self.request = ByteBuffer(string: "\(prefix)-request#\(namespace)#")
        self.response = ByteBuffer(string: "\(prefix)-response#\(namespace)#")
        self.ownResponse = ByteBuffer(string: "\(prefix)-response#\(namespace)#\(uid)#")
    }

    /// Where answers to this node arrive.
    var responses: [ByteBuffer] { [self.response, self.ownResponse] }

    /// `<prefix>#<namespace>#<room>#`: broadcasts to one room.
    func room(_ name: String) -> ByteBuffer {
        var channel = ByteBufferAllocator().buffer(capacity: self.base.readableBytes + name.utf8.count + 1)
        channel.writeImmutableBuffer(self.base)
        channel.writeString(name)
        channel.writeInteger(UInt8(ascii: "#"))
        return channel
    }

    /// What a channel is for, told by what follows the prefix.
    enum Kind {
        case broadcast, request, response
    }

    static func kind(of channel: UnsafeRawBufferPointer, prefixLength: Int) -> Kind? {
        guard channel.count > prefixLength else { return nil }
        let rest = UnsafeRawBufferPointer(rebasing: channel[prefixLength...])
        if rest[0] == UInt8(ascii: "#") { return .broadcast }
        if rest.starts(with: "-request#".utf8) { return .request }
        if rest.starts(with: "-response#".utf8) { return .response }
        return nil
    }

    /// Whether a channel belongs to this namespace: what follows the base is a room.
    func isBroadcast(_ channel: UnsafeRawBufferPointer) -> Bool {
        self.base.withUnsafeReadableBytes { channel.starts(with: $0) }
    }
}
