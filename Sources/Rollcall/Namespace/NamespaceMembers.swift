// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

import EngineIOServer
import NIOCore
import SocketIOCodec
import UserRegistryCore

/// The sockets of one namespace on one event loop, and their rooms. Only touched on that loop.
///
/// A fan-out goes over arrays of small structs: it touches neither the sockets nor anything of NIO's.
final class NamespaceMembers {
    /// What a delivery must know of a member.
    private struct Member {
        var slot: Int32
        var partition: Int32
        var incarnation: UInt32
    }

    let loop: EngineLoop
    private let gate: LeaseGate?
    var listeners: EventTable
    private var members: [Member] = []
    private var sockets: [Socket?] = []
    private var free: [Int32] = []
    private var byID: [String: Int32] = [:]
    private(set) var rooms: [String: RoomIndex] = [:]
    private let adapter: any Adapter

    /// Marks members as left out of, or already served by, the present fan-out.
    private var stamps: [UInt32] = []
    private var stamp: UInt32 = 0
    /// For each partition the incarnation whose members are served; an impossible one while the gate is shut.
    private var served: [UInt32]
    private static let nobody = UInt32.max
    /// The incarnation of a member that waits for its rooms: nobody's, so that what is sent to it is held until the client
    /// knows that it is connected.
    private static let joining = UInt32.max - 1

    private var scratch: ByteBuffer? = ByteBufferAllocator().buffer(capacity: 1024)

    var connectedCount = 0
    var eventsReceived = 0
    var eventsFailed = 0
    var broadcasts = 0
    var connectErrors: [String: Int] = [:]

    init(loop: EngineLoop, gate: LeaseGate?, adapter: any Adapter, listeners: EventTable) {
        self.listeners = listeners
        self.loop = loop
        self.gate = gate
        self.adapter = adapter
        self.served = [UInt32](repeating: 0, count: gate?.count ?? 1)
    }

    // MARK: members

    var count: Int { self.members.count - self.free.count }

    /// A new member gets nothing until ``setGrant(_:of:)``.
    func add(_ socket: Socket, grant: LeaseGrant) -> Int32 {
        guard let slot = socket.state.connection?.session.slot, slot >= 0 else { return -1 }
        let member = Member(slot: slot, partition: Int32(grant.partition), incarnation: Self.joining)
        let index: Int32
        if let reused = self.free.popLast() {
            index = reused
            self.members[Int(index)] = member
            self.sockets[Int(index)] = socket
        } else {
            index = Int32(self.members.count)
            self.members.append(member)
            self.sockets.append(socket)
            self.stamps.append(0)
        }
        self.byID[socket.id] = index
        self.adapter.roomCreated(socket.id)
        return index
    }

    func setGrant(_ grant: LeaseGrant, of socket: Socket) {
        let index = Int(socket.state.member)
        guard index >= 0 else { return }
        self.members[index].partition = Int32(grant.partition)
        self.members[index].incarnation = grant.incarnation
    }

    /// Fan-outs hand what they have for this member to the socket, until ``setGrant(_:of:)``.
    func suspend(_ socket: Socket) {
        let index = Int(socket.state.member)
        if index >= 0 { self.members[index].incarnation = Self.joining }
    }

    func remove(_ socket: Socket) {
        let index = socket.state.member
        guard index >= 0 else { return }
        for membership in socket.state.rooms { self.take(index, outOf: membership) }
        socket.state.rooms = []
        self.members[Int(index)].slot = -1
        self.sockets[Int(index)] = nil
        self.free.append(index)
        self.byID[socket.id] = nil
        socket.state.member = -1
        self.adapter.roomDeleted(socket.id)
    }

    func socket(id: String) -> Socket? {
        self.byID[id].flatMap { self.sockets[Int($0)] }
    }

    // MARK: rooms

    func join(_ socket: Socket, _ name: String) {
        let index = socket.state.member
        guard index >= 0, name != socket.id, !socket.state.rooms.contains(where: { $0.room.name == name }) else {
            return
        }
        let room: RoomIndex
        if let known = self.rooms[name] {
            room = known
        } else {
            room = RoomIndex(name: name)
            self.rooms[name] = room
            self.adapter.roomCreated(name)
        }
        socket.state.rooms.append(RoomMembership(room: room, position: Int32(room.members.count)))
        room.members.append(index)
    }

    func leave(_ socket: Socket, _ name: String) {
        guard let found = socket.state.rooms.firstIndex(where: { $0.room.name == name }) else { return }
        let membership = socket.state.rooms.remove(at: found)
        self.take(socket.state.member, outOf: membership)
    }

    /// The last member moves into the gap.
    private func take(_ member: Int32, outOf membership: RoomMembership) {
        let room = membership.room
        let position = Int(membership.position)
        guard let last = room.members.popLast() else { return }
        if last != member {
            room.members[position] = last
            if let moved = self.sockets[Int(last)],
                let entry = moved.state.rooms.firstIndex(where: { $0.room === room })
            {
                moved.state.rooms[entry].position = Int32(position)
            }
        }
        guard room.members.isEmpty else { return }
        self.rooms[room.name] = nil
        self.adapter.roomDeleted(room.name)
    }

    // MARK: fan-out

    /// Sends an event to everyone here whom the options mean.
    func deliver(_ event: EncodedEvent, in namespace: Namespace, _ options: BroadcastOptions) {
        guard self.count > 0 else { return }
        self.prepareGate()
        let loop = self.loop
        let range = loop.logFrames { namespace.write(event, into: &$0) }
        loop.fanOut {
            self.forEachMember(options) { index in
                let member = self.members[Int(index)]
                guard member.slot >= 0 else { return }
                if options.isVolatile, !(loop.session(in: member.slot)?.isWritable ?? false) { return }
                if self.served[Int(member.partition)] == member.incarnation {
                    loop.deliver(range, to: member.slot)
                } else if !options.isVolatile {
                    self.hold(range, for: index)
                }
            }
        }
    }

    @inline(never)
    private func hold(_ range: Range<UInt32>, for index: Int32) {
        guard let socket = self.sockets[Int(index)] else { return }
        let frames = self.loop.frames(in: range)
        socket.hold { $0.writeImmutableBuffer(frames) }
        guard socket.state.phase == .connected, self.gate?.isOpen(socket.state.grant) ?? true else { return }
        // The gate was shut so shortly that the registry did not notice.
        self.loop.eventLoop.execute { socket.resume() }
    }

    private func prepareGate() {
        guard let gate = self.gate else { return }
        let closed = gate.closedPartitions()
        for partition in self.served.indices {
            let isClosed = closed & (1 << UInt64(partition)) != 0
            self.served[partition] = isClosed ? Self.nobody : gate.incarnation(of: partition)
        }
    }

    /// Calls `body` once with each member that the options mean.
    @inline(__always)
    private func forEachMember(_ options: BroadcastOptions, _ body: (Int32) -> Void) {
        if options.except.isEmpty, options.rooms.count <= 1 {
            guard let name = options.rooms.first else {
                for index in self.members.indices where self.members[index].slot >= 0 { body(Int32(index)) }
                return
            }
            return self.forEach(in: name, body)
        }
        self.forEachMarked(options, body)
    }

    @inline(never)
    private func forEachMarked(_ options: BroadcastOptions, _ body: (Int32) -> Void) {
        self.stamp &+= 1
        for name in options.except { self.forEach(in: name) { self.stamps[Int($0)] = self.stamp } }
        func visit(_ index: Int32) {
            guard self.stamps[Int(index)] != self.stamp else { return }
            self.stamps[Int(index)] = self.stamp
            body(index)
        }
        if options.rooms.isEmpty {
            for index in self.members.indices where self.members[index].slot >= 0 { visit(Int32(index)) }
        } else {
            for name in options.rooms { self.forEach(in: name, visit) }
        }
    }

    private func forEach(in name: String, _ body: (Int32) -> Void) {
        if let room = self.rooms[name] { for index in room.members { body(index) } }
        if let index = self.byID[name] { body(index) }
    }

    /// The sockets that the options mean.
    func sockets(_ options: BroadcastOptions) -> [Socket] {
        var found: [Socket] = []
        self.forEachMember(options) { index in
            if let socket = self.sockets[Int(index)] { found.append(socket) }
        }
        return found
    }

    // MARK: odds and ends

    /// A buffer for encoding, used again and again.
    func takeScratch() -> ByteBuffer {
        guard var buffer = self.scratch.take() else { return ByteBufferAllocator().buffer(capacity: 1024) }
        buffer.clear()
        return buffer
    }

    func giveBack(_ buffer: ByteBuffer) {
        if buffer.capacity <= 65536 { self.scratch = buffer }
    }

    /// Returns the code under which it was counted.
    func count(refusal: ConnectError) -> String {
        let code = refusal.data?["code"]?.stringValue ?? "OTHER"
        self.connectErrors[code, default: 0] += 1
        return code
    }
}

/// The members of one room on one event loop.
final class RoomIndex {
    let name: String
    var members: [Int32] = []

    init(name: String) { self.name = name }
}

/// A socket's place in a room, so that it leaves without a search.
struct RoomMembership {
    var room: RoomIndex
    var position: Int32
}
