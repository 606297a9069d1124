// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

import EngineIOServer
public import SocketIOCodec

/// What a client sent when it connected: the request that opened the session, and the payload of its CONNECT packet.
public struct Handshake: Sendable {
    private let request: EngineRequest?
    /// The CONNECT packet's payload, `{}` if there was none.
    public let auth: SocketValue
    /// Milliseconds since 1970.
    public let issued: Int64

    init(request: EngineRequest?, auth: SocketValue, issued: Int64) {
        self.request = request
        self.auth = auth
        self.issued = issued
    }

    /// What is left where handshakes are not kept.
    var reduced: Handshake { Handshake(request: self.request?.reduced, auth: [:], issued: self.issued) }

    /// A handshake with another server of the cluster, which told of it.
    package init(
        headers: [(name: String, value: String)], url: String, address: String, isSecure: Bool, auth: SocketValue,
        issued: Int64
    ) {
        let request = EngineRequest(fields: headers, target: url, address: address, isSecure: isSecure)
        self.init(request: request, auth: auth, issued: issued)
    }

    /// All headers in order, names as they were sent.
    public var headers: [(name: String, value: String)] { self.request?.headers ?? [] }

    /// The query's parameters, percent-decoded.
    public var query: [String: String] { self.request?.query ?? [:] }

    /// The revision of Engine.IO that the client speaks: 4, or 3 for clients of Socket.IO 2. Those send no payload: ``auth`` is empty
    /// for `/`, for other namespaces it is the query behind the namespace's name.
    public var protocolVersion: Int { self.url.isEmpty || self.query["EIO"] == "4" ? 4 : 3 }

    /// The request target: path and query.
    public var url: String { self.request?.target ?? "" }

    /// The client's address; behind a trusted proxy the one that the proxy told.
    public var address: String { self.request?.address ?? "" }

    /// Whether the listener speaks TLS.
    public var isSecure: Bool { self.request?.isSecure ?? false }

    /// The `Origin` header.
    public var origin: String? { self.request?.header("origin") }

    /// Whether the request came from a page of another origin (`xdomain` in the reference: an `Origin` header is there).
    public var isCrossDomain: Bool { self.origin != nil }

    /// The first header of that name.
    ///
    /// - Parameter name: in any case.
    public func header(_ name: String) -> String? {
        let wanted = name.lowercased()
        return self.request?.headers.first { $0.name.lowercased() == wanted }?.value
    }

    /// The value of a cookie.
    public func cookie(_ name: String) -> String? { self.request?.cookie(name) }
}
