// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

import Testing

@testable import RollcallAuth

@Suite struct GrantsTests {
    @Test(arguments: [
        ("chat", "chat", true), ("chat", "chats", false), ("chat", "Chat", false), ("*", "", true),
        ("*", "anything at all", true),
        ("chat.*", "chat.1", true), ("chat.*", "chat.", true), ("chat.*", "chat", false), ("chat.*", "xchat.1", false),
        ("*.log", "a.log", true), ("*.log", "a.log2", false), ("a*b*c", "abc", true), ("a*b*c", "a1b2b3c", true),
        ("a*b*c", "acb", false), ("a*a", "a", false), ("a*a", "aa", true), ("**", "x", true), ("a**z", "az", true),
        ("a?c", "abc", false), ("a.c", "abc", false), ("[ab]", "a", false), ("방*", "방 1", true),
        ("*ab*ab*", "abab", true),
        ("*ab*ab*", "aba", false), ("user:*", "user:bob", true), ("user:bob", "user:bob", true),
        ("user:b*", "user:eve", false),
        ("*", "user:bob", false), ("u*", "user:bob", false), ("user*", "user:bob", false), ("*:bob", "user:bob", false),
        ("user*", "users", true), ("user:*", "user", false),
        ("*", "abc-ABCDEFGHIJKLMNOP", false), ("abc-*", "abc-ABCDEFGHIJKLMNOP", false),
        ("abc-ABCDEFGHIJKLMNOP", "abc-ABCDEFGHIJKLMNOP", true), ("*", "abc-ABCDEFGHIJKLMNO", true),
        ("*", "abc.ABCDEFGHIJKLMNOP", true), ("*", "abc-ABCDEFGHIJKLMNOPQ", true),
    ])
    func patterns(pattern: String, room: String, matches: Bool) throws {
        #expect(try #require(RoomPattern(pattern)).matches(room) == matches)
    }

    @Test func patternsAndRoomsAreBounded() throws {
        #expect(RoomPattern("") == nil)
        #expect(RoomPattern(String(repeating: "x", count: 256)) != nil)
        #expect(RoomPattern(String(repeating: "x", count: 257)) == nil)
        let any = try #require(RoomPattern("*"))
        #expect(any.matches(String(repeating: "x", count: 1024)))
        #expect(!any.matches(String(repeating: "x", count: 1025)))
    }

    @Test func nothingIsGrantedByDefault() {
        let grants = Grants()
        #expect(!grants.allowsJoin("a") && !grants.allowsSend(to: "a") && !grants.allowsBroadcast)
    }

    @Test func grantsOnTheCommandLine() throws {
        var grants = Grants()
        try grants.add("join:chat.*")
        try grants.add("send:user:*")
        try grants.add("send:a:b")
        #expect(grants.allowsJoin("chat.1") && !grants.allowsJoin("user:x"))
        #expect(grants.allowsSend(to: "user:x") && grants.allowsSend(to: "a:b") && !grants.allowsSend(to: "chat.1"))
        #expect(!grants.allowsBroadcast)
        try grants.add("broadcast")
        #expect(grants.allowsBroadcast && !grants.allowsJoin("x"))
    }

    @Test func allLeavesOutWhatBelongsToSomebody() throws {
        var grants = Grants()
        try grants.add("all")
        #expect(grants.allowsJoin("chat") && grants.allowsSend(to: "chat") && grants.allowsBroadcast)
        #expect(!grants.allowsJoin("user:bob") && !grants.allowsSend(to: "user:bob"))
        #expect(!grants.allowsJoin("abc-ABCDEFGHIJKLMNOP"))
        try grants.add("join:user:*")
        #expect(grants.allowsJoin("user:bob") && !grants.allowsSend(to: "user:bob"))
    }

    @Test(arguments: ["", "join", "join:", "Join:x", "all:x", "broadcast:", "leave:x", "send:", "*"])
    func grantsThatAreNone(text: String) {
        var grants = Grants()
        let error = #expect(throws: Grants.SyntaxError.self) { try grants.add(text) }
        #expect(error?.description.contains("'\(text)'") == true)
        #expect(grants == Grants())
    }
}
