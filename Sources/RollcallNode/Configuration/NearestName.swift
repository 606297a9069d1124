// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

/// Finds what was probably meant by a name that does not exist.
package enum NearestName {
    /// The candidate with the smallest edit distance to `name`, the first one of several; `nil` if there is none.
    package static func of(_ name: String, among candidates: some Sequence<String>) -> String? {
        let bytes = Array(name.lowercased().utf8)
        return candidates.min { Self.distance(bytes, Array($0.utf8)) < Self.distance(bytes, Array($1.utf8)) }
    }

    /// The optimal string alignment distance: insertions, deletions, substitutions and swaps of neighbours.
    static func distance(_ first: [UInt8], _ second: [UInt8]) -> Int {
        var beforeLast: [Int] = []
        var last = Array(0...second.count)
        for row in 0..<first.count {
            var current = [row + 1]
            for column in 0..<second.count {
                let isEqual = first[row] == second[column]
                var best = min(last[column + 1] + 1, current[column] + 1, last[column] + (isEqual ? 0 : 1))
                if row > 0, column > 0, first[row] == second[column - 1], first[row - 1] == second[column] {
                    best = min(best, beforeLast[column - 1] + 1)
                }
                current.append(best)
            }
            beforeLast = last
            last = current
        }
        return last[second.count]
    }
}
