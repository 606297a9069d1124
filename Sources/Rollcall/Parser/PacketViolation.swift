// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

import SocketIOCodec

/// What a client did against the protocol: it ends the connection. The raw values are labels in the counters.
enum PacketViolation: String {
    case unknownType = "unknown_type"
    case malformedAttachmentCount = "malformed_attachment_count"
    case tooManyAttachments = "too_many_attachments"
    case idOutOfRange = "id_out_of_range"
    case malformedPayload = "malformed_payload"
    case malformedMessagePack = "malformed_msgpack"
    case malformedNamespace = "malformed_namespace"
    case malformedJSON = "malformed_json"
    case jsonTooDeep = "json_too_deep"
    case notAnArray = "not_an_array"
    case malformedEventName = "malformed_event_name"
    case reservedEventName = "reserved_event_name"
    case placeholderOutOfRange = "placeholder_out_of_range"
    case textAmongAttachments = "text_among_attachments"
    case attachmentWithoutPacket = "attachment_without_packet"
    case attachmentsTooLarge = "attachments_too_large"
    case beforeConnect = "before_connect"
    case secondConnect = "second_connect"
    case connectErrorFromClient = "connect_error_from_client"
    /// Text where the parser has only binary messages.
    case unexpectedText = "unexpected_text"
    /// What a custom parser refused.
    case undecodable = "undecodable"

    init(_ error: SocketPacketError) {
        self =
            switch error {
            case .unknownType: .unknownType
            case .malformedAttachmentCount: .malformedAttachmentCount
            case .tooManyAttachments: .tooManyAttachments
            case .idOutOfRange: .idOutOfRange
            case .malformedPayload: .malformedPayload
            case .malformedMessagePack: .malformedMessagePack
            case .malformedNamespace: .malformedNamespace
            }
    }

    init(_ error: JSONError) {
        self =
            switch error {
            case .unexpectedEnd, .unexpectedByte, .malformedNumber, .controlCharacter, .malformedEscape, .trailingBytes:
                .malformedJSON
            case .tooDeep: .jsonTooDeep
            case .notAnArray: .notAnArray
            case .malformedEventName: .malformedEventName
            case .placeholderOutOfRange: .placeholderOutOfRange
            }
    }
}
