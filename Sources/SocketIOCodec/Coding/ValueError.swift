// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

/// Why a value's text does not give the type that is wanted, before anybody has worked out where it stands.
struct ValueError: Error {
    enum Reason {
        /// There is no value: an argument that was not sent.
        case missing
        /// The value is `null`.
        case null
        /// The value is of another kind.
        case mismatch
        /// The number cannot be held exactly.
        case doesNotFit
        /// The text is not JSON, or names an attachment that is not there.
        case malformed(JSONError)
    }

    var reason: Reason
    /// The place in an array, when the value is in one.
    var index: Int?

    init(_ reason: Reason, index: Int? = nil) {
        self.reason = reason
        self.index = index
    }

    /// The error for a value that begins so, but should not.
    static func mismatch(_ text: UnsafeRawBufferPointer) -> ValueError {
        ValueError(ValueReading.isNil(text) ? .null : .mismatch)
    }

    /// What users see.
    func decodingError(_ type: Any.Type, at path: [any CodingKey]) -> DecodingError {
        let path = path + (self.index.map { [AnyCodingKey(intValue: $0)] } ?? [])
        return switch self.reason {
        case .missing:
            .valueNotFound(type, .init(codingPath: path, debugDescription: "Expected \(type), but there is no value"))
        case .null: .valueNotFound(type, .init(codingPath: path, debugDescription: "Expected \(type), found null"))
        case .mismatch:
            .typeMismatch(
                type, .init(codingPath: path, debugDescription: "Expected \(type), found another kind of value"))
        case .doesNotFit:
            .dataCorrupted(.init(codingPath: path, debugDescription: "The number does not fit \(type)"))
        case .malformed(let error): .dataCorrupted(.init(codingPath: path, debugDescription: error.reason))
        }
    }
}
