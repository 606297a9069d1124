// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

import Foundation
import NIOCore
import SocketIOCodec
import Testing

/// The same documents, made up but the same in every run, through ``SocketDecoder`` and Foundation's decoder.
@Suite struct FoundationComparisonTests {
    /// A document of any shape, as Codable sees it: each type is tried until one fits.
    private indirect enum Document: Decodable, Equatable {
        case null, bool(Bool), integer(Int64), number(Double), text(String), list([Document]), members(
            [String: Document])

        init(from decoder: any Decoder) throws {
            let value = try decoder.singleValueContainer()
            if value.decodeNil() {
                self = .null
            } else if let bool = try? value.decode(Bool.self) {
                self = .bool(bool)
            } else if let integer = try? value.decode(Int64.self) {
                self = .integer(integer)
            } else if let number = try? value.decode(Double.self) {
                self = .number(number)
            } else if let text = try? value.decode(String.self) {
                self = .text(text)
            } else if let list = try? value.decode([Document].self) {
                self = .list(list)
            } else {
                self = .members(try value.decode([String: Document].self))
            }
        }
    }

    @Test func decodesAnyDocumentAlike() throws {
        var generator = Generator(seed: 11)
        for _ in 0..<200 {
            let json = DocumentGenerator.document(&generator)
            let theirs = try JSONDecoder().decode(Document.self, from: Data(json.utf8))
            let ours = try withBytes(json) { try SocketDecoder.decode(Document.self, from: $0) }
            #expect(ours == theirs, "\(json)")
        }
    }

    private struct Order: Codable, Equatable {
        struct Item: Codable, Equatable {
            var name: String
            var price: Double
            var count: UInt16?
        }
        enum State: String, Codable { case open, paid, sent }
        var id: Int
        var state: State
        var items: [Item]
        var notes: [String: String]
        var isGift: Bool
        var parent: Int64?
    }

    /// What either encoder writes, both decoders read the same.
    @Test func encodesAndDecodesTypesAlike() throws {
        var generator = Generator(seed: 12)
        for _ in 0..<500 {
            let order = self.order(&generator)
            let theirs = try JSONEncoder().encode(order)
            #expect(try withBytes([UInt8](theirs)) { try SocketDecoder.decode(Order.self, from: $0) } == order)
            var ours = ByteBuffer()
            var attachments: [ByteBuffer] = []
            try SocketEncoder.encode(order, into: &ours, attachments: &attachments)
            #expect(try JSONDecoder().decode(Order.self, from: Data(ours.readableBytesView)) == order)
        }
    }

    private func order(_ generator: inout Generator) -> Order {
        let texts = ["", "a", "한글 😀", "\"\\/\u{8}\n\u{0}", "\u{2028}\u{7F}", "a text that is longer than a word"]
        func text(_ generator: inout Generator) -> String { texts.randomElement(using: &generator) ?? "" }
        var order = Order(
            id: Int.random(in: -9_007_199_254_740_992...9_007_199_254_740_992, using: &generator),
            state: [.open, .paid, .sent].randomElement(using: &generator) ?? .open, items: [], notes: [:],
            isGift: Bool.random(using: &generator),
            parent: Bool.random(using: &generator) ? Int64.random(in: .min ... .max, using: &generator) : nil)
        for _ in 0..<Int.random(in: 0..<4, using: &generator) {
            order.items.append(
                .init(
                    name: text(&generator), price: Double.random(in: -1e6...1e6, using: &generator),
                    count: Bool.random(using: &generator) ? UInt16.random(in: 0...UInt16.max, using: &generator) : nil))
            order.notes[text(&generator)] = text(&generator)
        }
        return order
    }
}
