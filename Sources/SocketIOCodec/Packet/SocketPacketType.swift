// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

/// The packet types of Socket.IO protocol revision 5.
package enum SocketPacketType: UInt8, Sendable {
    case connect = 0
    case disconnect
    case event
    case ack
    case connectError
    case binaryEvent
    case binaryAck

    /// Whether binary attachments follow.
    @inlinable
    package var isBinary: Bool { self == .binaryEvent || self == .binaryAck }

    /// The digit that begins the packet.
    @inlinable
    package var digit: UInt8 { UInt8(ascii: "0") &+ self.rawValue }
}
