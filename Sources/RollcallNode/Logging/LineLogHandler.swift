// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

package import Logging
import Rollcall

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Writes each event as one line, as text for people or as a JSON object for machines.
package struct LineLogHandler: LogHandler {
    /// The lowest level that is written.
    package var logLevel: Logger.Level
    /// What every line of this logger carries.
    package var metadata: Logger.Metadata = [:]
    /// What the task at hand adds.
    package var metadataProvider: Logger.MetadataProvider?

    private let label: String
    private let isJSON: Bool
    private let write: @Sendable ([UInt8]) -> Void

    /// Creates a handler; `write` gets one whole line at a time, from any thread.
    package init(
        label: String, level: Logger.Level, isJSON: Bool, write: @escaping @Sendable ([UInt8]) -> Void
    ) {
        self.label = label
        self.logLevel = level
        self.isJSON = isJSON
        self.write = write
    }

    package subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { self.metadata[key] }
        set { self.metadata[key] = newValue }
    }

    /// Formats the event and hands the line over.
    package func log(event: LogEvent) {
        var metadata = self.metadata
        if let provided = self.metadataProvider?.get() {
            metadata.merge(provided) { _, new in new }
        }
        if let own = event.metadata {
            metadata.merge(own) { _, new in new }
        }
        if let error = event.error {
            metadata["error"] = "\(error)"
        }
        let time = Self.timestamp()
        let line =
            self.isJSON
            ? self.json(event, metadata, time: time) : self.text(event, metadata, time: time)
        self.write(Array(line.utf8))
    }

    private func text(_ event: LogEvent, _ metadata: Logger.Metadata, time: String) -> String {
        var line = "\(time) \(event.level.rawValue.uppercased()) \(self.label): "
        Self.appendPlain("\(event.message)", to: &line)
        for (key, value) in metadata.sorted(by: { $0.key < $1.key }) {
            line += " "
            Self.appendPlain(key, to: &line)
            line += "="
            let text = "\(value)"
            if text.isEmpty || text.contains(where: { $0 == " " || $0 == "\"" || $0 == "=" || $0.isNewline }) {
                Self.appendQuoted(text, to: &line)
            } else {
                Self.appendPlain(text, to: &line)
            }
        }
        return line + "\n"
    }

    /// What clients send may end up in a line, and must neither begin another one nor move a terminal's cursor.
    private static func appendPlain(_ text: String, to line: inout String) {
        for scalar in text.unicodeScalars {
            if scalar.value < 0x20 || (0x7F...0x9F).contains(scalar.value) {
                line += "\\u{\(String(scalar.value, radix: 16))}"
            } else {
                line.unicodeScalars.append(scalar)
            }
        }
    }
}

// MARK: - JSON

extension LineLogHandler {
    private func json(_ event: LogEvent, _ metadata: Logger.Metadata, time: String) -> String {
        var line = "{\"time\":\"\(time)\",\"level\":\"\(event.level.rawValue)\",\"logger\":"
        Self.appendQuoted(self.label, to: &line)
        line += ",\"message\":"
        Self.appendQuoted("\(event.message)", to: &line)
        for (key, value) in metadata.sorted(by: { $0.key < $1.key }) {
            // The line's own names stay unique: a reader may take either of two equal ones.
            let isTaken = ["time", "level", "logger", "message"].contains(key)
            line += ","
            Self.appendQuoted(isTaken ? "metadata.\(key)" : key, to: &line)
            line += ":"
            Self.append(value, to: &line)
        }
        return line + "}\n"
    }

    private static func append(_ value: Logger.Metadata.Value, to line: inout String) {
        switch value {
        case .string(let text):
            Self.appendQuoted(text, to: &line)
        case .stringConvertible(let value):
            Self.appendQuoted("\(value)", to: &line)
        case .array(let values):
            line += "["
            for (index, value) in values.enumerated() {
                line += index == 0 ? "" : ","
                Self.append(value, to: &line)
            }
            line += "]"
        case .dictionary(let values):
            line += "{"
            for (index, (key, value)) in values.sorted(by: { $0.key < $1.key }).enumerated() {
                line += index == 0 ? "" : ","
                Self.appendQuoted(key, to: &line)
                line += ":"
                Self.append(value, to: &line)
            }
            line += "}"
        }
    }

    private static func appendQuoted(_ text: String, to line: inout String) {
        line += "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": line += "\\\""
            case "\\": line += "\\\\"
            case "\n": line += "\\n"
            case "\u{0}"..<"\u{20}", "\u{7F}"..."\u{9F}":
                let digits = String(scalar.value, radix: 16)
                line += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            default: line.unicodeScalars.append(scalar)
            }
        }
        line += "\""
    }
}

// MARK: - Time

extension LineLogHandler {
    /// The time in UTC as RFC 3339 writes it, with milliseconds.
    private static func timestamp() -> String {
        Clock.rfc3339(milliseconds: Clock.milliseconds())
    }
}
