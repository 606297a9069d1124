// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

import NIOCore

/// The first packet of a session: `0{"sid":…,"upgrades":…,"pingInterval":…,"pingTimeout":…,"maxPayload":…}`.
enum OpenPacket {
    static func text(for id: SessionID, upgrades: Bool, configuration: EngineConfiguration) -> String {
        let interval = configuration.pingInterval.nanoseconds / 1_000_000
        let timeout = configuration.pingTimeout.nanoseconds / 1_000_000
        return "0{\"sid\":\"\(id)\",\"upgrades\":[\(upgrades ? "\"websocket\"" : "")],\"pingInterval\":\(interval),"
            + "\"pingTimeout\":\(timeout),\"maxPayload\":\(configuration.maxPayload)}"
    }

    static func writeFrame(for id: SessionID, configuration: EngineConfiguration, into out: inout ByteBuffer) {
        var text = self.text(for: id, upgrades: false, configuration: configuration)
        text.withUTF8 { out.writeFrame(WebSocketCodec.text, UnsafeRawBufferPointer($0)) }
    }
}
