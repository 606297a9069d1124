// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

import HiredisClient
import NIOCore
import UserRegistryCore

/// Reads the scripts' answers. What does not have the expected form is an unknown outcome.
enum ScriptReplyDecoder {
    static func decode(_ result: Result<RedisReply, RedisError>, of script: PartitionCommand.Script) -> ScriptReply {
        switch result {
        case .failure(let error):
            return error.certainlyNotExecuted ? .notExecuted : .unknown
        case .success(let reply):
            if case .count = script { return reply.int.map { .count(max(1, $0) - 1) } ?? .unknown }
            guard let elements = reply.elements, let code = elements.first?.text else { return .unknown }
            return Self.decode(code, elements, of: script)
        }
    }

    private static func decode(
        _ code: String, _ elements: [RedisReply], of script: PartitionCommand.Script
    ) -> ScriptReply {
        switch code {
        case "OK": Self.success(elements, of: script) ?? .unknown
        case "WAIT": .wait
        case "RECOVERING": .recovering
        case "NOLEASE": .noLease
        case "RESYNC": .resync
        case "LOST": .lost
        case "STALE": .stale
        case "EPOCH": elements.count > 1 ? Self.number(elements[1]).map { .epoch($0) } ?? .unknown : .unknown
        case "MORE": .more
        case "HANDED", "NONE", "DENIED", "DONE", "ALIVE": .done
        default: .unknown
        }
    }

    private static func success(_ elements: [RedisReply], of script: PartitionCommand.Script) -> ScriptReply? {
        switch script {
        case .claim:
            elements.count > 1 ? Self.number(elements[1]).map { .token($0) } : nil
        case .renew:
            elements.count == 4
                ? Self.renewed(elements[1], waiters: elements[2].elements ?? [], expired: elements[3].elements ?? [])
                : nil
        case .synced:
            elements.count == 2 ? Self.renewed(elements[1], waiters: [], expired: []) : nil
        case .reassert:
            .tokens(elements.dropFirst().map { Self.number($0) })
        case .mine:
            Self.page(elements)
        case .release, .deny, .reap, .update, .count, .leave:
            .done
        }
    }

    private static func renewed(_ left: RedisReply, waiters: [RedisReply], expired: [RedisReply]) -> ScriptReply? {
        guard let left = Self.number(left) else { return nil }
        var notices: [WaitNotice] = []
        for start in stride(from: 0, to: waiters.count - 4, by: 5) {
            let words = waiters[start..<start + 5].map { $0.text ?? "" }
            guard let owner = UInt64(words[1]) else { continue }
            notices.append(
                WaitNotice(
                    user: words[0], owner: owner, waiter: Self.waiter(words[2], words[3]), kick: Self.kick(words[4])))
        }
        let (nanoseconds, overflow) = left.multipliedReportingOverflow(by: 1_000_000)
        return .renewed(
            recoveryLeft: overflow ? .max : nanoseconds, waiters: notices, expired: expired.compactMap(\.text))
    }

    private static func page(_ elements: [RedisReply]) -> ScriptReply? {
        guard elements.count >= 2, let cursor = elements[1].text else { return nil }
        var held: [HeldUser] = []
        for start in stride(from: 2, to: elements.count - 1, by: 2) {
            guard let user = elements[start].text, let connection = Self.number(elements[start + 1]) else { continue }
            held.append(HeldUser(user: user, connection: connection))
        }
        return .page(cursor: cursor, held: held)
    }

    /// A decimal number of up to 64 bits.
    static func number(_ reply: RedisReply) -> UInt64? {
        guard case .string(let bytes) = reply else { return nil }
        return bytes.withUnsafeReadableBytes { digits in
            guard 1...20 ~= digits.count else { return nil }
            var number: UInt64 = 0
            for digit in digits {
                guard UInt8(ascii: "0")...UInt8(ascii: "9") ~= digit else { return nil }
                let (product, overflows) = number.multipliedReportingOverflow(by: 10)
                let (sum, exceeds) = product.addingReportingOverflow(UInt64(digit - UInt8(ascii: "0")))
                guard !overflows, !exceeds else { return nil }
                number = sum
            }
            return number
        }
    }

    static func waiter(_ incarnation: String, _ connection: String) -> WaiterName? {
        guard !incarnation.isEmpty, let connection = UInt64(connection) else { return nil }
        return WaiterName(incarnation: incarnation, connection: connection)
    }

    /// `k=reason`.
    static func kick(_ text: String) -> String? { text.hasPrefix("k=") ? String(text.dropFirst(2)) : nil }
}

extension ControlMessage {
    /// Reads a message of a control channel; nil for anything else. The user stands last and may hold any byte.
    init?(_ payload: UnsafeRawBufferPointer) {
        guard let kind = payload.first else { return nil }
        func words(_ count: Int) -> [String]? {
            let parts = payload.split(separator: 0x1F, maxSplits: count - 1, omittingEmptySubsequences: false)
            return parts.count == count ? parts.map { String(decoding: $0, as: UTF8.self) } : nil
        }
        switch kind {
        case UInt8(ascii: "w"):
            guard let words = words(5), let owner = UInt64(words[1]),
                let waiter = ScriptReplyDecoder.waiter(words[2], words[3])
            else { return nil }
            self = .notice(WaitNotice(user: words[4], owner: owner, waiter: waiter, kick: nil))
        case UInt8(ascii: "k"):
            guard let words = words(4), let owner = UInt64(words[1]), let kick = ScriptReplyDecoder.kick(words[2])
            else { return nil }
            self = .notice(WaitNotice(user: words[3], owner: owner, waiter: nil, kick: kick))
        case UInt8(ascii: "g"):
            guard let words = words(3), let connection = UInt64(words[1]) else { return nil }
            self = .granted(connection: connection, user: words[2])
        case UInt8(ascii: "d"):
            guard let words = words(4), let connection = UInt64(words[1]) else { return nil }
            self = .denied(connection: connection, since: Int64(words[2]).flatMap { $0 > 0 ? $0 : nil })
        default:
            return nil
        }
    }
}
