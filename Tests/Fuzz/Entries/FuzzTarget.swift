// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

/// The decoders of what strangers send, each with the properties that hold for every input.
///
/// The fuzzer calls them with what it makes up, the tests with the corpora.
enum FuzzTarget: String, CaseIterable {
    /// Frames of a WebSocket client.
    case websocket
    /// Compressed messages of a WebSocket client, and what we compress.
    case deflate
    /// What a WebSocket client offers in `Sec-WebSocket-Extensions`.
    case extensions
    /// Bodies of POSTs of long-polling clients.
    case payload
    /// The first bytes of a connection.
    case requestHead = "request-head"
    /// Packets of the default parser.
    case packet
    /// JSON text of events and acknowledgements.
    case json
    /// MessagePack of other nodes and of clients.
    case msgpack
    /// Packets of the MessagePack parser.
    case messagePackPacket = "msgpack-packet"
    /// Bytes of a Redis server.
    case redis
    /// Messages of other nodes: broadcasts, requests and answers.
    case cluster
    /// Answers of the registry's scripts, and messages of its control channels.
    case registry

    /// Throws when a property does not hold for these bytes.
    func check(_ bytes: UnsafeRawBufferPointer) throws {
        switch self {
        case .websocket: try WebSocketProperties.check(bytes)
        case .deflate: try DeflateProperties.check(bytes)
        case .extensions: try ExtensionsProperties.check(bytes)
        case .payload: try PayloadProperties.check(bytes)
        case .requestHead: try RequestHeadProperties.check(bytes)
        case .packet: try PacketProperties.check(bytes)
        case .json: try JSONProperties.check(bytes)
        case .msgpack: try MessagePackProperties.check(bytes)
        case .messagePackPacket: try MessagePackPacketProperties.check(bytes)
        case .redis: try RedisProperties.check(bytes)
        case .cluster: try ClusterProperties.check(bytes)
        case .registry: try RegistryProperties.check(bytes)
        }
    }
}

/// A property that an input breaks.
struct Finding: Error, CustomStringConvertible {
    let description: String
}

/// Throws when a property does not hold.
func require(_ holds: Bool, _ property: @autoclosure () -> String) throws(Finding) {
    guard holds else { throw Finding(description: property()) }
}

/// Throws when two things that must be equal are not.
func requireEqual<T: Equatable>(_ left: T, _ right: T, _ property: @autoclosure () -> String) throws(Finding) {
    guard left == right else { throw Finding(description: "\(property()): \(left) is not \(right)") }
}
