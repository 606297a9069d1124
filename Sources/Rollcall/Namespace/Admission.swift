// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

import SocketIOCodec
public import UserRegistryCore

/// Admits each user of a namespace through a registry, after the whole chain of middleware.
public struct Admission: Sendable {
    let registry: any UserRegistry
    let message: String
    let user: @Sendable (Socket) -> String?

    /// - Parameters:
    ///   - registry: decides in the whole cluster.
    ///   - message: what a refused client's `connect_error` says.
    ///   - user: whose connection it is; nil admits it without asking.
    public init(
        registry: any UserRegistry, message: String = "User is already connected.",
        user: @escaping @Sendable (Socket) -> String? = { $0.data.user?.id }
    ) {
        self.registry = registry
        self.message = message
        self.user = user
    }

    func duplicateError(_ since: Int64?, _ retryAfter: Int64?) -> ConnectError {
        var data: [String: SocketValue] = ["code": "USER_ALREADY_CONNECTED"]
        if let since { data["since"] = .string(Clock.rfc3339(milliseconds: since)) }
        if let retryAfter { data["retryAfterMs"] = .int(retryAfter) }
        return ConnectError(self.message, data: .object(data))
    }
}
