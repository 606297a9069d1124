// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

import EngineIOServer

extension ServerConfiguration {
    /// The options of `permessage-deflate` (RFC 7692). Values out of range count as the nearest within.
    ///
    /// A connection that keeps its context between messages holds up to 262 KiB from the first message that is compressed for it and
    /// 40 KiB from the first compressed one that it sends; smaller windows and memory levels hold less, and the two options without
    /// context nothing. Messages are compressed on the event loop of their connection.
    public struct PerMessageDeflate: Sendable {
        /// Messages below this many bytes are sent as they are.
        public var threshold = 1024
        /// Forget what was compressed after each message: no memory per connection, and a worse ratio.
        public var serverNoContextTakeover = false
        /// Ask clients to forget what they compressed after each message.
        public var clientNoContextTakeover = false
        /// Base 2 logarithm of the window for what is sent, 9 to 15.
        public var serverMaxWindowBits = 15
        /// Base 2 logarithm of the window for what clients send, 8 to 15. Below 15, clients that cannot limit theirs go without
        /// compression.
        public var clientMaxWindowBits = 15
        /// zlib's level: 0 (none) to 9 (best), -1 for its default.
        public var level = -1
        /// zlib's memory level, 1 to 9.
        public var memoryLevel = 8

        /// All defaults.
        public init() {}

        var engine: EngineIOServer.PerMessageDeflate {
            var engine = EngineIOServer.PerMessageDeflate()
            engine.threshold = self.threshold
            engine.serverNoContextTakeover = self.serverNoContextTakeover
            engine.clientNoContextTakeover = self.clientNoContextTakeover
            engine.serverMaxWindowBits = self.serverMaxWindowBits
            engine.clientMaxWindowBits = self.clientMaxWindowBits
            engine.level = self.level
            engine.memoryLevel = self.memoryLevel
            return engine
        }
    }
}
