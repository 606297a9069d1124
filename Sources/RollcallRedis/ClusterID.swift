// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

/// The ids of nodes and requests: six characters of `[A-Za-z0-9_-]`, as the reference makes them.
enum ClusterID {
    private static let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-".utf8)

    static func random() -> String {
        var bits = UInt64.random(in: .min ... .max)
        return String(unsafeUninitializedCapacity: 6) { target in
            for index in 0..<6 {
                target[index] = self.alphabet[Int(bits & 63)]
                bits >>= 6
            }
            return 6
        }
    }
}
