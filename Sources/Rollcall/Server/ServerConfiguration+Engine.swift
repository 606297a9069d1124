// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

import EngineIOServer
import NIOCore

extension ServerConfiguration {
    /// The part that the Engine.IO server needs.
    var engine: EngineConfiguration {
        var engine = EngineConfiguration()
        engine.path = self.path
        engine.sidPrefix = self.sidPrefix
        engine.allowsPolling = self.transports.contains(.polling)
        engine.allowsWebSocket = self.transports.contains(.webSocket)
        engine.allowUpgrades = self.allowUpgrades
        engine.httpCompression = self.httpCompression
        engine.allowEIO3 = self.allowEIO3
        engine.pingInterval = TimeAmount(self.pingInterval)
        engine.pingTimeout = TimeAmount(self.pingTimeout)
        engine.upgradeTimeout = TimeAmount(self.upgradeTimeout)
        engine.maxPayload = self.limits.maxPayload
        engine.maxQueuedBytes = self.limits.maxQueuedBytes
        engine.maxConnections = self.limits.maxConnections
        engine.connectRate = self.limits.connectRate
        engine.eventRate = self.limits.eventRate
        engine.requestTimeout = TimeAmount(self.limits.requestTimeout)
        engine.cors = self.cors.map {
            CORSConfiguration(origins: $0.origins.isEmpty ? .any : .list($0.origins), credentials: $0.credentials)
        }
        engine.cookie = self.cookie.map { CookieConfiguration(name: $0.name, attributes: $0.attributes) }
        engine.trustedProxies = self.trustedProxies.compactMap { AddressRange($0) }
        engine.connectTimeout = TimeAmount(self.connectTimeout)
        engine.handshakeDelay = TimeAmount(self.handshakeDelay)
        engine.webSocketEndpoints = self.webSocketEcho.mapValues { WebSocketEndpoint.echo(maxPayload: $0) }
        engine.perMessageDeflate = self.perMessageDeflate?.engine
        engine.engineEchoPath = self.engineEchoPath
        engine.makeTLSHandler = self.makeTLSHandler
        engine.closeTimeout = TimeAmount(self.closeTimeout)
        engine.now = self.now
        return engine
    }
}
