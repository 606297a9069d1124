// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

import NIOCore
import SocketIOCodec

struct Profile: Codable, Hashable {
    var name: String
    var age: Int?
    var score: Double
    var tags: [String]
    var address: Address?
    var role: Role
    var shape: Shape
    var scores: [String: Int]
    var byNumber: [Int: String]
    var extra: SocketValue

    struct Address: Codable, Hashable {
        var street: String
        var numbers: [UInt8]
        var isHome: Bool
    }

    enum Role: String, Codable, Hashable {
        case admin, guest
    }

    enum Shape: Codable, Hashable {
        case point
        case circle(radius: Double)
        case polygon([Int], closed: Bool)
    }

    static let example = Profile(
        name: "Ada \"Countess\"\n", age: nil, score: 1.25, tags: ["a", "b"],
        address: Address(street: "거리", numbers: [0, 255], isHome: true), role: .guest, shape: .circle(radius: 2.5),
        scores: ["x": 1, "y": -2], byNumber: [1: "one"], extra: ["deep": [1, nil, "z"]])
}

/// All the scalar types that have a method of their own in the containers.
struct Scalars: Codable, Hashable {
    var bool = true
    var string = "s"
    var double = -0.1
    var float: Float = 0.1
    var int = Int.min
    var int8 = Int8.min
    var int16 = Int16.min
    var int32 = Int32.min
    var int64 = Int64.min
    var uint = UInt.max
    var uint8 = UInt8.max
    var uint16 = UInt16.max
    var uint32 = UInt32.max
    var uint64 = UInt64.max
}

/// The same through unkeyed containers.
struct ScalarList: Codable, Hashable {
    var scalars = Scalars()

    init() {}

    init(from decoder: any Decoder) throws {
        var container = try decoder.unkeyedContainer()
        self.scalars.bool = try container.decode(Bool.self)
        self.scalars.string = try container.decode(String.self)
        self.scalars.double = try container.decode(Double.self)
        self.scalars.float = try container.decode(Float.self)
        self.scalars.int = try container.decode(Int.self)
        self.scalars.int8 = try container.decode(Int8.self)
        self.scalars.int16 = try container.decode(Int16.self)
        self.scalars.int32 = try container.decode(Int32.self)
        self.scalars.int64 = try container.decode(Int64.self)
        self.scalars.uint = try container.decode(UInt.self)
        self.scalars.uint8 = try container.decode(UInt8.self)
        self.scalars.uint16 = try container.decode(UInt16.self)
        self.scalars.uint32 = try container.decode(UInt32.self)
        self.scalars.uint64 = try container.decode(UInt64.self)
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.unkeyedContainer()
        try container.encode(self.scalars.bool)
        try container.encode(self.scalars.string)
        try container.encode(self.scalars.double)
        try container.encode(self.scalars.float)
        try container.encode(self.scalars.int)
        try container.encode(self.scalars.int8)
        try container.encode(self.scalars.int16)
        try container.encode(self.scalars.int32)
        try container.encode(self.scalars.int64)
        try container.encode(self.scalars.uint)
        try container.encode(self.scalars.uint8)
        try container.encode(self.scalars.uint16)
        try container.encode(self.scalars.uint32)
        try container.encode(self.scalars.uint64)
    }
}

class Animal: Codable {
    var name = "Rex"

    init() {}
}

/// A class that leaves its superclass's part to a `superEncoder`.
final class Dog: Animal {
    var legs = 4

    private enum Keys: CodingKey { case legs }

    override init() { super.init() }

    required init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: Keys.self)
        self.legs = try container.decode(Int.self, forKey: .legs)
        try super.init(from: container.superDecoder())
    }

    override func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: Keys.self)
        try super.encode(to: container.superEncoder())
        try container.encode(self.legs, forKey: .legs)
    }
}

/// Nested containers that are written to in turns.
struct Interleaved: Encodable {
    func encode(to encoder: any Encoder) throws {
        var list = encoder.unkeyedContainer()
        var first = list.nestedContainer(keyedBy: AnyKey.self)
        try list.encode("between")
        var second = list.nestedUnkeyedContainer()
        try first.encode(1, forKey: AnyKey("a"))
        try second.encode(2)
        var inner = first.nestedUnkeyedContainer(forKey: AnyKey("b"))
        try list.encode("last")
        try inner.encode(3)
        try second.encode(SocketBinary(bytes: [9]))
        try first.encodeNil(forKey: AnyKey("c"))
    }
}

struct AnyKey: CodingKey {
    let stringValue: String
    var intValue: Int? { nil }

    init(_ name: String) { self.stringValue = name }
    init?(stringValue: String) { self.stringValue = stringValue }
    init?(intValue: Int) { nil }
}

/// Encodes or decodes as the closure says.
struct Custom: Encodable {
    let body: (any Encoder) throws -> Void

    func encode(to encoder: any Encoder) throws { try self.body(encoder) }
}

struct CustomError: Error {}
