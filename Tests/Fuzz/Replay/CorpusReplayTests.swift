// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

import Foundation
import Testing

/// Each input of the corpora, findings of the fuzzer among them, goes through the properties that the fuzzer checks.
@Suite struct CorpusReplayTests {
    /// Tests/Fuzz/Corpus.
    private static let folder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .appending(path: "Corpus")

    @Test(arguments: FuzzTarget.allCases)
    func holds(_ target: FuzzTarget) throws {
        let inputs = try FileManager.default.contentsOfDirectory(
            at: Self.folder.appending(path: target.rawValue), includingPropertiesForKeys: nil)
        #expect(inputs.count > 10)
        for input in inputs {
            // In memory of exactly their length.
            let bytes = [UInt8](try Data(contentsOf: input))
            #expect(throws: Never.self, "\(target.rawValue)/\(input.lastPathComponent)") {
                try bytes.withUnsafeBytes { try target.check($0) }
            }
        }
    }

    @Test func everyCorpusHasATarget() throws {
        let names = try FileManager.default.contentsOfDirectory(atPath: Self.folder.path())
        #expect(Set(names) == Set(FuzzTarget.allCases.map(\.rawValue)))
    }

    /// A property that fails is seen.
    @Test func findings() {
        #expect(throws: Finding.self) { try require(false, "never") }
        #expect(throws: Finding.self) { try requireEqual(1, 2, "equal") }
    }
}
