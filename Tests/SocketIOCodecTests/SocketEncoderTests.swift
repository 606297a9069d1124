// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

import Foundation
import NIOCore
import SocketIOCodec
import Testing

/// Encodes a value behind other bytes.
func encode<T: Encodable>(_ value: T, attachments: inout [ByteBuffer]) throws -> String {
    var buffer = ByteBuffer(string: "<")
    try SocketEncoder.encode(value, into: &buffer, attachments: &attachments)
    #expect(buffer.readInteger(as: UInt8.self) == UInt8(ascii: "<"))
    return String(buffer: buffer)
}

func encode<T: Encodable>(_ value: T) throws -> String {
    var attachments: [ByteBuffer] = []
    let text = try encode(value, attachments: &attachments)
    #expect(attachments.isEmpty)
    return text
}

@Suite struct SocketEncoderTests {
    @Test func encodesScalars() throws {
        #expect(try encode("a\"") == #""a\"""#)
        #expect(try encode(5) == "5")
        #expect(try encode(Int8(-5)) == "-5")
        #expect(try encode(UInt64.max) == "18446744073709551615")
        #expect(try encode(0.1) == "0.1")
        #expect(try encode(Float(0.1)) == "0.1")
        #expect(try encode(Double.nan) == "null")
        #expect(try encode(true) == "true")
        #expect(try encode(SocketValue.null) == "null")
        #expect(try encode(["a": 1] as SocketValue) == #"{"a":1}"#)
    }

    @Test func encodesOptionalsAndArrays() throws {
        #expect(try encode(String?.none) == "null")
        #expect(try encode(String?("x")) == #""x""#)
        #expect(try encode(Int?.none) == "null")
        #expect(try encode(Int?(3)) == "3")
        #expect(try encode(Double?(0.5)) == "0.5")
        #expect(try encode(Bool?(false)) == "false")
        #expect(try encode(SocketValue?(["x"])) == #"["x"]"#)
        #expect(try encode(Int64?(3)) == "3")
        #expect(try encode(Profile.Address?.none) == "null")
        #expect(try encode(["a", "b"]) == #"["a","b"]"#)
        #expect(try encode([String]()) == "[]")
        #expect(try encode([1, 2, 3]) == "[1,2,3]")
        #expect(try encode([0.5, 1]) == "[0.5,1]")
        #expect(try encode([true]) == "[true]")
        #expect(try encode([SocketValue.null, 1]) == "[null,1]")
        #expect(try encode([UInt8(1), 2]) == "[1,2]")
        #expect(try encode([[1], []]) == "[[1],[]]")
        #expect(try encode([Int?.none, 1]) == "[null,1]")
        #expect(try encode([String: Int]()) == "{}")
        #expect(try encode(["k\n": 1]) == #"{"k\n":1}"#)
    }

    @Test func encodesStructs() throws {
        let address = Profile.Address(street: "s", numbers: [1], isHome: false)
        #expect(try encode(address) == #"{"street":"s","numbers":[1],"isHome":false}"#)
        #expect(try encode([address, address]) == "[\(try encode(address)),\(try encode(address))]")
        #expect(try encode(Profile.Role.admin) == #""admin""#)
        #expect(try encode(Profile.Shape.circle(radius: 1.5)) == #"{"circle":{"radius":1.5}}"#)
        #expect(try encode(Profile.Shape.polygon([1, 2], closed: true)) == #"{"polygon":{"_0":[1,2],"closed":true}}"#)
        #expect(try encode(Profile.Shape.point) == #"{"point":{}}"#)
        #expect(try encode(Dog()) == #"{"super":{"name":"Rex"},"legs":4}"#)
    }

    /// Foundation reads the same out of what both encoders write.
    @Test func agreesWithFoundation() throws {
        let profile = Profile.example
        let ours = try JSONSerialization.jsonObject(with: Data(try encode(profile).utf8)) as? NSDictionary
        let theirs = try JSONSerialization.jsonObject(with: JSONEncoder().encode(profile)) as? NSDictionary
        #expect(ours != nil && ours == theirs)
    }

    @Test func turnsBinaryIntoAttachments() throws {
        var attachments = [ByteBuffer(bytes: [0])]
        struct Upload: Encodable {
            var name = "f"
            var parts = [SocketBinary(bytes: [1]), SocketBinary(bytes: [2])]
            var raw = ByteBuffer(bytes: [3])
            var none: SocketBinary?
            var value = SocketValue.array([.binary(ByteBuffer(bytes: [4]))])
        }
        func placeholder(_ number: Int) -> String { #"{"_placeholder":true,"num":\#(number)}"# }
        #expect(
            try encode(Upload(), attachments: &attachments)
                == #"{"name":"f","parts":[\#(placeholder(1)),\#(placeholder(2))],"raw":\#(placeholder(3)),"#
                + #""value":[\#(placeholder(4))]}"#)
        #expect(attachments.map(\.readableBytesView.first) == [0, 1, 2, 3, 4])
        #expect(try encode(SocketBinary?.none) == "null")
        #expect(try encode(SocketBinary?(SocketBinary(bytes: [5])), attachments: &attachments) == placeholder(5))
    }

    @Test func keepsTheOrderOfInterleavedContainers() throws {
        var attachments: [ByteBuffer] = []
        #expect(
            try encode(Interleaved(), attachments: &attachments)
                == #"[{"a":1,"b":[3],"c":null},"between",[2,{"_placeholder":true,"num":0}],"last"]"#)
        #expect(attachments == [ByteBuffer(bytes: [9])])
        attachments = []
        #expect(
            try encode(["x": [Interleaved()]], attachments: &attachments)
                == #"{"x":[[{"a":1,"b":[3],"c":null},"between",[2,{"_placeholder":true,"num":0}],"last"]]}"#)
    }

    @Test func aTypeMayGoOnAfterAnError() throws {
        let failing = Custom { encoder in
            var container = encoder.container(keyedBy: AnyKey.self)
            try container.encode(SocketBinary(bytes: [1]), forKey: AnyKey("a"))
            var nested = container.nestedUnkeyedContainer(forKey: AnyKey("b"))
            try nested.encode(1)
            throw CustomError()
        }
        var attachments: [ByteBuffer] = []
        let value = Custom { encoder in
            var container = encoder.container(keyedBy: AnyKey.self)
            #expect(throws: CustomError.self) { try container.encode(failing, forKey: AnyKey("x")) }
            try container.encode(1, forKey: AnyKey("y"))
            #expect(throws: CustomError.self) { try container.encode(failing, forKey: AnyKey("x")) }
            try container.encode(SocketBinary(bytes: [2]), forKey: AnyKey("z"))
        }
        #expect(try encode(value, attachments: &attachments) == #"{"y":1,"z":{"_placeholder":true,"num":0}}"#)
        #expect(attachments == [ByteBuffer(bytes: [2])])
    }

    @Test func leavesTheBufferAloneWhenItThrows() {
        var buffer = ByteBuffer(string: "kept")
        var attachments = [ByteBuffer(bytes: [7])]
        let failing = Custom { encoder in
            var container = encoder.unkeyedContainer()
            try container.encode(SocketBinary(bytes: [1]))
            throw CustomError()
        }
        #expect(throws: CustomError.self) {
            try SocketEncoder.encode(failing, into: &buffer, attachments: &attachments)
        }
        #expect(String(buffer: buffer) == "kept")
        #expect(attachments == [ByteBuffer(bytes: [7])])
    }

    @Test func refusesMisuse() throws {
        #expect(throws: EncodingError.self) { try encode(Custom { _ in }) }
        #expect(
            throws: EncodingError.self,
            performing: {
                try encode(
                    Custom { encoder in
                        _ = encoder.unkeyedContainer()
                        _ = encoder.container(keyedBy: AnyKey.self)
                    })
            })
        #expect(
            throws: EncodingError.self,
            performing: {
                try encode(
                    Custom { encoder in
                        var container = encoder.singleValueContainer()
                        try container.encode(1)
                        try container.encode(2)
                    })
            })
        // A container that outlives its value.
        #expect(
            throws: EncodingError.self,
            performing: {
                var escaped: (any UnkeyedEncodingContainer)?
                _ = try encode(
                    Custom { encoder in
                        var list = encoder.unkeyedContainer()
                        try list.encode(Custom { escaped = $0.unkeyedContainer() })
                        try list.encode(1)
                        try escaped?.encode(2)
                    })
            })
        // An item that encodes nothing is an empty object; the same container may be asked for twice.
        #expect(try encode([Custom { _ in }, Custom { _ = $0.unkeyedContainer() }]) == "[{},[]]")
        let twice = Custom { encoder in
            var first = encoder.container(keyedBy: AnyKey.self)
            try first.encode(1, forKey: AnyKey("a"))
            var second = encoder.container(keyedBy: AnyKey.self)
            try second.encode(2, forKey: AnyKey("b"))
        }
        #expect(try encode(twice) == #"{"a":1,"b":2}"#)
    }

    @Test func knowsThePathAndTheCount() throws {
        var paths: [String] = []
        let leaf = Custom { encoder in
            paths.append(encoder.codingPath.map(\.stringValue).joined(separator: "."))
            var container = encoder.singleValueContainer()
            try container.encodeNil()
        }
        let value = Custom { encoder in
            var container = encoder.container(keyedBy: AnyKey.self)
            try container.encode([leaf, leaf], forKey: AnyKey("a"))
            var list = container.nestedUnkeyedContainer(forKey: AnyKey("b"))
            #expect(list.count == 0)
            try list.encode(leaf)
            #expect(list.count == 1)
            try leaf.encode(to: container.superEncoder(forKey: AnyKey("c")))
        }
        #expect(try encode(value) == #"{"a":[null,null],"b":[null],"c":null}"#)
        #expect(paths == ["a.0", "a.1", "b.0", "c"])
    }
}
