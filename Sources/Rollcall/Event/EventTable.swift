// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// Listeners by event name, looked up by the bytes that arrived: no `String` is made for a name. Open addressing, linear probing.
struct EventTable: Sendable {
    private struct Entry: Sendable {
        var name: [UInt8]
        var listeners: [Listener]
    }
    private var slots: [Entry?] = [Entry?](repeating: nil, count: 16)
    private(set) var count = 0

    var isEmpty: Bool { self.count == 0 }

    mutating func add(_ name: String, _ listener: @escaping Listener) {
        let bytes = Array(name.utf8)
        let index = bytes.withUnsafeBytes { self.index(of: $0) }
        if self.slots[index] != nil {
            self.slots[index]?.listeners.append(listener)
            return
        }
        self.slots[index] = Entry(name: bytes, listeners: [listener])
        self.count += 1
        if self.count * 2 >= self.slots.count { self.grow() }
    }

    mutating func remove(_ name: String) {
        var rest: [Entry] = []
        for case let entry? in self.slots where !entry.name.elementsEqual(name.utf8) { rest.append(entry) }
        self.slots = [Entry?](repeating: nil, count: self.slots.count)
        self.count = rest.count
        for entry in rest { self.place(entry) }
    }

    /// Nil when nobody listens. One listener, the usual case, is called without a loop over an array.
    @inline(__always)
    func lookup(_ name: UnsafeRawBufferPointer) -> [Listener]? {
        self.slots[self.index(of: name)]?.listeners
    }

    /// Where the name is, or where it would be put.
    @inline(__always)
    private func index(of name: UnsafeRawBufferPointer) -> Int {
        let mask = self.slots.count &- 1
        var index = Int(truncatingIfNeeded: Self.hash(name)) & mask
        while let entry = self.slots[index] {
            let isEqual = entry.name.withUnsafeBytes { own in
                guard own.count == name.count, let left = own.baseAddress, let right = name.baseAddress else {
                    return own.count == name.count
                }
                return memcmp(left, right, own.count) == 0
            }
            if isEqual { return index }
            index = (index &+ 1) & mask
        }
        return index
    }

    /// First eight bytes, last eight bytes, length: enough for names that developers choose, and no loop.
    @inline(__always)
    private static func hash(_ bytes: UnsafeRawBufferPointer) -> UInt64 {
        var word = UInt64(bytes.count)
        if bytes.count >= 8 {
            word ^= bytes.loadUnaligned(fromByteOffset: 0, as: UInt64.self)
            word &*= 0x9E37_79B9_7F4A_7C15
            word ^= bytes.loadUnaligned(fromByteOffset: bytes.count &- 8, as: UInt64.self)
        } else {
            for byte in bytes { word = word << 8 ^ UInt64(byte) }
        }
        word &*= 0x9E37_79B9_7F4A_7C15
        return word >> 32
    }

    private mutating func place(_ entry: Entry) {
        let index = entry.name.withUnsafeBytes { self.index(of: $0) }
        self.slots[index] = entry
    }

    private mutating func grow() {
        let old = self.slots
        self.slots = [Entry?](repeating: nil, count: old.count * 2)
        for case let entry? in old { self.place(entry) }
    }
}
