// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

import CZlib
import NIOCore
import TestSupport
import Testing

@testable import EngineIOServer

@Suite struct CompressionTests {
    /// What zlib makes of it, either format.
    private func inflate(_ bytes: [UInt8], room: Int) throws -> String {
        var stream = z_stream()
        try check(inflateInit2_(&stream, 15 + 32, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size)), Z_OK)
        defer { inflateEnd(&stream) }
        var input = bytes
        var out = [UInt8](repeating: 0, count: room)
        let result = input.withUnsafeMutableBufferPointer { input in
            out.withUnsafeMutableBufferPointer { out in
                stream.next_in = input.baseAddress
                stream.avail_in = UInt32(input.count)
                stream.next_out = out.baseAddress
                stream.avail_out = UInt32(out.count)
                return CZlib.inflate(&stream, Z_FINISH)
            }
        }
        try check(result, Z_STREAM_END)
        return String(decoding: out.prefix(room - Int(stream.avail_out)), as: UTF8.self)
    }

    @Test(arguments: [
        ("gzip, deflate, br", "gzip"), ("deflate, gzip", "deflate"), ("gzip;q=0.5, deflate", "deflate"), ("*", "gzip"),
        ("br", nil), ("", nil), ("gzip;q=0", nil), ("identity", nil), ("GZIP; q=1", "gzip"), (nil, nil),
    ])
    func whatTheClientAccepts(_ header: String?, _ coding: String?) {
        #expect(HTTPCompression(accepting: header)?.rawValue == coding)
    }

    @Test(arguments: ["gzip", "deflate"])
    func longAnswersAreCompressed(_ coding: String) async throws {
        try await withEngine { engine in
            let client = try TestClient(port: engine.port)
            let target = try client.openPolling()
            for length in [1023, 1024, 100_000] {
                let packet = "4" + String(repeating: "ab", count: length / 2) + (length % 2 == 0 ? "" : "c")
                let body = String(packet.dropLast())
                #expect(try client.roundTrip("POST", target, body: body).body == "ok")
                try client.request("GET", target, headers: ["Accept-Encoding: \(coding)"])
                let head = try client.readHead()
                let size = try #require(head.headers["content-length"].flatMap { Int($0) })
                while client.buffer.count < size { guard try client.readMore() else { break } }
                let bytes = Array(client.buffer.prefix(size))
                client.buffer.removeFirst(size)
                #expect(head.headers["content-type"] == "text/plain; charset=UTF-8")
                if length < 1024 {
                    #expect(head.headers["content-encoding"] == nil && bytes == Array(body.utf8))
                } else {
                    #expect(head.headers["content-encoding"] == coding && size < length / 2)
                    #expect(try self.inflate(bytes, room: length + 10) == body)
                }
            }
            let plain = String(repeating: "4", count: 5000)
            #expect(try client.roundTrip("POST", target, body: plain).body == "ok")
            #expect(try client.roundTrip("GET", target).body == plain)
        }
    }

    @Test func offMeansOff() async throws {
        try await withEngine {
            $0.httpCompression = nil
        } _: { engine in
            let client = try TestClient(port: engine.port)
            let target = try client.openPolling()
            let plain = String(repeating: "4", count: 5000)
            #expect(try client.roundTrip("POST", target, body: plain).body == "ok")
            #expect(try client.roundTrip("GET", target, headers: ["Accept-Encoding: gzip"]).body == plain)
        }
    }
}
