// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

/// Which partition a user belongs to, and the hash tag that places a partition's keys.
package enum UserPartition {
    /// Slots of a Redis Cluster.
    private static let slots = 16_384

    private static let table: [UInt32] = (0..<256).map { byte in
        (0..<8).reduce(UInt32(byte)) { value, _ in value & 1 == 1 ? (value >> 1) ^ 0xEDB8_8320 : value >> 1 }
    }

    /// CRC-32 (IEEE 802.3, as zlib computes it) of the text's UTF-8.
    package static func crc32(_ text: String) -> UInt32 {
        var text = text
        return text.withUTF8 { bytes in
            self.table.withUnsafeBufferPointer { table in
                ~bytes.reduce(~UInt32(0)) { table[Int(UInt8(truncatingIfNeeded: $0) ^ $1)] ^ ($0 >> 8) }
            }
        }
    }

    /// CRC-16 (XMODEM) of the text's UTF-8: Redis Cluster's hash of a key's tag.
    package static func crc16(_ text: String) -> UInt16 {
        text.utf8.reduce(UInt16(0)) { value, byte in
            (0..<8).reduce(value ^ (UInt16(byte) << 8)) { value, _ in
                value & 0x8000 != 0 ? (value << 1) ^ 0x1021 : value << 1
            }
        }
    }

    /// `prefix:scope:p.k` with the smallest k whose slot lies in stripe p of `partitions` equal stripes, so that
    /// the partitions of a registry spread evenly over the shards of a cluster.
    package static func tag(prefix: String, scope: String, partition: Int, of partitions: Int) -> String {
        var number = 0
        while true {
            let tag = "\(prefix):\(scope):\(partition).\(number)"
            let slot = Int(self.crc16(tag)) % self.slots
            if slot * partitions / self.slots == partition || number > 100_000 { return tag }
            number += 1
        }
    }
}
