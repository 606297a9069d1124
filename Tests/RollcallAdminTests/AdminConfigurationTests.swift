// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

import Testing

@testable import RollcallAdmin

@Suite struct AdminConfigurationTests {
    @Test(arguments: [
        "127.0.0.1", "127.9.8.7", "::1", "[::1]", "localhost", "LocalHost", "0:0:0:0:0:0:0:1", "::ffff:127.0.0.1",
    ])
    func loopbackNeedsNoToken(host: String) throws {
        try AdminConfiguration(host: host, port: 3_100).validate()
    }

    @Test(arguments: [
        "0.0.0.0", "::", "10.0.0.1", "example.org", "128.0.0.1", "::2", "localhost.example.org", "127.example.org",
    ])
    func otherHostsNeedAToken(host: String) throws {
        let error = #expect(throws: AdminConfigurationError.self) {
            try AdminConfiguration(host: host, port: 3_100).validate()
        }
        #expect(error?.setting == "admin-token")
        #expect(error?.description.contains("without a token") == true)
        try AdminConfiguration(host: host, port: 3_100, token: "t").validate()
    }

    @Test(arguments: ["", "two words", "tab\t", "é"])
    func aTokenMustFitIntoAHeader(token: String) {
        #expect(throws: AdminConfigurationError.self) {
            try AdminConfiguration(host: "127.0.0.1", port: 0, token: token).validate()
        }
    }

    @Test(arguments: [-1, 65_536])
    func portsHaveARange(port: Int) {
        #expect(throws: AdminConfigurationError.self) {
            try AdminConfiguration(host: "127.0.0.1", port: port).validate()
        }
    }

    @Test func theErrorNeverShowsTheToken() {
        let error = #expect(throws: AdminConfigurationError.self) {
            try AdminConfiguration(host: "127.0.0.1", port: 0, token: "my secret").validate()
        }
        #expect(error?.description.contains("my secret") == false)
    }
}
