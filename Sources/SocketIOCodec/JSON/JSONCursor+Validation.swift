// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

/// The kinds of the open containers, one bit each: recursion-free, and without an allocation down to a depth of 64.
private struct ContainerStack {
    private var kinds: UInt64 = 0
    private var spilled: [UInt64] = []
    private(set) var depth = 0

    /// Whether the innermost container is an object.
    @inline(__always)
    var isObject: Bool { self.kinds & 1 != 0 }

    @inline(__always)
    mutating func push(isObject: Bool, maximumDepth: Int) throws(JSONError) {
        guard self.depth < maximumDepth else { throw .tooDeep }
        if self.depth & 63 == 0, self.depth > 0 { self.spilled.append(self.kinds) }
        self.kinds = self.kinds &<< 1 | (isObject ? 1 : 0)
        self.depth &+= 1
    }

    @inline(__always)
    mutating func pop() {
        self.depth &-= 1
        self.kinds &>>= 1
        if self.depth & 63 == 0, let last = self.spilled.popLast() { self.kinds = last }
    }
}

extension JSONCursor {
    /// Consumes and checks one value of any kind, in front of which whitespace may stand.
    mutating func skipValue(maximumDepth: Int) throws(JSONError) {
        let stack = ContainerStack()
        try self.skipValues(stack, maximumDepth: maximumDepth)
    }

    /// Consumes and checks the items of an array, of which at least one must follow, and its closing bracket.
    ///
    /// The array itself counts as one level of depth.
    @inline(__always)
    mutating func skipItems(maximumDepth: Int) throws(JSONError) {
        var stack = ContainerStack()
        try stack.push(isObject: false, maximumDepth: maximumDepth)
        try self.skipValues(stack, maximumDepth: maximumDepth)
    }

    @inline(__always)
    private mutating func skipValues(_ start: consuming ContainerStack, maximumDepth: Int) throws(JSONError) {
        var stack = start
        repeat {
            switch try self.nextByte() {
            case ASCII.quote:
                self.index &+= 1
                _ = try self.skipStringContent()
            case ASCII.openBracket:
                self.index &+= 1
                try stack.push(isObject: false, maximumDepth: maximumDepth)
                guard try self.nextByte() == ASCII.closeBracket else { continue }
                self.index &+= 1
                stack.pop()
            case ASCII.openBrace:
                self.index &+= 1
                try stack.push(isObject: true, maximumDepth: maximumDepth)
                guard try self.nextByte() == ASCII.closeBrace else {
                    try self.skipKey()
                    continue
                }
                self.index &+= 1
                stack.pop()
            case ASCII.minus, ASCII.zero...UInt8(ascii: "9"):
                _ = try self.skipNumber()
            default:
                _ = try self.readLiteral()
            }
            try self.closeContainers(&stack)
        } while stack.depth > 0
    }

    /// Behind a value: consumes closing brackets, and the comma (with the key) in front of the next value.
    @inline(__always)
    private mutating func closeContainers(_ stack: inout ContainerStack) throws(JSONError) {
        while stack.depth > 0 {
            let byte = try self.nextByte()
            self.index &+= 1
            if byte == ASCII.comma {
                if stack.isObject { try self.skipKey() }
                return
            }
            guard byte == (stack.isObject ? ASCII.closeBrace : ASCII.closeBracket) else { throw .unexpectedByte }
            stack.pop()
        }
    }

    /// Consumes a member's key and the colon.
    @inline(__always)
    private mutating func skipKey() throws(JSONError) {
        try self.expect(ASCII.quote)
        _ = try self.skipStringContent()
        try self.expect(ASCII.colon)
    }
}
