// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

@testable import EngineIOServer

/// `Sec-WebSocket-Extensions` of a client: read as a second, plain parser reads it, and answered as RFC 7692 allows.
enum ExtensionsProperties {
    private struct Element: Equatable {
        var name: [UInt8]
        var parameters: [Parameter] = []

        func values(_ name: String) -> [Parameter] { self.parameters.filter { $0.name == Array(name.utf8) } }
    }

    private struct Parameter: Equatable {
        var name: [UInt8]
        var value: [UInt8]?
    }

    static func check(_ bytes: UnsafeRawBufferPointer) throws {
        let header = String(decoding: bytes, as: UTF8.self)
        let elements = self.elements(in: Array(header.utf8))
        let parsed = ExtensionOffer.parse(header)?.map { offer in
            Element(
                name: Array(offer.name.utf8),
                parameters: offer.parameters.map {
                    Parameter(name: Array($0.name.utf8), value: $0.value.map { Array($0.utf8) })
                })
        }
        try requireEqual(parsed, elements, "the extensions")
        for options in self.options { try self.checkAnswer(header, elements, options) }
    }

    /// The defaults, all that can be asked of clients, and values out of range.
    private static var options: [PerMessageDeflate] {
        var strict = PerMessageDeflate()
        strict.serverNoContextTakeover = true
        strict.clientNoContextTakeover = true
        strict.serverMaxWindowBits = 10
        strict.clientMaxWindowBits = 11
        var wrong = PerMessageDeflate()
        wrong.serverMaxWindowBits = 0
        wrong.clientMaxWindowBits = 99
        return [PerMessageDeflate(), strict, wrong]
    }

    // MARK: the answer

    private static func checkAnswer(_ header: String, _ elements: [Element]?, _ options: PerMessageDeflate) throws {
        let negotiation = options.negotiate(header)
        guard let elements else { return try requireEqual(negotiation, .malformed, "a header that is no list") }
        guard let offer = elements.first(where: { self.isAcceptable($0, options) }) else {
            return try requireEqual(negotiation, .declined, "nothing can be accepted")
        }
        guard case .accepted(let parameters) = negotiation else {
            throw Finding(description: "an offer that can be accepted is: \(negotiation)")
        }
        try self.checkParameters(parameters, offer, options)
        guard let answer = self.elements(in: Array(parameters.answer.utf8)), answer.count == 1 else {
            throw Finding(description: "an answer is one extension: \(parameters.answer)")
        }
        try self.checkAnswer(answer[0], parameters, offer)
        try requireEqual(options.negotiate(parameters.answer), negotiation, "an answer that is offered is accepted")
    }

    /// RFC 7692, 7.1: known parameters, each once, with values that are allowed, and a window that this server can have.
    private static func isAcceptable(_ offer: Element, _ options: PerMessageDeflate) -> Bool {
        guard offer.name == Array("permessage-deflate".utf8) else { return false }
        let flags = ["server_no_context_takeover", "client_no_context_takeover"].map(offer.values)
        let server = offer.values("server_max_window_bits")
        let client = offer.values("client_max_window_bits")
        let known = flags.reduce(server.count + client.count) { $0 + $1.count }
        return known == offer.parameters.count && (flags + [server, client]).allSatisfy { $0.count <= 1 }
            && flags.joined().allSatisfy { $0.value == nil }
            && server.allSatisfy { (9...15).contains(self.bits($0) ?? 0) }
            && client.allSatisfy { $0.value == nil || self.bits($0) != nil }
            && (!client.isEmpty || options.clientMaxWindowBits >= 15)
    }

    private static func bits(_ parameter: Parameter?) -> Int? {
        (8...15).first { parameter?.value == Array("\($0)".utf8) }
    }

    private static func checkParameters(
        _ parameters: DeflateParameters, _ offer: Element, _ options: PerMessageDeflate
    ) throws {
        try require((9...15).contains(parameters.serverWindowBits), "a window that zlib has")
        try require((8...15).contains(parameters.clientWindowBits), "a window that there is")
        try require(parameters.serverWindowBits <= max(9, options.serverMaxWindowBits), "our window is kept")
        try require(parameters.clientWindowBits <= max(8, options.clientMaxWindowBits), "the client's window is kept")
        let server = self.bits(offer.values("server_max_window_bits").first)
        try require(parameters.serverWindowBits <= server ?? 15, "the window that the client asks for")
        let client = self.bits(offer.values("client_max_window_bits").first)
        try require(parameters.clientWindowBits <= client ?? 15, "the window that the client offers")
        let serverForgets = !offer.values("server_no_context_takeover").isEmpty || options.serverNoContextTakeover
        try requireEqual(parameters.serverNoContextTakeover, serverForgets, "our context")
        let clientForgets = !offer.values("client_no_context_takeover").isEmpty || options.clientNoContextTakeover
        try requireEqual(parameters.clientNoContextTakeover, clientForgets, "the client's context")
    }

    /// What is said is what is done, and what a client may be told.
    private static func checkAnswer(_ answer: Element, _ parameters: DeflateParameters, _ offer: Element) throws {
        try require(self.isAcceptable(answer, PerMessageDeflate()), "an answer has the form of an offer")
        let server = answer.values("server_max_window_bits").first
        let client = answer.values("client_max_window_bits").first
        try requireEqual(
            !answer.values("server_no_context_takeover").isEmpty, parameters.serverNoContextTakeover, "our context")
        try requireEqual(
            !answer.values("client_no_context_takeover").isEmpty, parameters.clientNoContextTakeover,
            "the client's context")
        try requireEqual(self.bits(server) ?? 15, parameters.serverWindowBits, "our window")
        try requireEqual(self.bits(client) ?? 15, parameters.clientWindowBits, "the client's window")
        let asks = !offer.values("server_max_window_bits").isEmpty
        try require(!asks || server != nil, "a client that limits our window is told of it (7.1.2.1)")
        let canLimit = !offer.values("client_max_window_bits").isEmpty
        try require(canLimit || client == nil, "a client that cannot limit its window is not told to (7.1.2.2)")
        try require(client == nil || client?.value != nil, "an answer has the number (7.1.2.2)")
    }

    // MARK: the grammar

    /// RFC 6455, 9.1, by taking apart: a token holds none of the separators, in quotes neither. Nil where it is not followed.
    private static func elements(in header: [UInt8]) -> [Element]? {
        var elements: [Element] = []
        for part in self.split(header[...], UInt8(ascii: ",")) where !part.isEmpty {
            let parts = self.split(part, UInt8(ascii: ";"))
            guard self.isToken(parts[0]) else { return nil }
            var element = Element(name: Array(parts[0]))
            for part in parts.dropFirst() {
                guard let parameter = self.parameter(part) else { return nil }
                element.parameters.append(parameter)
            }
            elements.append(element)
        }
        return elements
    }

    private static func parameter(_ text: ArraySlice<UInt8>) -> Parameter? {
        let sides = self.split(text, UInt8(ascii: "="))
        guard self.isToken(sides[0]) else { return nil }
        guard sides.count > 1 else { return Parameter(name: Array(sides[0])) }
        guard sides.count == 2, let value = self.isToken(sides[1]) ? Array(sides[1]) : self.unquoted(sides[1]) else {
            return nil
        }
        return Parameter(name: Array(sides[0]), value: value)
    }

    /// RFC 7230, 3.2.6.
    private static func unquoted(_ text: ArraySlice<UInt8>) -> [UInt8]? {
        let quote = UInt8(ascii: "\"")
        guard text.count > 2, text.first == quote, text.last == quote else { return nil }
        var value: [UInt8] = []
        var isEscaped = false
        for byte in text.dropFirst().dropLast() {
            isEscaped = !isEscaped && byte == UInt8(ascii: "\\")
            if !isEscaped { value.append(byte) }
        }
        return !isEscaped && self.isToken(value[...]) ? value : nil
    }

    private static func split(_ text: ArraySlice<UInt8>, _ separator: UInt8) -> [ArraySlice<UInt8>] {
        text.split(separator: separator, omittingEmptySubsequences: false).map { part in
            let start = part.drop { $0 == 0x20 || $0 == 0x09 }
            return start.prefix(start.count - start.reversed().prefix { $0 == 0x20 || $0 == 0x09 }.count)
        }
    }

    private static func isToken(_ text: ArraySlice<UInt8>) -> Bool {
        !text.isEmpty
            && text.allSatisfy { (0x21...0x7E).contains($0) && !Array("\"(),/:;<=>?@[\\]{}".utf8).contains($0) }
    }
}
