// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

/// Cross-origin rules, as the `cors` option of the reference.
package struct CORSConfiguration: Sendable {
    /// Which origins may read our answers.
    package enum Origins: Sendable {
        case any
        case list([String])
    }
    package var origins: Origins
    package var credentials: Bool

    package init(origins: Origins, credentials: Bool) {
        self.origins = origins
        self.credentials = credentials
    }

    private func allows(_ origin: String) -> Bool {
        switch self.origins {
        case .any: true
        case .list(let list): list.contains(origin)
        }
    }

    /// What each answer to a request of this origin carries, the one to a WebSocket's opening handshake included.
    func headers(for origin: String?) -> [(name: String, value: String)] {
        var headers: [(name: String, value: String)] = []
        switch self.origins {
        case .any: headers.append(("Access-Control-Allow-Origin", "*"))
        case .list:
            headers.append(("Vary", "Origin"))
            guard let origin, self.allows(origin) else { return headers }
            headers.append(("Access-Control-Allow-Origin", origin))
        }
        if self.credentials { headers.append(("Access-Control-Allow-Credentials", "true")) }
        return headers
    }

    /// What the answer to a preflight carries; `asking` is its `Access-Control-Request-Headers`.
    func preflightHeaders(for origin: String?, asking asked: String?) -> [(name: String, value: String)] {
        var headers = self.headers(for: origin)
        if case .list = self.origins, !(origin.map(self.allows) ?? false) { return headers }
        headers.append(("Access-Control-Allow-Methods", "GET,HEAD,PUT,PATCH,POST,DELETE"))
        if let asked { headers.append(("Access-Control-Allow-Headers", asked)) }
        return headers
    }
}
