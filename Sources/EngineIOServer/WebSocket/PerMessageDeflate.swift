// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

/// The options of `permessage-deflate` (RFC 7692). Names and defaults are the reference's where it has them.
package struct PerMessageDeflate: Sendable {
    /// Messages below this many bytes are sent as they are.
    package var threshold = 1024
    /// The server forgets what it compressed after each message: no memory per connection, and a worse ratio.
    package var serverNoContextTakeover = false
    /// Asks clients to forget after each message: no memory per connection for inflating.
    package var clientNoContextTakeover = false
    /// Base 2 logarithm of the window for compressing, 9 to 15 (zlib has no raw window of 8).
    package var serverMaxWindowBits = 15
    /// Base 2 logarithm of the window that clients may use, 8 to 15. Below 15, offers of clients that cannot limit theirs are declined.
    package var clientMaxWindowBits = 15
    /// zlib's level: 0 (none) to 9 (best), -1 for its default.
    package var level = -1
    /// zlib's memory level: 1 to 9.
    package var memoryLevel = 8

    package init() {}
}

/// What one connection agreed on.
struct DeflateParameters: Sendable, Equatable {
    var serverNoContextTakeover = false
    var clientNoContextTakeover = false
    var serverWindowBits = 15
    var clientWindowBits = 15
    /// The value of `Sec-WebSocket-Extensions` in the answer.
    var answer = "permessage-deflate"
}

enum DeflateNegotiation: Equatable {
    /// The header is no list of extensions: the handshake fails (RFC 6455, 9.1).
    case malformed
    /// Nothing that was offered can be accepted: the connection goes on without.
    case declined
    case accepted(DeflateParameters)
}

extension PerMessageDeflate {
    /// RFC 7692, 5: the first offer that can be accepted, with its answer.
    func negotiate(_ header: String) -> DeflateNegotiation {
        guard let offers = ExtensionOffer.parse(header) else { return .malformed }
        for offer in offers where offer.name == "permessage-deflate" {
            if let parameters = self.accept(offer) { return .accepted(parameters) }
        }
        return .declined
    }

    /// RFC 7692, 7.1: nil for unknown, repeated or invalid parameters and for what cannot be fulfilled.
    private func accept(_ offer: ExtensionOffer) -> DeflateParameters? {
        var seen: Set<String> = []
        var result = DeflateParameters()
        result.serverNoContextTakeover = self.serverNoContextTakeover
        result.clientNoContextTakeover = self.clientNoContextTakeover
        result.serverWindowBits = min(max(self.serverMaxWindowBits, 9), 15)
        let clientLimit = min(max(self.clientMaxWindowBits, 8), 15)
        var clientCanLimit = false
        for (name, value) in offer.parameters {
            guard seen.insert(name).inserted else { return nil }
            switch (name, value) {
            case ("server_no_context_takeover", nil): result.serverNoContextTakeover = true
            case ("client_no_context_takeover", nil): result.clientNoContextTakeover = true
            case ("server_max_window_bits", let value?):
                guard let bits = Self.windowBits(value), bits >= 9 else { return nil }
                result.serverWindowBits = min(result.serverWindowBits, bits)
            case ("client_max_window_bits", let value):
                guard let bits = value.map(Self.windowBits) ?? 15 else { return nil }
                clientCanLimit = true
                result.clientWindowBits = min(clientLimit, bits)
            default: return nil
            }
        }
        guard clientCanLimit || clientLimit == 15 else { return nil }
        if result.serverNoContextTakeover { result.answer += "; server_no_context_takeover" }
        if result.clientNoContextTakeover { result.answer += "; client_no_context_takeover" }
        if result.serverWindowBits < 15 || seen.contains("server_max_window_bits") {
            result.answer += "; server_max_window_bits=\(result.serverWindowBits)"
        }
        if clientCanLimit, result.clientWindowBits < 15 {
            result.answer += "; client_max_window_bits=\(result.clientWindowBits)"
        }
        return result
    }

    /// 8 to 15, without leading zeros.
    private static func windowBits(_ text: String) -> Int? {
        guard let bits = Int(text), (8...15).contains(bits), String(bits) == text else { return nil }
        return bits
    }
}
