// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

import NIOCore
import Rollcall
import Testing

@testable import RollcallRedis

@Suite struct SmallPartsTests {
    @Test func channelsAreTheReferences() {
        let main = ClusterChannels(prefix: "socket.io", namespace: "/", uid: "4XGc8d")
        #expect(String(buffer: main.base) == "socket.io#/#")
        #expect(String(buffer: main.request) == "socket.io-request#/#")
        #expect(String(buffer: main.response) == "socket.io-response#/#")
        #expect(String(buffer: main.ownResponse) == "socket.io-response#/#4XGc8d#")
        #expect(String(buffer: main.room("r#1")) == "socket.io#/#r#1#")
        #expect(String(buffer: ClusterChannels(prefix: "x", namespace: "/chat", uid: "u").base) == "x#/chat#")
    }

    @Test func idsAreSixURLSafeCharacters() {
        let ids = (0..<100).map { _ in ClusterID.random() }
        #expect(Set(ids).count == 100)
        #expect(ids.allSatisfy { $0.wholeMatch(of: /[A-Za-z0-9_-]{6}/) != nil })
    }

    @Test func aRoomIsThereWhileOneLoopHasIt() {
        let namespace = ClusterNamespace(name: "/", uid: "u", prefix: "p")
        #expect(namespace.roomCreated("r").map { String(buffer: $0) } == "p#/#r#")
        #expect(namespace.roomCreated("r") == nil)
        #expect(namespace.roomDeleted("r") == nil)
        #expect(namespace.roomDeleted("r").map { String(buffer: $0) } == "p#/#r#")
        #expect(namespace.roomDeleted("r") == nil)
        #expect(namespace.rooms.isEmpty)
    }

    @Test func aRoomJustJoinedElsewhereIsReachedThroughTheBaseChannel() {
        let namespace = ClusterNamespace(name: "/", uid: "u", prefix: "p")
        #expect(namespace.roomChannel(for: BroadcastOptions(rooms: ["r"])) == "r")
        #expect(namespace.roomChannel(for: BroadcastOptions(rooms: ["r", "s"])) == nil)
        #expect(namespace.roomChannel(for: BroadcastOptions()) == nil)
        namespace.willBeJoined(["r"])
        #expect(namespace.roomChannel(for: BroadcastOptions(rooms: ["r"])) == nil)
        #expect(namespace.roomChannel(for: BroadcastOptions(rooms: ["s"])) == "s")
        namespace.willBeJoined(["r"], now: .now() - .seconds(60))
        #expect(namespace.roomChannel(for: BroadcastOptions(rooms: ["r"])) == "r")
    }

    @Test func theMailboxKeepsOrderAndBounds() {
        let mailbox = TurnMailbox<Int>(maxMessages: 2, maxBytes: 10)
        #expect(mailbox.add(0))
        #expect(mailbox.add(message: 1, bytes: 6) == false)
        #expect(mailbox.add(message: 2, bytes: 5) == nil)
        #expect(mailbox.add(message: 3, bytes: 4) == false)
        #expect(mailbox.add(message: 4, bytes: 0) == nil)
        #expect(!mailbox.add(5))
        var jobs: [Int] = []
        mailbox.take(into: &jobs)
        #expect(jobs == [0, 1, 3, 5])
        jobs.removeAll()
        #expect(mailbox.add(message: 6, bytes: 10) == true)
        mailbox.take(into: &jobs)
        #expect(jobs == [6])
    }

    @Test func timeIsWrittenAsJavaScriptDoes() {
        #expect(
            SocketDescription.time(milliseconds: 1_772_366_409_123)
                == "Sun Mar 01 2026 12:00:09 GMT+0000 (Coordinated Universal Time)")
    }
}
