// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

import Testing

@testable import RollcallNode

@Suite struct NearestNameTests {
    @Test(arguments: [
        ("", "", 0), ("a", "", 1), ("", "abc", 3), ("port", "port", 0), ("prot", "port", 1), ("pot", "port", 1),
        ("ports", "port", 1),
        ("part", "port", 1), ("kitten", "sitting", 3), ("ca", "abc", 3),
    ])
    func distance(first: String, second: String, distance: Int) {
        #expect(NearestName.distance(Array(first.utf8), Array(second.utf8)) == distance)
        #expect(NearestName.distance(Array(second.utf8), Array(first.utf8)) == distance)
    }

    @Test func nearest() {
        let flags = SettingKey.allCases.map(\.flag)
        #expect(NearestName.of("--prot", among: flags) == "--port")
        #expect(NearestName.of("--redis-uri", among: flags) == "--redis-url")
        #expect(NearestName.of("--REDIS-URL", among: flags) == "--redis-url")
        #expect(NearestName.of("--cors-origins", among: flags) == "--cors-origin")
        #expect(NearestName.of("x", among: []) == nil)
    }
}
