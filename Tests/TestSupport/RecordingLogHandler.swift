// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

package import Logging

/// Keeps each line as `level message [metadata]`.
private struct RecordingLogHandler: LogHandler {
    let recorder: Recorder<String>
    var metadata: Logger.Metadata = [:]
    var logLevel: Logger.Level

    init(recorder: Recorder<String>, logLevel: Logger.Level) {
        self.recorder = recorder
        self.logLevel = logLevel
    }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { self.metadata[key] }
        set { self.metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        let all = self.metadata.merging(event.metadata ?? [:]) { $1 }
        self.recorder.add("\(event.level) \(event.message) \(all)")
    }
}

extension Logger {
    /// A logger whose lines a test reads.
    package init(recording recorder: Recorder<String>, level: Level = .trace) {
        self.init(label: "test") { _ in RecordingLogHandler(recorder: recorder, logLevel: level) }
    }

    /// A logger that says nothing.
    package static var silent: Logger { Logger(label: "test") { _ in SwiftLogNoOpLogHandler() } }
}
