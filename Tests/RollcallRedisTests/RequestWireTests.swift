// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

import NIOCore
import Rollcall
import SocketIOCodec
import Testing

@testable import RollcallRedis

/// The texts of requests and answers, as captured from the reference.
@Suite struct RequestWireTests {
    private let options = BroadcastOptions(rooms: ["room1"])

    @Test func writesCommandsAsCaptured() {
        #expect(
            String(buffer: ClusterMessages.command(.join(["room2", "room3"]), self.options, uid: "4XGc8d"))
                == #"{"uid":"4XGc8d","type":2,"opts":{"rooms":["room1"],"except":[]},"rooms":["room2","room3"]}"#)
        #expect(
            String(buffer: ClusterMessages.command(.leave(["room2"]), self.options, uid: "4XGc8d"))
                == #"{"uid":"4XGc8d","type":3,"opts":{"rooms":["room1"],"except":[]},"rooms":["room2"]}"#)
        #expect(
            String(buffer: ClusterMessages.command(.disconnect(close: true), self.options, uid: "4XGc8d"))
                == #"{"uid":"4XGc8d","type":4,"opts":{"rooms":["room1"],"except":[]},"close":true}"#)
        #expect(
            String(buffer: ClusterMessages.serverSideEmit(["ev", 1], uid: "4XGc8d"))
                == #"{"uid":"4XGc8d","type":6,"data":["ev",1]}"#)
    }

    @Test func writesOwnRequestsAsCaptured() throws {
        #expect(
            String(buffer: ClusterMessages.fetchSockets(self.options, "KssyGU", uid: "4XGc8d"))
                == #"{"uid":"4XGc8d","requestId":"KssyGU","type":5,"opts":{"rooms":["room1"],"except":[]}}"#)
        #expect(
            String(buffer: ClusterMessages.serverSideEmit(["ev", 1], "KssyGU", uid: "4XGc8d"))
                == #"{"uid":"4XGc8d","requestId":"KssyGU","type":6,"data":["ev",1]}"#)
        var message = ByteBuffer()
        try BroadcastWriter(uid: "4XGc8d", namespace: "/").writeRequest(
            "KssyGU", EncodedEvent(payload: ByteBuffer(string: #"["q",1]"#)), self.options, .milliseconds(500),
            into: &message)
        let expected = ByteBuffer(
            hex: """
                85 a3756964 a6345847633864 a9726571756573744964 a64b7373794755 a474797065 07
                a67061636b6574 83 a474797065 02 a464617461 92 a171 01 a36e7370 a12f
                a46f707473 83 a5726f6f6d73 91 a5726f6f6d31 a6657863657074 90 a5666c616773 81 a774696d656f7574 cd01f4
                """)
        #expect(message.hex == expected.hex)
    }

    @Test func writesAnswersAsCaptured() {
        #expect(
            String(buffer: ClusterMessages.list("KssyGU", "rooms", [])) == #"{"requestId":"KssyGU","rooms":[]}"#)
        #expect(
            String(buffer: ClusterMessages.list("KssyGU", "sockets", ["a", "b"]))
                == #"{"requestId":"KssyGU","sockets":["a","b"]}"#)
        #expect(String(buffer: ClusterMessages.done("KssyGU")) == #"{"requestId":"KssyGU"}"#)
        #expect(
            String(buffer: ClusterMessages.serverSideAnswer("KssyGU", "pong"))
                == #"{"type":6,"requestId":"KssyGU","data":"pong"}"#)
        #expect(
            String(buffer: ClusterMessages.clientCount("KssyGU", 2))
                == #"{"type":8,"requestId":"KssyGU","clientCount":2}"#)
    }

    @Test func writesAcknowledgementsAsMessagePack() {
        let some = ClusterMessages.acknowledgement("KssyGU", Arguments(["yes", "ignored"]))
        #expect(
            some.hex
                == ByteBuffer(hex: "83 a474797065 09 a9726571756573744964 a64b7373794755 a67061636b6574 a3796573").hex)
        let none = ClusterMessages.acknowledgement("KssyGU", Arguments())
        #expect(
            none.hex
                == ByteBuffer(hex: "83 a474797065 09 a9726571756573744964 a64b7373794755 a67061636b6574 d40000").hex)
    }

    private func read(_ text: String) throws -> ClusterRequest {
        try ByteBuffer(string: text).withUnsafeReadableBytes { try ClusterRequest($0) }
    }

    @Test func readsCommands() throws {
        let join = try self.read(
            #"{"uid":"4XGc8d","type":2,"opts":{"rooms":["room1",7],"except":["x"]},"rooms":["room2",3]}"#)
        #expect(join.kind == .join)
        #expect(join.uid == "4XGc8d")
        #expect(join.options == BroadcastOptions(rooms: ["room1", "7"], except: ["x"]))
        #expect(join.rooms == ["room2", "3"])
        let old = try self.read(#"{"type":3,"sid":"abc","room":5,"requestId":"q"}"#)
        #expect(old.kind == .leave)
        #expect(old.options == nil)
        #expect(old.socketID == "abc")
        #expect(old.rooms == ["5"])
        #expect(old.id == "q")
        #expect(try self.read(#"{"type":4,"opts":{"rooms":[],"except":[]},"close":true}"#).closes)
    }

    @Test func readsABroadcastWithAcknowledgements() throws {
        var message = ByteBuffer()
        MessagePackWriter.writeMapHeader(5, into: &message)
        for (key, value) in [("uid", "4XGc8d"), ("requestId", "KssyGU")] as [(String, SocketValue)] {
            MessagePackWriter.write(key, into: &message)
            MessagePackWriter.write(value, into: &message)
        }
        MessagePackWriter.write("type", into: &message)
        MessagePackWriter.write(7, into: &message)
        MessagePackWriter.write("packet", into: &message)
        // {type: 2, data: ["q", {z: 1, a: <02 03>}], nsp: "/"}: the order of members is the client's business.
        message.writeImmutableBuffer(
            ByteBuffer(hex: "83 a474797065 02 a464617461 92 a171 82 a17a 01 a161 c4020203 a36e7370 a12f"))
        MessagePackWriter.write("opts", into: &message)
        MessagePackWriter.write(["rooms": ["r"], "except": [], "flags": ["timeout": 500]], into: &message)
        let request = try message.withUnsafeReadableBytes { try ClusterRequest($0) }
        #expect(request.kind == .broadcast)
        #expect(request.options == BroadcastOptions(rooms: ["r"]))
        #expect(request.timeout == .milliseconds(500))
        let event = try #require(request.event)
        #expect(String(buffer: event.payload) == #"["q",{"z":1,"a":{"_placeholder":true,"num":0}}]"#)
        #expect(event.attachments == [ByteBuffer(bytes: [2, 3])])
    }

    @Test(arguments: [
        ("{", RedisDropReason.malformed), ("{}", .unexpectedShape), (#"{"type":"x"}"#, .unexpectedShape),
        (#"{"type":8}"#, .unknownRequest), (#"{"type":99}"#, .unknownRequest), (#"{"type":-1}"#, .unknownRequest),
        (#"{"type":1e99}"#, .unexpectedShape), ("[]", .unexpectedShape), ("", .malformed),
        (#"{"type":1}x"#, .malformed), ("{\"a\":" + String(repeating: "[", count: 5000), .tooDeep),
    ])
    func dropsGarbageForAReason(_ text: String, _ reason: RedisDropReason) {
        let bytes = ByteBuffer(string: text)
        let found = bytes.withUnsafeReadableBytes { bytes -> RedisDropReason? in
            do throws(ClusterMessageError) {
                _ = try ClusterRequest(bytes)
                return nil
            } catch {
                return error.reason
            }
        }
        #expect(found == reason)
    }

    // MARK: answers

    private func readAnswer(_ message: ByteBuffer) throws -> (id: String?, answer: ClusterResponse) {
        try message.withUnsafeReadableBytes { (try ClusterResponse.requestID(in: $0), try ClusterResponse($0)) }
    }

    @Test func readsAnswers() async throws {
        let count = try self.readAnswer(ByteBuffer(string: #"{"type":8,"requestId":"KssyGU","clientCount":2}"#))
        #expect(count.id == "KssyGU")
        #expect(count.answer.kind == .clientCount)
        #expect(count.answer.clientCount == 2)
        let data = try self.readAnswer(ByteBuffer(string: #"{"type":6,"requestId":"KssyGU","data":{"a":1}}"#))
        #expect(data.answer.data == ["a": 1])
        // Without an argument JSON.stringify leaves `data` out.
        #expect(try self.readAnswer(ByteBuffer(string: #"{"type":6,"requestId":"KssyGU"}"#)).answer.data == .null)
        let list = try self.readAnswer(ByteBuffer(string: #"{"requestId":"KssyGU","sockets":[{"id":"a"}]}"#))
        #expect(list.id == "KssyGU")
        #expect(list.answer.kind == nil)
        let server = SocketIOServer()
        #expect(try list.answer.sockets(of: server.main).map(\.id) == ["a"])
        await server.stop()
        for text in [#"{"sockets":[],"requestId":"Kss\u0079GU"}"#, #"{"requestId":"Kss\u0079GU","sockets":[]}"#] {
            #expect(try self.readAnswer(ByteBuffer(string: text)).id == "KssyGU")
        }
        #expect(try self.readAnswer(ByteBuffer(string: #"{"type":8}"#)).id == nil)
        for wrong in ["-1", "1.5", "4294967296", #""2""#] {
            let answer = try self.readAnswer(ByteBuffer(string: #"{"type":8,"clientCount":\#(wrong)}"#)).answer
            #expect(answer.clientCount == nil, "\(wrong)")
        }
    }

    @Test func readsAcknowledgements() throws {
        let head = "83 a474797065 09 a9726571756573744964 a64b7373794755 a67061636b6574"
        let some = try self.readAnswer(ByteBuffer(hex: "\(head) 82 a17a a179 a161 c4020203"))
        #expect(some.id == "KssyGU")
        #expect(some.answer.kind == .acknowledgement)
        let arguments = try #require(some.answer.acknowledgement)
        #expect(String(buffer: arguments.text) == #"{"z":"y","a":{"_placeholder":true,"num":0}}"#)
        #expect(arguments.attachments == [ByteBuffer(bytes: [2, 3])])
        #expect(try self.readAnswer(ByteBuffer(hex: "\(head) d40000")).answer.acknowledgement?.count == 0)
        #expect(try self.readAnswer(ByteBuffer(hex: "\(head) c0")).answer.acknowledgement?.values == [.null])
        // Of nodes whose parser is JSON.
        let text = #"{"type":9,"requestId":"KssyGU","packet":[1]}"#
        #expect(try self.readAnswer(ByteBuffer(string: text)).answer.acknowledgement?.values == [[1]])
    }

    @Test(arguments: [
        ("{", RedisDropReason.malformed), (#"{"type":8}x"#, .malformed), (#"{"requestId":"x"#, .malformed),
        ("", .malformed),
        ("[]", .unexpectedShape),
        ("{\"a\":" + String(repeating: "[", count: 5000), .tooDeep),
    ])
    func dropsGarbageInsteadOfAnswers(_ text: String, _ reason: RedisDropReason) {
        let bytes = ByteBuffer(string: text)
        for read in [{ _ = try ClusterResponse.requestID(in: $0) }, { _ = try ClusterResponse($0) }]
            as [(UnsafeRawBufferPointer) throws -> Void]
        {
            #expect { try bytes.withUnsafeReadableBytes(read) } throws: {
                ($0 as? ClusterMessageError)?.reason == reason
            }
        }
    }

    @Test func readsDescriptionsOfSockets() async throws {
        let server = SocketIOServer()
        let namespace = server.main
        let socket = try #require(
            SocketDescription.read(
                [
                    "id": "a", "rooms": ["a", "r", 7], "data": ["user": ["id": "ada", "claims": ["x": 1]]],
                    "handshake": [
                        "headers": ["cookie": "k=v", "origin": "http://page", "set-cookie": ["a", "b"]],
                        "address": "::1", "secure": true, "issued": 5, "url": "/socket.io/?a=b%20c", "auth": ["t": 1],
                        "query": ["a": "b c"],
                    ],
                ], namespace))
        #expect(socket.id == "a")
        #expect(socket.rooms == ["a", "r", "7"])
        #expect(socket.user == User(id: "ada", claims: ["x": 1]))
        #expect(socket.handshake.cookie("k") == "v")
        #expect(socket.handshake.isCrossDomain)
        #expect(socket.handshake.header("Set-Cookie") == "a, b")
        #expect(socket.handshake.address == "::1")
        #expect(socket.handshake.isSecure)
        #expect(socket.handshake.issued == 5)
        #expect(socket.handshake.query == ["a": "b c"])
        #expect(socket.handshake.auth == ["t": 1])
        let bare = try #require(SocketDescription.read(["id": "b", "data": "text"], namespace))
        #expect(bare.user == nil && bare.data == "text" && bare.rooms.isEmpty && bare.handshake.url.isEmpty)
        for wrong in [["id": 1], [:], "a", .null] as [SocketValue] {
            #expect(SocketDescription.read(wrong, namespace) == nil)
        }
        await server.stop()
    }

    private static let answers = [
        ByteBuffer(string: #"{"type":8,"requestId":"KssyGU","clientCount":2}"#),
        ByteBuffer(string: #"{"requestId":"KssyGU","sockets":[{"id":"a","handshake":{"headers":{}},"rooms":["a"]}]}"#),
        ByteBuffer(
            hex: "83 a474797065 09 a9726571756573744964 a64b7373794755 a67061636b6574 82 a17a a179 a161 c4020203"),
    ]

    @Test(arguments: 0..<10)
    func answersOfAnyBytesAreReadOrDropped(seed: UInt64) async {
        let server = SocketIOServer()
        let namespace = server.main
        var random = SeededGenerator(seed)
        for answer in Self.answers {
            for _ in 0..<300 {
                var bytes = Array(answer.readableBytesView)
                for _ in 0..<Int.random(in: 1...4, using: &random) {
                    bytes[Int.random(in: 0..<bytes.count, using: &random)] = .random(in: .min ... .max, using: &random)
                }
                if Bool.random(using: &random) { bytes.removeLast(Int.random(in: 0...bytes.count, using: &random)) }
                ByteBuffer(bytes: bytes).withUnsafeReadableBytes { message in
                    _ = try? ClusterResponse.requestID(in: message)
                    guard let answer = try? ClusterResponse(message) else { return }
                    _ = (answer.kind, answer.clientCount, answer.data, answer.acknowledgement?.values)
                    _ = try? answer.sockets(of: namespace)
                }
            }
        }
        await server.stop()
    }
}
