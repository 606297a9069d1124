// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

import NIOCore
import SocketIOCodec
import Testing

/// Whatever arrives, every parser returns or throws, reads nothing outside its bytes, and agrees with the others.
@Suite struct RandomBytesTests {
    private static let alphabets: [[UInt8]] = [
        Array(0...255),
        Array(#"[]{},:"\/-+.0123456789eEtrufalsn bu"#.utf8) + [0x0A, 0x01, 0xC3, 0xA9],
        Array(#"[]{},"01"#.utf8),
    ]

    private func random(_ generator: inout Generator) -> [UInt8] {
        let alphabet = Self.alphabets.randomElement(using: &generator) ?? []
        let count = Int.random(in: 0..<40, using: &generator)
        return (0..<count).map { _ in alphabet.randomElement(using: &generator) ?? 0 }
    }

    @Test func parsersNeverCrash() {
        var generator = Generator(seed: 6)
        for _ in 0..<20_000 { withBytes(self.random(&generator)) { self.parseAll($0) } }
    }

    /// Well-formed text with some bytes exchanged reaches deeper.
    @Test func parsersSurviveDamage() {
        var generator = Generator(seed: 7)
        let starts = [
            #"["ev\u00e9nt",{"_placeholder":true,"num":0},[1.5e3,null,{"a":[true]}],"x\n"]"#,
            #"51-/admin?x,12["a",{"num":0,"_placeholder":true}]"#, #"{"name":"n","list":[{"n":1}],"tags":["a"]}"#,
        ]
        for _ in 0..<10_000 {
            var bytes = Array((starts.randomElement(using: &generator) ?? "").utf8)
            for _ in 0..<Int.random(in: 1...3, using: &generator) {
                let alphabet = Self.alphabets.randomElement(using: &generator) ?? []
                let index = Int.random(in: 0..<bytes.count, using: &generator)
                switch Int.random(in: 0..<3, using: &generator) {
                case 0: bytes[index] = alphabet.randomElement(using: &generator) ?? 0
                case 1: bytes.insert(alphabet.randomElement(using: &generator) ?? 0, at: index)
                default: bytes.remove(at: index)
                }
            }
            withBytes(bytes) { self.parseAll($0) }
        }
    }

    private func parseAll(_ bytes: UnsafeRawBufferPointer) {
        let attachments = [ByteBuffer(bytes: [1])]
        _ = try? SocketPacketSlices.parse(bytes)
        for argument in ArgumentSlices(bytes) { #expect(argument.count <= bytes.count) }
        if let event = try? EventSlices.parse(bytes) {
            _ = event.decodedName
            _ = event.isReserved
            // One slice for each item but the name.
            let items = ArgumentSlices(event.arguments).map { (try? JSONReader.value($0)) ?? .null }
            let all = try? JSONReader.value(bytes).arrayValue
            #expect(all.map { Array($0.dropFirst()) } == items)
        }
        let isValid = (try? JSONScanner.validate(bytes)) != nil
        #expect(isValid == ((try? JSONReader.value(bytes)) != nil))
        if isValid { self.transcode(bytes) }
        _ = try? JSONScanner.validateArray(bytes)
        _ = try? JSONScanner.validatePlaceholders(bytes, attachmentCount: 1)
        var buffer = ByteBuffer()
        try? MessagePackTranscoder.write(json: bytes, attachments: attachments, into: &buffer)
        _ = try? SocketDecoder.decode(Profile.self, from: bytes, attachments: attachments)
        _ = try? SocketDecoder.decode([Int8].self, from: bytes, attachments: attachments)
        _ = try? SocketDecoder.decode([String: SocketValue].self, from: bytes, attachments: attachments)
        _ = try? SocketDecoder.decode([String].self, from: bytes, attachments: attachments)
        _ = try? SocketDecoder.decode(Double.self, from: bytes, attachments: attachments)
        self.readMessagePack(bytes)
    }

    private func transcode(_ json: UnsafeRawBufferPointer) {
        guard let tree = try? JSONReader.value(json) else { return }
        var buffer = ByteBuffer()
        #expect(throws: Never.self) { try MessagePackTranscoder.write(json: json, attachments: [], into: &buffer) }
        // Repeated keys, of which the tree has one, are the only difference.
        let again = try? buffer.withUnsafeReadableBytes { raw in
            var reader = MessagePackReader(raw)
            return try reader.readValue()
        }
        #expect(again.map(normalized) == normalized(tree))
    }

    private func readMessagePack(_ bytes: UnsafeRawBufferPointer) {
        var reader = MessagePackReader(bytes)
        let value = try? reader.readValue()
        var skipping = MessagePackReader(bytes)
        let skips = (try? skipping.skipValue()) != nil
        if value != nil { #expect(skips && skipping.remaining == reader.remaining) }
        var transcoding = MessagePackReader(bytes)
        var buffer = ByteBuffer()
        var attachments: [ByteBuffer] = []
        let transcodes =
            (try? MessagePackTranscoder.writeJSON(from: &transcoding, into: &buffer, attachments: &attachments)) != nil
        #expect(transcodes == (value != nil))
        if transcodes {
            buffer.withUnsafeReadableBytes { json in
                #expect(throws: Never.self) { try JSONScanner.validate(json) }
                #expect(String(validating: json, as: UTF8.self) != nil)
            }
        }
    }
}
