// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

/// Why bytes are not a Socket.IO packet. Each closes the session, as in the reference server.
package enum SocketPacketError: Error, Hashable {
    /// There is no packet type, or none of the protocol.
    case unknownType
    /// The attachment count of a binary packet is missing or not a number.
    case malformedAttachmentCount
    /// More attachments are announced than allowed.
    case tooManyAttachments
    /// The acknowledgement id is above 2^53.
    case idOutOfRange
    /// The payload is missing, or not of the kind that the type needs.
    case malformedPayload
    /// The message is not MessagePack, or not the map that a packet is.
    case malformedMessagePack
    /// The namespace is missing, empty or no string.
    case malformedNamespace
}
