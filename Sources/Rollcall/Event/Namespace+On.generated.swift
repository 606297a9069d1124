// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

// Written by deploy/generate-listeners.py: change that, not this.

extension NamespaceProtocol {
    /// Handles an event with 0 arguments: runs on the event loop, in order; the result is the acknowledgement.
    public func on<R: Encodable & Sendable>(
        _ event: String, _ handler: @escaping @Sendable (Socket) throws -> R
    ) {
        self.addListener(event) { socket, event in
            Invocation.call(socket, event) { _ in
                return try handler(socket)
            }
        }
    }

    /// Handles an event with 0 arguments: runs on the event loop, in order; no acknowledgement is sent.
    @_disfavoredOverload
    public func on(
        _ event: String, _ handler: @escaping @Sendable (Socket) throws -> Void
    ) {
        self.addListener(event) { socket, event in
            Invocation.call(socket, event) { _ in
                return try handler(socket)
            }
        }
    }

    /// Handles an event with 0 arguments: starts on the event loop, in order, and may wait; the result is the acknowledgement.
    public func on<R: Encodable & Sendable>(
        _ event: String, _ handler: nonisolated(nonsending) @escaping @Sendable (Socket) async throws -> R
    ) {
        self.addListener(event) { socket, event in
            Invocation.start(socket, event) { _ -> @Sendable () async throws -> R in
                return { try await handler(socket) }
            }
        }
    }

    /// Handles an event with 0 arguments: starts on the event loop, in order, and may wait; no acknowledgement is sent.
    @_disfavoredOverload
    public func on(
        _ event: String, _ handler: nonisolated(nonsending) @escaping @Sendable (Socket) async throws -> Void
    ) {
        self.addListener(event) { socket, event in
            Invocation.start(socket, event) { _ -> @Sendable () async throws -> Void in
                return { try await handler(socket) }
            }
        }
    }

    /// Handles an event with 1 argument: runs on the event loop, in order; the result is the acknowledgement.
    public func on<A0: Decodable & Sendable, R: Encodable & Sendable>(
        _ event: String, _ handler: @escaping @Sendable (Socket, A0) throws -> R
    ) {
        self.addListener(event) { socket, event in
            Invocation.call(socket, event) { arguments in
                let a0: A0 = try arguments.next()
                return try handler(socket, a0)
            }
        }
    }

    /// Handles an event with 1 argument: runs on the event loop, in order; no acknowledgement is sent.
    @_disfavoredOverload
    public func on<A0: Decodable & Sendable>(
        _ event: String, _ handler: @escaping @Sendable (Socket, A0) throws -> Void
    ) {
        self.addListener(event) { socket, event in
            Invocation.call(socket, event) { arguments in
                let a0: A0 = try arguments.next()
                return try handler(socket, a0)
            }
        }
    }

    /// Handles an event with 1 argument: starts on the event loop, in order, and may wait; the result is the acknowledgement.
    public func on<A0: Decodable & Sendable, R: Encodable & Sendable>(
        _ event: String, _ handler: nonisolated(nonsending) @escaping @Sendable (Socket, A0) async throws -> R
    ) {
        self.addListener(event) { socket, event in
            Invocation.start(socket, event) { arguments -> @Sendable () async throws -> R in
                let a0: A0 = try arguments.next()
                return { try await handler(socket, a0) }
            }
        }
    }

    /// Handles an event with 1 argument: starts on the event loop, in order, and may wait; no acknowledgement is sent.
    @_disfavoredOverload
    public func on<A0: Decodable & Sendable>(
        _ event: String, _ handler: nonisolated(nonsending) @escaping @Sendable (Socket, A0) async throws -> Void
    ) {
        self.addListener(event) { socket, event in
            Invocation.start(socket, event) { arguments -> @Sendable () async throws -> Void in
                let a0: A0 = try arguments.next()
                return { try await handler(socket, a0) }
            }
        }
    }

    /// Handles an event with 2 arguments: runs on the event loop, in order; the result is the acknowledgement.
    public func on<A0: Decodable & Sendable, A1: Decodable & Sendable, R: Encodable & Sendable>(
        _ event: String, _ handler: @escaping @Sendable (Socket, A0, A1) throws -> R
    ) {
        self.addListener(event) { socket, event in
            Invocation.call(socket, event) { arguments in
                let a0: A0 = try arguments.next()
                let a1: A1 = try arguments.next()
                return try handler(socket, a0, a1)
            }
        }
    }

    /// Handles an event with 2 arguments: runs on the event loop, in order; no acknowledgement is sent.
    @_disfavoredOverload
    public func on<A0: Decodable & Sendable, A1: Decodable & Sendable>(
        _ event: String, _ handler: @escaping @Sendable (Socket, A0, A1) throws -> Void
    ) {
        self.addListener(event) { socket, event in
            Invocation.call(socket, event) { arguments in
                let a0: A0 = try arguments.next()
                let a1: A1 = try arguments.next()
                return try handler(socket, a0, a1)
            }
        }
    }

    /// Handles an event with 2 arguments: starts on the event loop, in order, and may wait; the result is the acknowledgement.
    public func on<A0: Decodable & Sendable, A1: Decodable & Sendable, R: Encodable & Sendable>(
        _ event: String, _ handler: nonisolated(nonsending) @escaping @Sendable (Socket, A0, A1) async throws -> R
    ) {
        self.addListener(event) { socket, event in
            Invocation.start(socket, event) { arguments -> @Sendable () async throws -> R in
                let a0: A0 = try arguments.next()
                let a1: A1 = try arguments.next()
                return { try await handler(socket, a0, a1) }
            }
        }
    }

    /// Handles an event with 2 arguments: starts on the event loop, in order, and may wait; no acknowledgement is sent.
    @_disfavoredOverload
    public func on<A0: Decodable & Sendable, A1: Decodable & Sendable>(
        _ event: String, _ handler: nonisolated(nonsending) @escaping @Sendable (Socket, A0, A1) async throws -> Void
    ) {
        self.addListener(event) { socket, event in
            Invocation.start(socket, event) { arguments -> @Sendable () async throws -> Void in
                let a0: A0 = try arguments.next()
                let a1: A1 = try arguments.next()
                return { try await handler(socket, a0, a1) }
            }
        }
    }

    /// Handles an event with 3 arguments: runs on the event loop, in order; the result is the acknowledgement.
    public func on<
        A0: Decodable & Sendable, A1: Decodable & Sendable, A2: Decodable & Sendable, R: Encodable & Sendable
    >(
        _ event: String, _ handler: @escaping @Sendable (Socket, A0, A1, A2) throws -> R
    ) {
        self.addListener(event) { socket, event in
            Invocation.call(socket, event) { arguments in
                let a0: A0 = try arguments.next()
                let a1: A1 = try arguments.next()
                let a2: A2 = try arguments.next()
                return try handler(socket, a0, a1, a2)
            }
        }
    }

    /// Handles an event with 3 arguments: runs on the event loop, in order; no acknowledgement is sent.
    @_disfavoredOverload
    public func on<A0: Decodable & Sendable, A1: Decodable & Sendable, A2: Decodable & Sendable>(
        _ event: String, _ handler: @escaping @Sendable (Socket, A0, A1, A2) throws -> Void
    ) {
        self.addListener(event) { socket, event in
            Invocation.call(socket, event) { arguments in
                let a0: A0 = try arguments.next()
                let a1: A1 = try arguments.next()
                let a2: A2 = try arguments.next()
                return try handler(socket, a0, a1, a2)
            }
        }
    }

    /// Handles an event with 3 arguments: starts on the event loop, in order, and may wait; the result is the acknowledgement.
    public func on<
        A0: Decodable & Sendable, A1: Decodable & Sendable, A2: Decodable & Sendable, R: Encodable & Sendable
    >(
        _ event: String, _ handler: nonisolated(nonsending) @escaping @Sendable (Socket, A0, A1, A2) async throws -> R
    ) {
        self.addListener(event) { socket, event in
            Invocation.start(socket, event) { arguments -> @Sendable () async throws -> R in
                let a0: A0 = try arguments.next()
                let a1: A1 = try arguments.next()
                let a2: A2 = try arguments.next()
                return { try await handler(socket, a0, a1, a2) }
            }
        }
    }

    /// Handles an event with 3 arguments: starts on the event loop, in order, and may wait; no acknowledgement is sent.
    @_disfavoredOverload
    public func on<A0: Decodable & Sendable, A1: Decodable & Sendable, A2: Decodable & Sendable>(
        _ event: String,
        _ handler: nonisolated(nonsending) @escaping @Sendable (Socket, A0, A1, A2) async throws -> Void
    ) {
        self.addListener(event) { socket, event in
            Invocation.start(socket, event) { arguments -> @Sendable () async throws -> Void in
                let a0: A0 = try arguments.next()
                let a1: A1 = try arguments.next()
                let a2: A2 = try arguments.next()
                return { try await handler(socket, a0, a1, a2) }
            }
        }
    }

    /// Handles an event with 4 arguments: runs on the event loop, in order; the result is the acknowledgement.
    public func on<
        A0: Decodable & Sendable, A1: Decodable & Sendable, A2: Decodable & Sendable, A3: Decodable & Sendable,
        R: Encodable & Sendable
    >(
        _ event: String, _ handler: @escaping @Sendable (Socket, A0, A1, A2, A3) throws -> R
    ) {
        self.addListener(event) { socket, event in
            Invocation.call(socket, event) { arguments in
                let a0: A0 = try arguments.next()
                let a1: A1 = try arguments.next()
                let a2: A2 = try arguments.next()
                let a3: A3 = try arguments.next()
                return try handler(socket, a0, a1, a2, a3)
            }
        }
    }

    /// Handles an event with 4 arguments: runs on the event loop, in order; no acknowledgement is sent.
    @_disfavoredOverload
    public func on<
        A0: Decodable & Sendable, A1: Decodable & Sendable, A2: Decodable & Sendable, A3: Decodable & Sendable
    >(
        _ event: String, _ handler: @escaping @Sendable (Socket, A0, A1, A2, A3) throws -> Void
    ) {
        self.addListener(event) { socket, event in
            Invocation.call(socket, event) { arguments in
                let a0: A0 = try arguments.next()
                let a1: A1 = try arguments.next()
                let a2: A2 = try arguments.next()
                let a3: A3 = try arguments.next()
                return try handler(socket, a0, a1, a2, a3)
            }
        }
    }

    /// Handles an event with 4 arguments: starts on the event loop, in order, and may wait; the result is the acknowledgement.
    public func on<
        A0: Decodable & Sendable, A1: Decodable & Sendable, A2: Decodable & Sendable, A3: Decodable & Sendable,
        R: Encodable & Sendable
    >(
        _ event: String,
        _ handler: nonisolated(nonsending) @escaping @Sendable (Socket, A0, A1, A2, A3) async throws -> R
    ) {
        self.addListener(event) { socket, event in
            Invocation.start(socket, event) { arguments -> @Sendable () async throws -> R in
                let a0: A0 = try arguments.next()
                let a1: A1 = try arguments.next()
                let a2: A2 = try arguments.next()
                let a3: A3 = try arguments.next()
                return { try await handler(socket, a0, a1, a2, a3) }
            }
        }
    }

    /// Handles an event with 4 arguments: starts on the event loop, in order, and may wait; no acknowledgement is sent.
    @_disfavoredOverload
    public func on<
        A0: Decodable & Sendable, A1: Decodable & Sendable, A2: Decodable & Sendable, A3: Decodable & Sendable
    >(
        _ event: String,
        _ handler: nonisolated(nonsending) @escaping @Sendable (Socket, A0, A1, A2, A3) async throws -> Void
    ) {
        self.addListener(event) { socket, event in
            Invocation.start(socket, event) { arguments -> @Sendable () async throws -> Void in
                let a0: A0 = try arguments.next()
                let a1: A1 = try arguments.next()
                let a2: A2 = try arguments.next()
                let a3: A3 = try arguments.next()
                return { try await handler(socket, a0, a1, a2, a3) }
            }
        }
    }

    /// Handles an event with 5 arguments: runs on the event loop, in order; the result is the acknowledgement.
    public func on<
        A0: Decodable & Sendable, A1: Decodable & Sendable, A2: Decodable & Sendable, A3: Decodable & Sendable,
        A4: Decodable & Sendable, R: Encodable & Sendable
    >(
        _ event: String, _ handler: @escaping @Sendable (Socket, A0, A1, A2, A3, A4) throws -> R
    ) {
        self.addListener(event) { socket, event in
            Invocation.call(socket, event) { arguments in
                let a0: A0 = try arguments.next()
                let a1: A1 = try arguments.next()
                let a2: A2 = try arguments.next()
                let a3: A3 = try arguments.next()
                let a4: A4 = try arguments.next()
                return try handler(socket, a0, a1, a2, a3, a4)
            }
        }
    }

    /// Handles an event with 5 arguments: runs on the event loop, in order; no acknowledgement is sent.
    @_disfavoredOverload
    public func on<
        A0: Decodable & Sendable, A1: Decodable & Sendable, A2: Decodable & Sendable, A3: Decodable & Sendable,
        A4: Decodable & Sendable
    >(
        _ event: String, _ handler: @escaping @Sendable (Socket, A0, A1, A2, A3, A4) throws -> Void
    ) {
        self.addListener(event) { socket, event in
            Invocation.call(socket, event) { arguments in
                let a0: A0 = try arguments.next()
                let a1: A1 = try arguments.next()
                let a2: A2 = try arguments.next()
                let a3: A3 = try arguments.next()
                let a4: A4 = try arguments.next()
                return try handler(socket, a0, a1, a2, a3, a4)
            }
        }
    }

    /// Handles an event with 5 arguments: starts on the event loop, in order, and may wait; the result is the acknowledgement.
    public func on<
        A0: Decodable & Sendable, A1: Decodable & Sendable, A2: Decodable & Sendable, A3: Decodable & Sendable,
        A4: Decodable & Sendable, R: Encodable & Sendable
    >(
        _ event: String,
        _ handler: nonisolated(nonsending) @escaping @Sendable (Socket, A0, A1, A2, A3, A4) async throws -> R
    ) {
        self.addListener(event) { socket, event in
            Invocation.start(socket, event) { arguments -> @Sendable () async throws -> R in
                let a0: A0 = try arguments.next()
                let a1: A1 = try arguments.next()
                let a2: A2 = try arguments.next()
                let a3: A3 = try arguments.next()
                let a4: A4 = try arguments.next()
                return { try await handler(socket, a0, a1, a2, a3, a4) }
            }
        }
    }

    /// Handles an event with 5 arguments: starts on the event loop, in order, and may wait; no acknowledgement is sent.
    @_disfavoredOverload
    public func on<
        A0: Decodable & Sendable, A1: Decodable & Sendable, A2: Decodable & Sendable, A3: Decodable & Sendable,
        A4: Decodable & Sendable
    >(
        _ event: String,
        _ handler: nonisolated(nonsending) @escaping @Sendable (Socket, A0, A1, A2, A3, A4) async throws -> Void
    ) {
        self.addListener(event) { socket, event in
            Invocation.start(socket, event) { arguments -> @Sendable () async throws -> Void in
                let a0: A0 = try arguments.next()
                let a1: A1 = try arguments.next()
                let a2: A2 = try arguments.next()
                let a3: A3 = try arguments.next()
                let a4: A4 = try arguments.next()
                return { try await handler(socket, a0, a1, a2, a3, a4) }
            }
        }
    }

    /// Handles an event with 6 arguments: runs on the event loop, in order; the result is the acknowledgement.
    public func on<
        A0: Decodable & Sendable, A1: Decodable & Sendable, A2: Decodable & Sendable, A3: Decodable & Sendable,
        A4: Decodable & Sendable, A5: Decodable & Sendable, R: Encodable & Sendable
    >(
        _ event: String, _ handler: @escaping @Sendable (Socket, A0, A1, A2, A3, A4, A5) throws -> R
    ) {
        self.addListener(event) { socket, event in
            Invocation.call(socket, event) { arguments in
                let a0: A0 = try arguments.next()
                let a1: A1 = try arguments.next()
                let a2: A2 = try arguments.next()
                let a3: A3 = try arguments.next()
                let a4: A4 = try arguments.next()
                let a5: A5 = try arguments.next()
                return try handler(socket, a0, a1, a2, a3, a4, a5)
            }
        }
    }

    /// Handles an event with 6 arguments: runs on the event loop, in order; no acknowledgement is sent.
    @_disfavoredOverload
    public func on<
        A0: Decodable & Sendable, A1: Decodable & Sendable, A2: Decodable & Sendable, A3: Decodable & Sendable,
        A4: Decodable & Sendable, A5: Decodable & Sendable
    >(
        _ event: String, _ handler: @escaping @Sendable (Socket, A0, A1, A2, A3, A4, A5) throws -> Void
    ) {
        self.addListener(event) { socket, event in
            Invocation.call(socket, event) { arguments in
                let a0: A0 = try arguments.next()
                let a1: A1 = try arguments.next()
                let a2: A2 = try arguments.next()
                let a3: A3 = try arguments.next()
                let a4: A4 = try arguments.next()
                let a5: A5 = try arguments.next()
                return try handler(socket, a0, a1, a2, a3, a4, a5)
            }
        }
    }

    /// Handles an event with 6 arguments: starts on the event loop, in order, and may wait; the result is the acknowledgement.
    public func on<
        A0: Decodable & Sendable, A1: Decodable & Sendable, A2: Decodable & Sendable, A3: Decodable & Sendable,
        A4: Decodable & Sendable, A5: Decodable & Sendable, R: Encodable & Sendable
    >(
        _ event: String,
        _ handler: nonisolated(nonsending) @escaping @Sendable (Socket, A0, A1, A2, A3, A4, A5) async throws -> R
    ) {
        self.addListener(event) { socket, event in
            Invocation.start(socket, event) { arguments -> @Sendable () async throws -> R in
                let a0: A0 = try arguments.next()
                let a1: A1 = try arguments.next()
                let a2: A2 = try arguments.next()
                let a3: A3 = try arguments.next()
                let a4: A4 = try arguments.next()
                let a5: A5 = try arguments.next()
                return { try await handler(socket, a0, a1, a2, a3, a4, a5) }
            }
        }
    }

    /// Handles an event with 6 arguments: starts on the event loop, in order, and may wait; no acknowledgement is sent.
    @_disfavoredOverload
    public func on<
        A0: Decodable & Sendable, A1: Decodable & Sendable, A2: Decodable & Sendable, A3: Decodable & Sendable,
        A4: Decodable & Sendable, A5: Decodable & Sendable
    >(
        _ event: String,
        _ handler: nonisolated(nonsending) @escaping @Sendable (Socket, A0, A1, A2, A3, A4, A5) async throws -> Void
    ) {
        self.addListener(event) { socket, event in
            Invocation.start(socket, event) { arguments -> @Sendable () async throws -> Void in
                let a0: A0 = try arguments.next()
                let a1: A1 = try arguments.next()
                let a2: A2 = try arguments.next()
                let a3: A3 = try arguments.next()
                let a4: A4 = try arguments.next()
                let a5: A5 = try arguments.next()
                return { try await handler(socket, a0, a1, a2, a3, a4, a5) }
            }
        }
    }
}
