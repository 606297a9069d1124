// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

import SocketIOCodec

/// A token taken apart, of which only the header has been read: nothing of the payload counts before the signature.
struct ParsedToken {
    let algorithm: SigningAlgorithm
    /// Header and payload as they were signed.
    let signed: ArraySlice<UInt8>
    /// The payload, still encoded.
    let payload: ArraySlice<UInt8>
    let signature: [UInt8]

    init(_ token: [UInt8]) throws(TokenError) {
        let dot = UInt8(ascii: ".")
        guard let first = token.firstIndex(of: dot),
            let second = token[(first + 1)...].firstIndex(of: dot),
            !token[(second + 1)...].contains(dot)
        else { throw .malformed }
        self.algorithm = try Self.readHeader(token[..<first])
        guard let signature = Base64URL.decode(token[(second + 1)...]) else { throw .malformed }
        self.signed = token[..<second]
        self.payload = token[(first + 1)..<second]
        self.signature = signature
    }

    private static func readHeader(_ encoded: ArraySlice<UInt8>) throws(TokenError) -> SigningAlgorithm {
        guard let header = Base64URL.decode(encoded) else { throw .malformed }
        var name: String?
        try TokenJSON.readMembers(of: header) { (key, value) throws(TokenError) in
            switch key {
            case "alg":
                // Of two algorithms another reader may have taken the other one.
                guard name == nil, let text = JSONReader.exactString(value) else { throw .malformed }
                name = text
            case "crit":
                // RFC 7515 section 4.1.11: what is critical and not understood must be refused.
                throw .critical
            default:
                break
            }
        }
        guard let name else { throw .malformed }
        guard let algorithm = SigningAlgorithm(rawValue: name) else { throw .algorithm }
        return algorithm
    }
}
