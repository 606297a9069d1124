// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

/// One element of `Sec-WebSocket-Extensions` (RFC 6455, 9.1).
struct ExtensionOffer {
    var name: String
    var parameters: [(name: String, value: String?)] = []

    /// Nil where the header does not follow the grammar.
    static func parse(_ header: String) -> [ExtensionOffer]? {
        var scanner = Scanner(bytes: Array(header.utf8))
        var offers: [ExtensionOffer] = []
        while true {
            while scanner.takes(",") {}  // empty elements are allowed (RFC 7230, 7)
            if scanner.isAtEnd { return offers }
            guard let name = scanner.token() else { return nil }
            var offer = ExtensionOffer(name: name)
            while scanner.takes(";") {
                guard let name = scanner.token() else { return nil }
                guard scanner.takes("=") else {
                    offer.parameters.append((name, nil))
                    continue
                }
                guard let value = scanner.token() ?? scanner.quotedToken() else { return nil }
                offer.parameters.append((name, value))
            }
            offers.append(offer)
            guard scanner.isAtEnd || scanner.takes(",") else { return nil }
        }
    }

    private struct Scanner {
        let bytes: [UInt8]
        var position = 0

        private mutating func skipSpace() {
            while self.position < self.bytes.count, [0x20, 0x09].contains(self.bytes[self.position]) {
                self.position += 1
            }
        }

        var isAtEnd: Bool {
            mutating get {
                self.skipSpace()
                return self.position == self.bytes.count
            }
        }

        mutating func takes(_ separator: Unicode.Scalar) -> Bool {
            guard !self.isAtEnd, self.bytes[self.position] == UInt8(ascii: separator) else { return false }
            self.position += 1
            return true
        }

        /// RFC 7230, 3.2.6.
        mutating func token() -> String? {
            self.skipSpace()
            let start = self.position
            while self.position < self.bytes.count, Self.isTokenByte(self.bytes[self.position]) { self.position += 1 }
            return start == self.position ? nil : String(decoding: self.bytes[start..<self.position], as: UTF8.self)
        }

        /// A token in quotes; with an escaped character it would still have to be a token.
        mutating func quotedToken() -> String? {
            guard self.takes("\"") else { return nil }
            var value: [UInt8] = []
            while self.position < self.bytes.count, self.bytes[self.position] != UInt8(ascii: "\"") {
                if self.bytes[self.position] == UInt8(ascii: "\\") { self.position += 1 }
                guard self.position < self.bytes.count, Self.isTokenByte(self.bytes[self.position]) else { return nil }
                value.append(self.bytes[self.position])
                self.position += 1
            }
            guard self.position < self.bytes.count, !value.isEmpty else { return nil }
            self.position += 1
            return String(decoding: value, as: UTF8.self)
        }

        private static func isTokenByte(_ byte: UInt8) -> Bool {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"):
                true
            default: "!#$%&'*+-.^_`|~".utf8.contains(byte)
            }
        }
    }
}
