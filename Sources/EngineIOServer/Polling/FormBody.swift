// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

import NIOCore

/// The body of a JSONP client's POST: a form with one field.
enum FormBody {
    /// The field `d`, decoded; nil unless it is there exactly once.
    ///
    /// Forms turn line feeds into something else, so that clients send a line feed as `\n` (two characters) and what was `\n`
    /// already as `\\n`.
    static func data(in body: ByteBuffer) -> ByteBuffer? {
        let text = String(buffer: body)
        var found: String?
        for pair in text.split(separator: "&") {
            let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard Query.decode(parts[0]) == "d" else { continue }
            guard found == nil else { return nil }
            found = parts.count == 2 ? Query.decode(parts[1]) : ""
        }
        return found.map { ByteBuffer(bytes: self.unescapeLineFeeds(Array($0.utf8))) }
    }

    private static func unescapeLineFeeds(_ bytes: [UInt8]) -> [UInt8] {
        let backslash = UInt8(ascii: "\\")
        let n = UInt8(ascii: "n")
        var out: [UInt8] = []
        out.reserveCapacity(bytes.count)
        var rest = bytes[...]
        while let byte = rest.popFirst() {
            guard byte == backslash else {
                out.append(byte)
                continue
            }
            if rest.starts(with: [backslash, n]) {
                out += [backslash, n]
                rest = rest.dropFirst(2)
            } else if rest.first == n {
                out.append(0x0A)
                rest = rest.dropFirst()
            } else {
                out.append(byte)
            }
        }
        return out
    }
}
