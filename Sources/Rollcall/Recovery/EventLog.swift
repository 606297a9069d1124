// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

import NIOCore
import SocketIOCodec

/// The events that a namespace has sent lately, in order, bounded by age and bytes.
struct EventLog {
    private struct Entry {
        let tag: UInt32
        let sentAt: NIODeadline
        let bytes: Int
        let event: EncodedEvent
        let options: BroadcastOptions
    }
    private var entries = CircularBuffer<Entry>()
    /// The number of the oldest entry.
    private var first: UInt64 = 0
    private(set) var bytes = 0
    private let maximumAge: TimeAmount
    private let maximumBytes: Int
    /// What an entry costs beside its event.
    private static let overhead = 160

    init(maximumAge: TimeAmount, maximumBytes: Int) {
        self.maximumAge = maximumAge
        self.maximumBytes = maximumBytes
    }

    var count: Int { self.entries.count }

    /// The number of the event that comes next.
    var end: UInt64 { self.first + UInt64(self.entries.count) }

    /// Keeps an event, and returns it with its offset as the last argument.
    ///
    /// - Parameter tag: random, so that clients cannot name an event that they have not seen.
    mutating func append(
        _ event: EncodedEvent, _ options: BroadcastOptions, now: NIODeadline,
        tag: UInt32 = .random(in: .min ... .max)
    ) -> EncodedEvent {
        let event = event.appending(argument: Self.offset(self.end, tag))
        let bytes = event.attachments.reduce(event.payload.readableBytes + Self.overhead) { $0 + $1.readableBytes }
        self.entries.append(Entry(tag: tag, sentAt: now, bytes: bytes, event: event, options: options))
        self.bytes += bytes
        self.trim(now: now)
        return event
    }

    /// Forgets what is too old or too much.
    mutating func trim(now: NIODeadline) {
        while let oldest = self.entries.first,
            self.bytes > self.maximumBytes || now - oldest.sentAt > self.maximumAge
        {
            self.bytes -= oldest.bytes
            self.first += 1
            self.entries.removeFirst()
        }
    }

    private static func offset(_ number: UInt64, _ tag: UInt32) -> String {
        "\(String(number, radix: 36)).\(String(tag, radix: 36))"
    }

    /// The number of the event behind the one that an offset names; nil for one that is not in the log.
    func position(after offset: String) -> UInt64? {
        let parts = offset.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 2, let number = UInt64(parts[0], radix: 36), let tag = UInt32(parts[1], radix: 36),
            number >= self.first, number < self.end, self.entry(number).tag == tag
        else { return nil }
        return number + 1
    }

    /// The events from `position` on that a socket in these rooms was to get; nil when some may be forgotten.
    ///
    /// - Parameter rooms: the socket's own included.
    func events(from position: UInt64, for rooms: Set<String>) -> [EncodedEvent]? {
        guard position >= self.first, position <= self.end else { return nil }
        var events: [EncodedEvent] = []
        for number in position..<self.end {
            let entry = self.entry(number)
            if entry.options.means(rooms) { events.append(entry.event) }
        }
        return events
    }

    private func entry(_ number: UInt64) -> Entry {
        self.entries[self.entries.index(self.entries.startIndex, offsetBy: Int(number - self.first))]
    }
}

extension BroadcastOptions {
    /// Whether a socket that is in these rooms, its own among them, is meant.
    func means(_ rooms: Set<String>) -> Bool {
        (self.rooms.isEmpty || self.rooms.contains(where: rooms.contains))
            && !self.except.contains(where: rooms.contains)
    }
}

extension EncodedEvent {
    /// The event with one more argument.
    fileprivate func appending(argument: String) -> EncodedEvent {
        let length = self.payload.readableBytes
        var payload = ByteBufferAllocator().buffer(capacity: length + argument.utf8.count + 4)
        // All but the last bracket; there is a name in any case.
        if let head = self.payload.getSlice(at: self.payload.readerIndex, length: max(0, length - 1)) {
            payload.writeImmutableBuffer(head)
        }
        payload.writeInteger(UInt8(ascii: ","))
        JSONWriter.write(argument, into: &payload)
        payload.writeInteger(UInt8(ascii: "]"))
        return EncodedEvent(payload: payload, attachments: self.attachments)
    }
}
