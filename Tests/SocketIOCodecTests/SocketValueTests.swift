// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

import Foundation
import NIOCore
import SocketIOCodec
import Testing

@Suite struct SocketValueTests {
    private let tree: SocketValue = [
        "null": nil, "bool": true, "int": 3, "double": 2.5, "string": "x", "array": [1, "two"],
        "object": ["a": ["b": 1]],
    ]

    @Test func isWrittenAsLiteral() {
        #expect(self.tree["null"] == .null)
        #expect(self.tree["bool"] == .bool(true))
        #expect(self.tree["int"] == .int(3))
        #expect(self.tree["double"] == .double(2.5))
        #expect(self.tree["string"] == .string("x"))
        #expect(self.tree["array"] == .array([.int(1), .string("two")]))
        let name = "Ada"
        #expect("Hello \(name)" as SocketValue == .string("Hello Ada"))
    }

    @Test func subscriptsGiveNilForWhatIsNotThere() {
        #expect(self.tree["array"]?[1] == "two")
        #expect(self.tree["array"]?[2] == nil)
        #expect(self.tree["array"]?[-1] == nil)
        #expect(self.tree["array"]?["x"] == nil)
        #expect(self.tree["object"]?["a"]?["b"] == 1)
        #expect(self.tree["object"]?["x"] == nil)
        #expect(self.tree["object"]?[0] == nil)
        #expect(self.tree["string"]?["x"] == nil)
    }

    @Test func accessorsGiveNilForOtherKinds() {
        #expect(self.tree["bool"]?.boolValue == true && self.tree["int"]?.boolValue == nil)
        #expect(self.tree["string"]?.stringValue == "x" && self.tree["int"]?.stringValue == nil)
        #expect(self.tree["int"]?.intValue == 3 && self.tree["int"]?.doubleValue == 3)
        #expect(self.tree["double"]?.intValue == nil && self.tree["double"]?.doubleValue == 2.5)
        #expect(SocketValue.double(4).intValue == 4 && SocketValue.double(1e300).intValue == nil)
        #expect(SocketValue.double(.nan).intValue == nil && self.tree["string"]?.doubleValue == nil)
        #expect(self.tree["array"]?.arrayValue?.count == 2 && self.tree["int"]?.arrayValue == nil)
        #expect(self.tree.objectValue?.count == 7 && self.tree["int"]?.objectValue == nil)
        #expect(SocketValue.binary(ByteBuffer(bytes: [1])).binaryValue == ByteBuffer(bytes: [1]))
        #expect(self.tree["string"]?.binaryValue == nil)
        #expect(self.tree["null"]?.isNull == true && self.tree["int"]?.isNull == false)
    }

    @Test func survivesOtherCoders() throws {
        let data = try JSONEncoder().encode(self.tree)
        #expect(try JSONDecoder().decode(SocketValue.self, from: data) == self.tree)
        for scalar: SocketValue in [nil, false, 7, 0.5, "y", [], [:]] {
            #expect(try JSONDecoder().decode(SocketValue.self, from: JSONEncoder().encode([scalar])) == [scalar])
        }
    }

    @Test func otherCodersRefuseBinary() {
        let binary = SocketBinary(bytes: [1, 2])
        #expect(throws: EncodingError.self) { try JSONEncoder().encode([binary]) }
        #expect(throws: EncodingError.self) { try JSONEncoder().encode([SocketValue.binary(binary.bytes)]) }
        #expect(throws: DecodingError.self) { try JSONDecoder().decode([SocketBinary].self, from: Data("[{}]".utf8)) }
    }

    @Test func binaryComparesItsBytes() {
        #expect(SocketBinary(bytes: [1, 2]) == SocketBinary(ByteBuffer(bytes: [1, 2])))
        #expect(SocketBinary(bytes: [1, 2]).bytes.readableBytes == 2)
    }
}
