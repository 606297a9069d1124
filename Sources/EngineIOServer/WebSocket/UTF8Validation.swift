// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

/// Whether the bytes are well-formed UTF-8 (RFC 3629): no surrogates, no overlong forms, nothing above U+10FFFF.
///
/// Only asked when a payload has a byte above 127.
package func isValidUTF8(_ bytes: UnsafeRawBufferPointer) -> Bool {
    var index = 0
    let count = bytes.count
    while index < count {
        let byte = bytes[index]
        if byte < 0x80 {
            index &+= 1
            continue
        }
        let following: Int
        var low: UInt8 = 0x80
        var high: UInt8 = 0xBF
        switch byte {
        case 0xC2...0xDF: following = 1
        case 0xE0: (following, low) = (2, 0xA0)
        case 0xED: (following, high) = (2, 0x9F)
        case 0xE1...0xEF: following = 2
        case 0xF0: (following, low) = (3, 0x90)
        case 0xF4: (following, high) = (3, 0x8F)
        case 0xF1...0xF3: following = 3
        default: return false
        }
        guard index &+ following < count else { return false }
        let second = bytes[index &+ 1]
        guard second >= low, second <= high else { return false }
        if following >= 2, bytes[index &+ 2] & 0xC0 != 0x80 { return false }
        if following == 3, bytes[index &+ 3] & 0xC0 != 0x80 { return false }
        index &+= following &+ 1
    }
    return true
}
