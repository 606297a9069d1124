// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

import TestSupport
import Testing

@testable import Rollcall

/// What is sent arrives once, in order, and only where it belongs.
@Suite struct OrderTests {
    private static func serve(_ server: SocketIOServer) {
        server.main.on("echo") { (_: Socket, text: String) in text }
        server.main.on("broadcast") { (socket: Socket, text: String) in socket.namespace.emit("broadcast", text) }
    }

    @Test func answersAndBroadcastsOfOneSegmentKeepTheirOrder() async throws {
        try await withServer(setUp: Self.serve) { _, port in
            let a = try TestClient(connectedTo: port)
            let b = try TestClient(connectedTo: port)
            for _ in 0..<100 {
                try a.send(
                    #"421["echo","x"]"#, #"42["broadcast","1"]"#, #"422["echo","y"]"#, #"42["broadcast","2"]"#,
                    #"423["echo","z"]"#)
                try a.expect(
                    #"431["x"]"#, #"42["broadcast","1"]"#, #"432["y"]"#, #"42["broadcast","2"]"#, #"433["z"]"#)
                try b.expect(#"42["broadcast","1"]"#, #"42["broadcast","2"]"#)
            }
        }
    }

    @Test func bothAskAndBroadcastInTheSameInstant() async throws {
        try await withServer(setUp: Self.serve) { _, port in
            let a = try TestClient(connectedTo: port)
            let b = try TestClient(connectedTo: port)
            for _ in 0..<150 {
                try a.send(#"427["echo","q"]"#, #"42["broadcast","a"]"#)
                try b.send(#"42["broadcast","b"]"#, #"428["echo","r"]"#)
                let gotA = [try a.readText(), try a.readText(), try a.readText()]
                let gotB = [try b.readText(), try b.readText(), try b.readText()]
                let (ackA, ownA) = (gotA.firstIndex(of: #"437["q"]"#), gotA.firstIndex(of: #"42["broadcast","a"]"#))
                let (ownB, ackB) = (gotB.firstIndex(of: #"42["broadcast","b"]"#), gotB.firstIndex(of: #"438["r"]"#))
                #expect(try #require(ackA) < #require(ownA))
                #expect(try #require(ownB) < #require(ackB))
            }
        }
    }

    @Test func cutFramesAreJoined() async throws {
        try await withServer(setUp: Self.serve) { _, port in
            let client = try TestClient(connectedTo: port)
            let text = String(repeating: "w", count: 300)
            let frame = TestClient.texts([#"425["echo","\#(text)"]"#])
            for cut in [1, 2, 3, 5, 7, 8, 9, 50] {
                try client.write(frame[..<cut])
                try await Task.sleep(for: .milliseconds(2))
                try client.write(frame[cut...] + frame[..<4])
                try await Task.sleep(for: .milliseconds(2))
                try client.write(frame[4...])
                try client.expect(#"435["\#(text)"]"#, #"435["\#(text)"]"#)
            }
            try client.send(#"429["echo","äöü€😀"]"#)
            try client.expect(#"439["äöü€😀"]"#)
        }
    }

    @Test func slowReaderGetsEverythingInOrder() async throws {
        try await withServer {
            $0.limits.maxQueuedBytes = 0
        } setUp: {
            Self.serve($0)
        } _: { _, port in
            let a = try TestClient(connectedTo: port)
            let slow = try TestClient(connectedTo: port, receiveBuffer: 4096)
            let pad = String(repeating: "p", count: 1000)
            for index in 0..<6000 {
                try a.send(#"42["broadcast","\#(index) \#(pad)"]"#)
                if index % 50 == 49 { for _ in 0..<50 { _ = try a.readText() } }
            }
            try slow.send(#"4299["echo","end"]"#)
            for index in 0..<6000 { try slow.expect(#"42["broadcast","\#(index) \#(pad)"]"#) }
            try slow.expect(#"4399["end"]"#)
        }
    }

    @Test func nextConnectionSeesNothingOfOneThatWasReset() async throws {
        try await withServer {
            $0.limits.maxQueuedBytes = 0
        } setUp: {
            Self.serve($0)
        } _: { _, port in
            let a = try TestClient(connectedTo: port)
            let pad = String(repeating: "p", count: 1000)
            for _ in 0..<4 {
                let lost = try TestClient(connectedTo: port, receiveBuffer: 4096)
                for index in 0..<3000 {
                    try a.send(#"42["broadcast","\#(index) \#(pad)"]"#)
                    if index % 50 == 49 { for _ in 0..<50 { _ = try a.readText() } }
                }
                lost.reset()
                try a.send(#"42["broadcast","after"]"#)
                _ = try a.readText()
                let next = try TestClient(connectedTo: port)
                try next.send(#"4250["echo","fresh"]"#)
                try next.expect(#"4350["fresh"]"#)
            }
        }
    }

    @Test func eachClientOfBothLoopsGetsEachBroadcastOnceInOrderOfItsSender() async throws {
        try await withServer(loops: 2, setUp: Self.serve) { server, port in
            let clients = try (0..<6).map { _ in try TestClient(connectedTo: port) }
            for index in 0..<200 {
                try clients[0].send(#"42["broadcast","a\#(index)"]"#)
                try clients[1].send(#"42["broadcast","b\#(index)"]"#)
                server.emit("broadcast", "s\(index)")
            }
            for client in clients {
                var got: [Character: [String]] = [:]
                for _ in 0..<600 {
                    let text = try client.readText().dropFirst(#"42["broadcast",""#.count).dropLast(2)
                    got[text.first ?? " ", default: []].append(String(text.dropFirst()))
                }
                for sender: Character in ["a", "b", "s"] { #expect(got[sender] == (0..<200).map { String($0) }) }
            }
        }
    }
}
