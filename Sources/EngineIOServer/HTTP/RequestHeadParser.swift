// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// What the first bytes of a connection are.
enum RequestHeadParsing {
    case needsMore
    /// Not a whole, well-formed `GET` that asks for a WebSocket: NIO's HTTP handlers take over.
    case other
    case webSocket(WebSocketRequest)
}

/// A `GET` that asks for the WebSocket protocol, as slices of the bytes that were read.
struct WebSocketRequest {
    /// Bytes up to and with the empty line.
    var length: Int
    var target: UnsafeRawBufferPointer
    var key: UnsafeRawBufferPointer
    var isVersion13: Bool
    /// Whether `Host` is there and `Connection` names `Upgrade` (RFC 6455, 4.2.1).
    var isComplete: Bool
    /// The first `Origin`, which a browser sends once.
    var origin: UnsafeRawBufferPointer?
    /// No control characters in `Origin`, where there is one.
    var hasValidOrigin = true
}

/// Finds the opening handshake of RFC 6455, 4.1, without a general HTTP parser: 0.04 us instead of 50.
enum RequestHeadParser {
    static let maximumLength = 16384

    /// What is above is refused by the general parser: the bound is the same for requests of every kind.
    static let maximumHeaderCount = 256

    static func parse(_ bytes: UnsafeRawBufferPointer) -> RequestHeadParsing {
        guard let start = bytes.baseAddress, bytes.count >= 4 else { return .needsMore }
        guard memcmp(start, "GET ", 4) == 0 else { return .other }
        guard let length = Self.headLength(bytes) else {
            return bytes.count > Self.maximumLength ? .other : .needsMore
        }
        let head = UnsafeRawBufferPointer(start: start, count: length)
        guard let lineEnd = Self.firstIndex(of: 0x0D, in: head, from: 4),
            let targetEnd = Self.firstIndex(of: 0x20, in: head, from: 4), targetEnd < lineEnd,
            lineEnd - targetEnd == 9, memcmp(start + targetEnd + 1, "HTTP/1.1", 8) == 0
        else { return .other }
        guard Self.isStrict(head, targetEnd: targetEnd, lineEnd: lineEnd) else { return .other }
        var request = WebSocketRequest(
            length: length, target: UnsafeRawBufferPointer(rebasing: head[4..<targetEnd]),
            key: UnsafeRawBufferPointer(start: nil, count: 0), isVersion13: false, isComplete: false)
        var wantsUpgrade = false
        var (hasHost, namesUpgrade) = (false, false)
        var isWellFormed = true
        var hasLength = false
        Self.forEachHeader(in: head) { name, value in
            switch name.count {
            case 4 where Self.equals(name, "host"): hasHost = true
            case 10 where Self.equals(name, "connection"):
                namesUpgrade = namesUpgrade || Self.hasElement("upgrade", in: value)
            case 6 where Self.equals(name, "origin"):
                request.origin = request.origin ?? value
                request.hasValidOrigin = !value.contains { $0 < 0x20 && $0 != 0x09 || $0 == 0x7F }
            case 7 where Self.equals(name, "upgrade"): wantsUpgrade = Self.equals(value, "websocket")
            case 17 where Self.equals(name, "sec-websocket-key"): request.key = value
            case 21 where Self.equals(name, "sec-websocket-version"): request.isVersion13 = Self.equals(value, "13")
            case 14 where Self.equals(name, "content-length"):
                isWellFormed = isWellFormed && !hasLength && Self.equals(value, "0")
                hasLength = true
            case 17 where Self.equals(name, "transfer-encoding"): isWellFormed = false
            case 0: isWellFormed = false
            default: break
            }
        }
        request.isComplete = hasHost && namesUpgrade
        return wantsUpgrade && isWellFormed ? .webSocket(request) : .other
    }

    /// Whether a general parser finds the same headers in it, so that a proxy in front saw what we see: a path of visible
    /// ASCII, lines that end with CR and LF, names that are tokens, values without control characters (RFC 9110, 5.5 and
    /// 5.6.2), and no more headers than that parser takes.
    private static func isStrict(_ head: UnsafeRawBufferPointer, targetEnd: Int, lineEnd: Int) -> Bool {
        guard targetEnd > 4, head[4] == UInt8(ascii: "/"), head[lineEnd + 1] == 0x0A,
            head[4..<targetEnd].allSatisfy({ $0 > 0x20 && $0 < 0x7F })
        else { return false }
        var lineStart = lineEnd + 2
        var count = 0
        while lineStart < head.count - 2 {
            count += 1
            var index = lineStart
            while Self.isTokenCharacter(head[index]) { index += 1 }
            guard index > lineStart, head[index] == UInt8(ascii: ":") else { return false }
            repeat { index += 1 } while head[index] >= 0x20 && head[index] != 0x7F || head[index] == 0x09
            guard head[index] == 0x0D, head[index + 1] == 0x0A else { return false }
            lineStart = index + 2
        }
        return count <= Self.maximumHeaderCount
    }

    /// RFC 9110, 5.6.2, as bits of the ASCII characters.
    @inline(__always)
    private static func isTokenCharacter(_ byte: UInt8) -> Bool {
        let bits: UInt64 = byte < 64 ? 0x03FF_6CFA_0000_0000 : byte < 128 ? 0x57FF_FFFF_C7FF_FFFE : 0
        return bits >> UInt64(byte & 63) & 1 != 0
    }

    /// Calls `body` with each header's name and its value without the white space around it. A line without a colon, or that
    /// continues the one before (obsolete), has an empty name.
    static func forEachHeader(
        in head: UnsafeRawBufferPointer, _ body: (UnsafeRawBufferPointer, UnsafeRawBufferPointer) -> Void
    ) {
        guard var line = Self.firstIndex(of: 0x0A, in: head, from: 0).map({ $0 + 1 }) else { return }
        while let newline = Self.firstIndex(of: 0x0A, in: head, from: line) {
            var end = newline
            if end > line, head[end - 1] == 0x0D { end -= 1 }
            if end == line { return }
            let colon = Self.firstIndex(of: UInt8(ascii: ":"), in: head, from: line) ?? end
            var nameEnd = min(colon, end)
            if head[line] == 0x20 || head[line] == 0x09 || colon >= end { nameEnd = line }
            var valueStart = min(colon + 1, end)
            var valueEnd = end
            while valueStart < valueEnd, head[valueStart] == 0x20 || head[valueStart] == 0x09 { valueStart += 1 }
            while valueEnd > valueStart, head[valueEnd - 1] == 0x20 || head[valueEnd - 1] == 0x09 { valueEnd -= 1 }
            body(
                UnsafeRawBufferPointer(rebasing: head[line..<nameEnd]),
                UnsafeRawBufferPointer(rebasing: head[valueStart..<valueEnd]))
            line = newline + 1
        }
    }

    /// Whether a list with commas has this element, in lower case.
    private static func hasElement(_ name: StaticString, in list: UnsafeRawBufferPointer) -> Bool {
        if Self.equals(list, name) { return true }
        return list.split(separator: UInt8(ascii: ",")).contains { element in
            let start = element.firstIndex { $0 != 0x20 && $0 != 0x09 } ?? element.endIndex
            let end = element.lastIndex { $0 != 0x20 && $0 != 0x09 }.map { $0 + 1 } ?? start
            return Self.equals(UnsafeRawBufferPointer(rebasing: element[start..<end]), name)
        }
    }

    /// Compares with a name in lower case, ignoring the case of letters.
    static func equals(_ bytes: UnsafeRawBufferPointer, _ name: StaticString) -> Bool {
        guard bytes.count == name.utf8CodeUnitCount, let base = bytes.baseAddress else { return false }
        return strncasecmp(
            base.assumingMemoryBound(to: CChar.self),
            UnsafeRawPointer(name.utf8Start).assumingMemoryBound(to: CChar.self),
            bytes.count) == 0
    }

    private static func firstIndex(of byte: UInt8, in bytes: UnsafeRawBufferPointer, from start: Int) -> Int? {
        guard let base = bytes.baseAddress, start < bytes.count else { return nil }
        return memchr(base + start, Int32(byte), bytes.count - start).map { UnsafeRawPointer($0) - base }
    }

    /// Bytes up to and with the empty line.
    private static func headLength(_ bytes: UnsafeRawBufferPointer) -> Int? {
        guard let start = bytes.baseAddress else { return nil }
        let blank = UInt32(littleEndian: 0x0A0D_0A0D)
        var cursor = start
        let limit = start + bytes.count
        while limit - cursor >= 4, let found = memchr(cursor, 0x0D, limit - cursor - 3) {
            cursor = UnsafeRawPointer(found)
            if cursor.loadUnaligned(as: UInt32.self) == blank { return cursor - start + 4 }
            cursor += 1
        }
        return nil
    }
}
