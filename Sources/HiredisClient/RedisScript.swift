// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

package import NIOCore

/// A Lua script, called by its SHA-1.
package struct RedisScript: Sendable, Hashable {
    /// The script's text.
    package let source: String

    /// SHA-1 of the source, 40 lower-case hexadecimal digits.
    package let sha1: String

    /// Creates a script.
    package init(_ source: String) {
        self.source = source
        self.sha1 = SHA1.hexDigest(of: Array(source.utf8))
    }

    /// `EVALSHA` with what `build` appends, keys first.
    func command(keyCount: Int, capacity: Int, _ build: (inout RedisCommandWriter) -> Void) -> RedisCommand {
        RedisCommand(capacity: capacity + 128) { writer in
            writer.append("EVALSHA")
            writer.append(self.sha1)
            writer.append(keyCount)
            build(&writer)
        }
    }

    func command(keys: [RedisArgument], arguments: [RedisArgument]) -> RedisCommand {
        let capacity = keys.reduce(0) { $0 + $1.capacity } + arguments.reduce(0) { $0 + $1.capacity }
        return self.command(keyCount: keys.count, capacity: capacity) { writer in
            for key in keys { writer.append(key) }
            for argument in arguments { writer.append(argument) }
        }
    }
}

/// A key or an argument of a script.
package enum RedisArgument: Sendable, Equatable, ExpressibleByStringLiteral, ExpressibleByIntegerLiteral {
    /// Text as UTF-8.
    case text(String)
    /// Bytes as they are.
    case bytes(ByteBuffer)
    /// A number in decimal.
    case integer(Int64)

    package init(stringLiteral value: String) { self = .text(value) }
    package init(integerLiteral value: Int64) { self = .integer(value) }

    /// Room enough on the wire.
    var capacity: Int {
        switch self {
        case .text(let text): text.utf8.count + RedisCommandWriter.wordOverhead
        case .bytes(let bytes): bytes.readableBytes + RedisCommandWriter.wordOverhead
        case .integer: 2 * RedisCommandWriter.wordOverhead
        }
    }
}
