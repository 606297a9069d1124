// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

package import NIOCore

/// Writes MessagePack as notepack.io does: every value in its smallest form.
package struct MessagePackWriter {
    /// Writes nil.
    package static func writeNil(into buffer: inout ByteBuffer) {
        buffer.writeInteger(0xC0 as UInt8)
    }

    /// Writes a boolean.
    package static func write(_ value: Bool, into buffer: inout ByteBuffer) {
        buffer.writeInteger(value ? 0xC3 : 0xC2 as UInt8)
    }
}
