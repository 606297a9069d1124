// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

/// A step of the chain that a connection passes before it exists.
enum Middleware: Sendable {
    /// Runs on the connection's event loop, without a task.
    case synchronous(@Sendable (Socket) throws -> Void)
    case asynchronous(@Sendable (Socket) async throws -> Void)
    /// Decides at once where it can (nil: passed), and says when it must wait.
    case either(@Sendable (Socket) throws -> (@Sendable () async throws -> Void)?)
}

/// Runs a namespace's chain for one socket, on the socket's event loop as far as nothing waits.
enum MiddlewareChain {
    /// - Parameter completion: called once, on the socket's event loop.
    static func run(
        _ chain: [Middleware], from index: Int = 0, for socket: Socket,
        completion: @escaping @Sendable (Result<Void, any Error>) -> Void
    ) {
        var index = index
        while index < chain.count {
            do {
                switch chain[index] {
                case .synchronous(let body): try body(socket)
                case .either(let body):
                    if let rest = try body(socket) {
                        return self.wait(for: { _ in try await rest() }, chain, index + 1, socket, completion)
                    }
                case .asynchronous(let body): return self.wait(for: body, chain, index + 1, socket, completion)
                }
            } catch {
                return completion(.failure(error))
            }
            index += 1
        }
        completion(.success(()))
    }

    private static func wait(
        for body: @escaping @Sendable (Socket) async throws -> Void, _ chain: [Middleware], _ next: Int,
        _ socket: Socket,
        _ completion: @escaping @Sendable (Result<Void, any Error>) -> Void
    ) {
        socket.runTask {
            let result: Result<Void, any Error>
            do {
                try await body(socket)
                result = .success(())
            } catch {
                result = .failure(error)
            }
            socket.onLoop { socket in
                guard socket.isConnecting else { return completion(.failure(CancellationError())) }
                if case .failure = result { return completion(result) }
                self.run(chain, from: next, for: socket, completion: completion)
            }
        }
    }
}
