// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

import HiredisClient
import Testing

@Suite struct RedisURLTests {
    @Test(arguments: [
        ("redis://localhost", RedisURL(address: .tcp(host: "localhost", port: 6379))),
        ("REDIS://127.0.0.1:7000", RedisURL(address: .tcp(host: "127.0.0.1", port: 7000))),
        ("redis://h:1/", RedisURL(address: .tcp(host: "h", port: 1))),
        ("redis://h/15", RedisURL(address: .tcp(host: "h", port: 6379), database: 15)),
        ("rediss://h:2/3", RedisURL(address: .tcp(host: "h", port: 2), isTLS: true, database: 3)),
        ("redis://[::1]:6380", RedisURL(address: .tcp(host: "::1", port: 6380))),
        ("redis://[fe80::1%25eth0]", RedisURL(address: .tcp(host: "fe80::1%eth0", port: 6379))),
        ("redis://u:p@h", RedisURL(address: .tcp(host: "h", port: 6379), user: "u", password: "p")),
        ("redis://:p%40%2F%3A@h", RedisURL(address: .tcp(host: "h", port: 6379), password: "p@/:")),
        ("redis://u:a@b@h", RedisURL(address: .tcp(host: "h", port: 6379), user: "u", password: "a@b")),
        ("redis://%ED%95%9C:p@h", RedisURL(address: .tcp(host: "h", port: 6379), user: "한", password: "p")),
        ("unix:///run/redis.sock", RedisURL(address: .unix(path: "/run/redis.sock"))),
        (
            "unix://u:p@/run/my%20redis.sock?db=2",
            RedisURL(address: .unix(path: "/run/my redis.sock"), user: "u", password: "p", database: 2)
        ),
    ])
    func parses(text: String, expected: RedisURL) throws {
        #expect(try RedisURL(text) == expected)
    }

    @Test(arguments: [
        ("localhost:6379", "no scheme"),
        ("http://h", "none of redis://"),
        ("redis+sentinel://h1:1,h2:2/m", "redis+sentinel:// is not supported yet"),
        ("redis+cluster://h1:1", "redis+cluster:// is not supported yet"),
        ("redis://", "the host is missing"),
        ("redis://:7000", "the host is missing"),
        ("redis://h:port", "the port"),
        ("redis://h:0", "the port"),
        ("redis://h:65536", "the port"),
        ("redis://h:-1", "the port"),
        ("redis://h:99999999999999999999", "the port"),
        ("redis://[::1", "closing bracket"),
        ("redis://[::1]x", "the port"),
        ("redis://h/x", "the database"),
        ("redis://h/-1", "the database"),
        ("redis://h/1/2", "the database"),
        ("redis://h/9999999999", "the database"),
        ("redis://user@h", "needs a password"),
        ("redis://user:@h", "the password is empty"),
        ("redis://u:secret%@h", "the password has a %"),
        ("redis://u:secret%zz@h", "the password has a %"),
        ("redis://u:secret%ff@h", "the password is not UTF-8"),
        ("redis://u:secret%00@h", "the password is not UTF-8"),
        ("redis://u:sec?ret@h", "query"),
        ("redis://a b", "spaces"),
        ("redis://a%0ab", "spaces"),
        ("unix://relative", "absolute path"),
        ("unix:///", "absolute path"),
        ("unix:///s?database=1", "?db=n"),
        ("unix:///" + String(repeating: "a", count: 107), "107 bytes"),
    ])
    func refuses(text: String, reason: String) {
        let error = #expect(throws: RedisError.self) { try RedisURL(text) }
        #expect(error?.code == .misconfigured)
        #expect(error?.message.contains(reason) == true, "\(error?.message ?? "")")
        #expect(error?.message.contains("\n") == false)
        #expect(error?.message.contains("secret") == false)
    }

    @Test func descriptionHidesThePassword() throws {
        #expect("\(try RedisURL("redis://u:secret@[::1]:7/2"))" == "redis://u@[::1]:7/2")
        #expect("\(try RedisURL("rediss://:secret@h"))" == "rediss://h:6379/0")
        #expect("\(try RedisURL("unix://u:secret@/s?db=3"))" == "unix://u@/s?db=3")
    }
}
