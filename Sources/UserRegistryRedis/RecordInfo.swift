// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

import UserRegistryCore

/// What presence shows of a connection, as it stands in a record: at most 256 bytes, without the records' own
/// separators.
enum RecordInfo {
    private static let separator: Unicode.Scalar = "\u{1D}"

    /// `sid, transport, address [, namespace]`; the namespace only where it is not the registry's scope.
    static func encode(_ details: ConnectionDetails, scope: String) -> String {
        var info = Self.clean(details.sid, upTo: 80)
        info.reserveCapacity(96)
        info.unicodeScalars.append(Self.separator)
        info += Self.clean(details.transport, upTo: 12)
        info.unicodeScalars.append(Self.separator)
        info += Self.clean(details.address, upTo: 64)
        guard details.namespace != scope else { return info }
        info.unicodeScalars.append(Self.separator)
        return info + Self.clean(details.namespace, upTo: 96)
    }

    /// Undoes ``encode(_:scope:)``; what is missing is empty.
    static func decode(_ info: String, since: Int64, scope: String) -> ConnectionDetails {
        let parts = info.unicodeScalars.split(separator: Self.separator, omittingEmptySubsequences: false)
            .map { String($0) }
        return ConnectionDetails(
            sid: parts.first ?? "", namespace: parts.count > 3 ? parts[3] : scope, connectedAt: since,
            transport: parts.count > 1 ? parts[1] : "", address: parts.count > 2 ? parts[2] : "")
    }

    /// Without control characters, and cut between two characters to at most that many bytes.
    static func clean(_ text: String, upTo bytes: Int) -> String {
        if text.utf8.count <= bytes, text.utf8.allSatisfy({ $0 >= 0x20 }) { return text }
        var result = ""
        var count = 0
        for scalar in text.unicodeScalars {
            count += UTF8.width(scalar)
            guard count <= bytes else { break }
            result.unicodeScalars.append(scalar.value < 0x20 ? " " : scalar)
        }
        return result
    }
}
