// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

/// What the payload of a close frame says (RFC 6455, 5.5.1 and 7.4).
enum CloseFrame: Equatable {
    /// Its code, where it has one.
    case valid(UInt16?)
    /// What it is to be answered with.
    case violation(UInt16)

    init(_ payload: UnsafeRawBufferPointer) {
        guard payload.count > 0 else {
            self = .valid(nil)
            return
        }
        guard payload.count >= 2 else {
            self = .violation(1002)
            return
        }
        let code = UInt16(bigEndian: payload.loadUnaligned(as: UInt16.self))
        if !WebSocketCodec.isValidCloseCode(code) {
            self = .violation(1002)
        } else if !isValidUTF8(UnsafeRawBufferPointer(rebasing: payload[2...])) {
            self = .violation(1007)
        } else {
            self = .valid(code)
        }
    }
}
