// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

/// Waits until the condition holds; throws at the limit.
package func eventually(
    _ what: @autoclosure () -> String, within limit: Duration = .seconds(120), file: StaticString = #fileID,
    line: UInt = #line, _ condition: () async throws -> Bool
) async throws {
    let deadline = ContinuousClock.now + limit
    while try await !condition() {
        guard ContinuousClock.now < deadline else { throw TestFailure("\(file):\(line): never: \(what())") }
        try await Task.sleep(for: .milliseconds(5))
    }
}

/// Runs `service` in the background for the time of `body`.
package func running<Outcome>(
    _ service: @escaping @Sendable () async throws -> Void, _ body: () async throws -> Outcome
) async throws -> Outcome {
    let background = Task { try await service() }
    do {
        let outcome = try await body()
        background.cancel()
        try await background.value
        return outcome
    } catch {
        background.cancel()
        _ = await background.result
        throw error
    }
}
