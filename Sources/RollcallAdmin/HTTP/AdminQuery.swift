// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

/// The query of a request. Parameters that are not known are ignored; those that are must be right.
struct AdminQuery {
    private static let longestCursor = 512

    private var parameters: [String: String] = [:]

    /// Reads `a=1&b=2`.
    /// - Throws: 400 `INVALID_QUERY` for broken escapes and for a parameter that is given twice.
    init(_ query: String?) throws(AdminError) {
        for part in (query ?? "").split(separator: "&") {
            let pair = part.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard let name = PercentDecoding.decode(pair[0], plusIsSpace: true),
                let value = PercentDecoding.decode(pair.count > 1 ? pair[1] : "", plusIsSpace: true)
            else {
                throw AdminError(
                    code: "INVALID_QUERY", status: 400, message: "the query is not percent-encoded UTF-8")
            }
            guard self.parameters.updateValue(value, forKey: name) == nil else {
                throw AdminError(code: "INVALID_QUERY", status: 400, message: "\"\(name)\" is given twice")
            }
        }
    }

    /// A parameter that is there and not empty.
    subscript(name: String) -> String? {
        self.parameters[name].flatMap { $0.isEmpty ? nil : $0 }
    }

    /// `limit`, 1 to 1000, 100 when absent.
    func limit() throws(AdminError) -> Int {
        guard let text = self.parameters["limit"] else { return 100 }
        guard let limit = Int(text), (1...1_000).contains(limit) else {
            throw AdminError(code: "INVALID_LIMIT", status: 400, message: "\"limit\" must be a number from 1 to 1000")
        }
        return limit
    }

    /// `cursor`, whatever it is, as long as it is short.
    func cursor() throws(AdminError) -> String? {
        guard let cursor = self["cursor"] else { return nil }
        guard cursor.utf8.count <= Self.longestCursor else { throw .invalidCursor() }
        return cursor
    }
}
