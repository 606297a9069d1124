// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

import Foundation
import NIOCore
import SocketIOCodec
import Testing

/// Decodes from bytes in memory of exactly their length.
func decode<T: Decodable>(_ type: T.Type, _ json: String, attachments: [ByteBuffer] = []) throws -> T {
    try withBytes(json) { try SocketDecoder.decode(type, from: $0, attachments: attachments) }
}

@Suite struct SocketDecoderTests {
    @Test func decodesScalars() throws {
        #expect(try decode(String.self, #""a\n""#) == "a\n")
        #expect(try decode(Int.self, "-5") == -5)
        #expect(try decode(Int.self, "1.0") == 1)
        #expect(try decode(Int.self, "1e3") == 1000)
        #expect(try decode(Int64.self, "9223372036854775807") == .max)
        #expect(try decode(UInt64.self, "18446744073709551615") == .max)
        #expect(try decode(UInt8.self, "255") == 255)
        #expect(try decode(Double.self, "1") == 1)
        #expect(try decode(Double.self, "-0.25") == -0.25)
        #expect(try decode(Float.self, "0.1") == 0.1)
        #expect(try decode(Bool.self, "true"))
        #expect(try !decode(Bool.self, "false"))
        #expect(try decode(SocketValue.self, "[1,null]") == [1, .null])
        #expect(try decode(SocketValue.self, "null") == .null)
        #expect(try decode(String.self, #" "a" "#) == "a")
    }

    @Test func decodesOptionalsAndArrays() throws {
        #expect(try decode(String?.self, "null") == nil)
        #expect(try decode(String?.self, #""x""#) == "x")
        #expect(try decode(Int?.self, "null") == nil)
        #expect(try decode(Int?.self, "4") == 4)
        #expect(try decode(Double?.self, "4") == 4)
        #expect(try decode(Bool?.self, "null") == nil)
        #expect(try decode(SocketValue?.self, "null") == nil)
        #expect(try decode(SocketValue?.self, "1") == 1)
        #expect(try decode(Int64?.self, "null") == nil)
        #expect(try decode(Profile.Address?.self, "null") == nil)
        #expect(try decode([String].self, #"["a" , "b"]"#) == ["a", "b"])
        #expect(try decode([String].self, "[ ]") == [])
        #expect(try decode([Int].self, "[1,2]") == [1, 2])
        #expect(try decode([Double].self, "[1,2.5]") == [1, 2.5])
        #expect(try decode([Bool].self, "[true]") == [true])
        #expect(try decode([SocketValue].self, "[null,[]]") == [.null, []])
        #expect(try decode([UInt8].self, "[1,2]") == [1, 2])
        #expect(try decode([[Int]].self, "[[1],[]]") == [[1], []])
        #expect(try decode([Int?].self, "[null,1]") == [nil, 1])
        #expect(try decode([String: Int].self, #"{"a":1,"b\n":2}"#) == ["a": 1, "b\n": 2])
        #expect(try decode(Set<Int>.self, "[1,1]") == [1])
    }

    /// Arguments that were not sent.
    @Test func decodesMissingValues() throws {
        #expect(try SocketDecoder.decode(String?.self, from: nil) == nil)
        #expect(try SocketDecoder.decode(Int64?.self, from: nil) == nil)
        #expect(try SocketDecoder.decode(Profile?.self, from: nil) == nil)
        #expect(try SocketDecoder.decode([Int]?.self, from: nil) == nil)
        func isMissing<T: Decodable>(_ type: T.Type) -> Bool {
            do {
                _ = try SocketDecoder.decode(type, from: nil)
                return false
            } catch DecodingError.valueNotFound {
                return true
            } catch {
                return false
            }
        }
        #expect(isMissing(String.self) && isMissing(Int.self) && isMissing(Int8.self) && isMissing(Double.self))
        #expect(isMissing(Bool.self) && isMissing([Int].self) && isMissing([Int8].self) && isMissing(Profile.self))
        #expect(isMissing(SocketValue.self) && isMissing(SocketBinary.self) && isMissing([String: Int].self))
        #expect(isMissing(Profile.Role.self) && isMissing(ScalarList.self))
    }

    @Test func decodesStructs() throws {
        let json = """
            { "unknown": [{"x":1}], "name": "n", "score": 1, "tags": [], "address": null, "role": "admin",
              "shape": {"polygon":{"_0":[1,2],"closed":false}}, "scores": {}, "byNumber": {"7":"seven"}, "extra": {"a":[1]} }
            """
        let profile = try decode(Profile.self, json)
        #expect(
            profile
                == Profile(
                    name: "n", age: nil, score: 1, tags: [], address: nil, role: .admin,
                    shape: .polygon([1, 2], closed: false), scores: [:], byNumber: [7: "seven"], extra: ["a": [1]]))
        let dog = try decode(Dog.self, #"{"legs":3,"super":{"name":"Bo"}}"#)
        #expect(dog.legs == 3 && dog.name == "Bo")
    }

    @Test func survivesARoundTrip() throws {
        #expect(try decode(Profile.self, encode(Profile.example)) == .example)
        #expect(try decode([Profile].self, encode([Profile.example])) == [.example])
        #expect(try decode(Scalars.self, encode(Scalars())) == Scalars())
        #expect(try decode(ScalarList.self, encode(ScalarList())) == ScalarList())
        for shape in [Profile.Shape.point, .circle(radius: 0.1), .polygon([], closed: true)] {
            #expect(try decode(Profile.Shape.self, encode(shape)) == shape)
        }
        #expect(try decode([String: [Int: Bool?]].self, encode(["a": [1: Bool?.none]])) == ["a": [1: nil]])
        #expect(
            try decode(Profile.self, String(decoding: JSONEncoder().encode(Profile.example), as: UTF8.self)) == .example
        )
    }

    @Test func decodesAttachments() throws {
        let attachments = [ByteBuffer(bytes: [1]), ByteBuffer(bytes: [2])]
        struct Upload: Codable, Equatable {
            var name: String
            var part: SocketBinary
            var other: SocketBinary?
            var more: [SocketBinary]
        }
        let json =
            #"{"name":"f","part":{"_placeholder":true,"num":1},"other":null,"more":[{"num":0,"_placeholder":true}]}"#
        let upload = Upload(
            name: "f", part: SocketBinary(bytes: [2]), other: nil, more: [SocketBinary(bytes: [1])])
        #expect(try decode(Upload.self, json, attachments: attachments) == upload)
        var written: [ByteBuffer] = []
        let again = try encode(upload, attachments: &written)
        #expect(try decode(Upload.self, again, attachments: written) == upload)
        #expect(
            try decode(ByteBuffer.self, #"{"_placeholder":true,"num":0}"#, attachments: attachments) == attachments[0])
        for wrong in [
            "null", "{}", "1", #""AQ==""#, #"{"_placeholder":true,"num":2}"#, #"{"_placeholder":false,"num":0}"#,
        ] {
            #expect(throws: DecodingError.self) { try decode(SocketBinary.self, wrong, attachments: attachments) }
        }
        #expect(throws: DecodingError.self) { try decode(SocketBinary.self, #"{"_placeholder":true,"num":0}"#) }
    }

    /// Members beyond the number that is searched one by one, repeated and escaped keys.
    @Test(arguments: [1, 15, 16, 17, 40])
    func findsMembersOfObjectsOfEverySize(_ count: Int) throws {
        let members = (0..<count).map { #""key\#($0)":\#($0)"# }
        let json = "{" + (members + [#""key0":-1"#, #""\u006bey\#(count)":-2"#]).joined(separator: ",") + "}"
        var expected = Dictionary(uniqueKeysWithValues: (0..<count).map { ("key\($0)", $0) })
        expected["key0"] = -1
        expected["key\(count)"] = -2
        #expect(try decode([String: Int].self, json) == expected)
        struct Two: Decodable {
            var key0: Int
            var key1: Int?
            var nothing: Int?
        }
        let two = try decode(Two.self, json)
        #expect(two.key0 == -1 && two.key1 == (count > 1 ? 1 : -2) && two.nothing == nil)
    }

    @Test(arguments: [
        (#"{"name":1}"#, "name", "typeMismatch"), (#"{"name":null}"#, "name", "valueNotFound"),
        ("{}", "name", "keyNotFound"),
        ("[]", "", "typeMismatch"), ("1", "", "typeMismatch"), ("null", "", "valueNotFound"),
        (#"{"name":"x""#, "", "dataCorrupted"),
        (#"{"name":"n","list":[{"n":1},{"n":"x"}]}"#, "list.Index 1.n", "typeMismatch"),
        (#"{"name":"n","list":[{"n":1},{"n":300}]}"#, "list.Index 1.n", "dataCorrupted"),
        (#"{"name":"n","list":[{"n":1},{}]}"#, "list.Index 1.n", "keyNotFound"),
        (#"{"name":"n","list":[1]}"#, "list.Index 0", "typeMismatch"),
        (#"{"name":"n","list":[null]}"#, "list.Index 0", "valueNotFound"),
        (#"{"name":"n","list":[],"words":["a",1]}"#, "words.1", "typeMismatch"),
        (#"{"name":"n","list":[],"role":"king"}"#, "role", "dataCorrupted"),
        (#"{"name":"n","list":[],"shape":{"circle":{"radius":true}}}"#, "shape.circle.radius", "typeMismatch"),
    ])
    func errorsNameThePlace(_ json: String, _ path: String, _ kind: String) {
        struct Item: Decodable { var n: Int8 }
        struct Root: Decodable {
            var name: String
            var list: [Item]
            var words: [String]?
            var role: Profile.Role?
            var shape: Profile.Shape?
        }
        func found(_ error: any Error) -> (String, String) {
            switch error {
            case DecodingError.typeMismatch(_, let context): (Self.path(context.codingPath), "typeMismatch")
            case DecodingError.valueNotFound(_, let context): (Self.path(context.codingPath), "valueNotFound")
            case DecodingError.keyNotFound(let key, let context): (Self.path(context.codingPath + [key]), "keyNotFound")
            case DecodingError.dataCorrupted(let context): (Self.path(context.codingPath), "dataCorrupted")
            default: ("\(error)", "other")
            }
        }
        do {
            let root = try decode(Root.self, json)
            Issue.record("decoded \(root)")
        } catch {
            let (foundPath, foundKind) = found(error)
            let expected = path.replacing("Index ", with: "")
            #expect(foundPath == expected)
            #expect(foundKind == kind)
        }
    }

    private static func path(_ keys: [any CodingKey]) -> String { keys.map(\.stringValue).joined(separator: ".") }

    @Test(arguments: [
        "128", "-129", "1.5", "1e2000", "99999999999999999999", "\"1\"", "true", "[]", "{}", "01", "1x", "", "-",
    ])
    func refusesIntegersThatDoNotFit(_ json: String) {
        #expect(throws: DecodingError.self) { try decode(Int8.self, json) }
    }

    @Test func refusesOtherKinds() {
        #expect(throws: DecodingError.self) { try decode(String.self, "1") }
        #expect(throws: DecodingError.self) { try decode(String.self, "null") }
        #expect(throws: DecodingError.self) { try decode(String.self, #""a"#) }
        #expect(throws: DecodingError.self) { try decode(String.self, #""a"b"#) }
        #expect(throws: DecodingError.self) { try decode(Bool.self, "1") }
        #expect(throws: DecodingError.self) { try decode(Bool.self, "tru") }
        #expect(throws: DecodingError.self) { try decode(Double.self, #""1""#) }
        #expect(throws: DecodingError.self) { try decode([Int].self, "{}") }
        #expect(throws: DecodingError.self) { try decode([Int].self, "[1,") }
        #expect(throws: DecodingError.self) { try decode([Int8].self, "[1,]") }
        #expect(throws: DecodingError.self) { try decode([String: Int].self, #"{"a":1,}"#) }
        #expect(throws: DecodingError.self) { try decode([String: Int].self, #"{"a":1 "b":2}"#) }
        #expect(throws: DecodingError.self) { try decode(SocketValue.self, "{") }
        #expect(throws: DecodingError.self) { try decode([Int8?].self, "null") }
    }

    @Test func walksThroughArrays() throws {
        struct Walk: Decodable {
            init(from decoder: any Decoder) throws {
                var list = try decoder.unkeyedContainer()
                #expect(list.count == 6 && list.currentIndex == 0 && !list.isAtEnd)
                #expect(try !list.decodeNil())
                #expect(throws: DecodingError.self) { try list.decode(String.self) }
                #expect(try list.decode(Int.self) == 1)
                #expect(list.currentIndex == 1 && list.count == 6)
                #expect(try list.decodeNil())
                var nested = try list.nestedUnkeyedContainer()
                let object = try list.nestedContainer(keyedBy: AnyKey.self)
                #expect(try String(from: list.superDecoder()) == "s")
                #expect(try list.decodeIfPresent(Int.self) == nil)
                #expect(list.isAtEnd && list.currentIndex == 6)
                #expect(throws: DecodingError.self) { try list.decode(Int.self) }
                #expect(throws: DecodingError.self) { try list.decodeNil() }
                #expect(try nested.decode(Int.self) == 2)
                #expect(nested.isAtEnd && nested.codingPath.map(\.intValue) == [2])
                #expect(object.allKeys.map(\.stringValue) == ["a", "b"])
                #expect(try object.decodeNil(forKey: AnyKey("b")) && object.contains(AnyKey("a")))
                #expect(throws: DecodingError.self) { try object.decodeNil(forKey: AnyKey("c")) }
                #expect(try object.nestedUnkeyedContainer(forKey: AnyKey("a")).count == 0)
                #expect(try Int?(from: object.superDecoder(forKey: AnyKey("c"))) == nil)
            }
        }
        _ = try decode(Walk.self, #"[1, null, [2], {"a":[],"b":1,"b":null}, "s", null]"#)
    }

    /// A decoder that a type keeps must not read memory that is gone.
    @Test func aDecoderThatOutlivesTheCallHasNoValue() throws {
        struct Keeper: Decodable {
            let decoder: any Decoder
            let container: KeyedDecodingContainer<AnyKey>

            init(from decoder: any Decoder) throws {
                self.decoder = decoder
                self.container = try decoder.container(keyedBy: AnyKey.self)
            }
        }
        let keeper = try decode(Keeper.self, #"{"a":1}"#)
        #expect(throws: DecodingError.self) { try keeper.decoder.container(keyedBy: AnyKey.self) }
        #expect(throws: DecodingError.self) { try keeper.decoder.singleValueContainer().decode(Int.self) }
        #expect(throws: DecodingError.self) { try keeper.container.decode(Int.self, forKey: AnyKey("a")) }
        #expect(keeper.container.allKeys.map(\.stringValue) == [""])
    }
}
