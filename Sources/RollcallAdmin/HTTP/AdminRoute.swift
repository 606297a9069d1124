// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

import HTTPTypes

/// The paths of the admin endpoint. The raw value is the path's template, as the OpenAPI document and the metrics name
/// it.
enum AdminEndpoint: String, CaseIterable {
    case page = "/"
    case script = "/admin.js"
    case style = "/admin.css"
    case openAPI = "/openapi.yaml"
    case healthz = "/healthz"
    case readyz = "/readyz"
    case metrics = "/metrics"
    case presence = "/v1/presence"
    case presenceUser = "/v1/presence/{user}"
    case presenceEvents = "/v1/presence/events"
    case nodes = "/v1/nodes"
    case namespaces = "/v1/namespaces"
    case rooms = "/v1/rooms"
    case emit = "/v1/emit"
    case drain = "/v1/drain"

    /// What the path takes. An event stream has no end, hence no HEAD.
    var methods: [HTTPRequest.Method] {
        switch self {
        case .emit, .drain: [.post]
        case .presenceUser: [.get, .head, .delete]
        case .presenceEvents: [.get]
        default: [.get, .head]
        }
    }
}

/// A path that was recognized.
struct AdminRoute: Equatable {
    var endpoint: AdminEndpoint
    /// The segment of `/v1/presence/{user}`, still percent-encoded.
    var user = ""

    private static let fixed: [String: AdminEndpoint] = {
        var paths: [String: AdminEndpoint] = [:]
        for endpoint in AdminEndpoint.allCases where endpoint != .presenceUser {
            paths[endpoint.rawValue] = endpoint
        }
        return paths
    }()

    private static let userPrefix = "/v1/presence/"

    /// Recognizes a path before percent-decoding, so that a slash inside of a user id is no separator. The user
    /// `events` is asked for as `/v1/presence/%65vents`.
    init?(path: String) {
        if let endpoint = Self.fixed[path] {
            self.endpoint = endpoint
            return
        }
        guard path.hasPrefix(Self.userPrefix) else { return nil }
        let user = path.dropFirst(Self.userPrefix.count)
        guard !user.isEmpty, !user.utf8.contains(UInt8(ascii: "/")) else { return nil }
        self.endpoint = .presenceUser
        self.user = String(user)
    }
}
