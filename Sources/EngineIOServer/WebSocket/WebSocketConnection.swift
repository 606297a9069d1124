// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

import NIOCore

/// Who gets the messages of a WebSocket that is no session: the candidate of an upgrade, or a plain endpoint.
protocol WebSocketReceiver: AnyObject {
    func webSocket(_ connection: WebSocketConnection, receivedText text: UnsafeRawBufferPointer)
    func webSocket(_ connection: WebSocketConnection, receivedBinary bytes: UnsafeRawBufferPointer)
    func webSocketClosed(_ connection: WebSocketConnection)
}

/// One WebSocket after its opening handshake: frames in, frames out (RFC 6455). The only handler of its channel.
///
/// It belongs to the event loop of its session. Where the channel is on another loop (an upgrade that arrived there), a
/// ``WebSocketForwarder`` is the channel's handler and brings the bytes over.
final class WebSocketConnection: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    enum Phase: UInt8 {
        case open
        /// Our close frame is out: nothing is read but the peer's end.
        case closing
        case closed
    }

    /// Why reading may be off.
    struct Pauses: OptionSet {
        let rawValue: UInt8
        static let rate = Pauses(rawValue: 1)
        static let receiver = Pauses(rawValue: 2)
    }

    let loop: EngineLoop
    let channel: any Channel
    var phase = Phase.open
    var slot: Int32 = -1
    // Safe: detached in `end`, which the session calls when it closes.
    unowned(unsafe) var session: EngineSession?
    var receiver: (any WebSocketReceiver)?
    private let maxPayload: Int

    /// Input that is not a whole frame yet; nil nearly always.
    var leftover: ByteBuffer?
    /// What the input that is kept occupies.
    var keptCapacity: Int { self.leftover?.storageCapacity ?? 0 }
    /// How far the frame that begins the leftover was checked. Fresh where that is not known to be text.
    private var cutText = CutTextProgress()
    /// A message that is not whole yet, or not inflated.
    var message: IncomingMessage?
    /// Nil unless `permessage-deflate` was agreed on.
    var deflate: MessageDeflate?
    var holdsDeflateState: Bool { self.deflate?.holdsState ?? false }
    private let reservedBits: UInt8

    /// How the peer wants the binary messages of its session.
    var wantedForm = BinaryForm.plain
    /// How they are written now. Anything but ``BinaryForm/plain`` goes through the channel.
    private var binaryForm = BinaryForm.plain
    /// Whether they are rewritten last; where messages are compressed, that was done before.
    private var isRewriting: Bool { self.binaryForm != .plain && self.deflate == nil }

    var pauses: Pauses = []
    private var messagesLeft: Int
    private var windowStart: NIODeadline = .uptimeNanoseconds(0)

    /// The socket, while it may be written to without the channel: plain TCP on our loop, open, and nothing of ours waits in the
    /// channel. Must be forgotten before the descriptor is closed: its number is given to the next connection that any loop accepts.
    private var directDescriptor: Int32 = -1 {
        didSet { if self.slot >= 0 { self.loop.setOutlet(self.outletDescriptor, of: self.slot) } }
    }
    var descriptor: Int32 = -1
    var writesInChannel = 0
    /// While closing: looks for the peer's close frame.
    var skipper: FrameSkipper?

    init(loop: EngineLoop, channel: any Channel, maxPayload: Int, deflate: DeflateParameters?) {
        self.loop = loop
        self.channel = channel
        self.maxPayload = maxPayload
        if let deflate, let pool = loop.deflatePool { self.deflate = MessageDeflate(deflate, pool: pool) }
        self.reservedBits =
            deflate == nil ? WebSocketCodec.reserved : WebSocketCodec.reserved & ~WebSocketCodec.compressed
        self.messagesLeft = loop.configuration.eventRate
        if channel.eventLoop === loop.eventLoop, loop.configuration.makeTLSHandler == nil {
            self.descriptor = Self.descriptor(of: channel)
            self.directDescriptor = self.descriptor
        }
    }

    private static func descriptor(of channel: any Channel) -> Int32 {
        let found = try? channel.pipeline.syncOperations.withUnsafeTransportIfAvailable(of: NIOBSDSocket.Handle.self) {
            $0
        }
        return found ?? -1
    }

    /// The loop sends the log's bytes as they are, so frames that may have to be compressed come to ``sendFromLog(_:)``.
    private var outletDescriptor: Int32 {
        self.directDescriptor >= 0 && self.deflate == nil ? self.directDescriptor : EngineLoop.Outlet.throughChannel
    }

    var isOpen: Bool { self.phase == .open }
    var isDrained: Bool { self.phase == .open && self.writesInChannel == 0 && self.channel.isWritable }

    func attach(to session: EngineSession) {
        self.session = session
        self.receiver = nil
        self.binaryForm = self.wantedForm
        if self.binaryForm != .plain { self.forgetDescriptor() }
        self.slot = session.slot
        self.loop.setOutlet(self.outletDescriptor, of: self.slot)
    }

    func attach(to receiver: any WebSocketReceiver) { self.receiver = receiver }

    // MARK: channel

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let input = Self.unwrapInboundIn(data)
        self.receive(input)
        self.loop.receivePool.giveBack(input)
    }

    func channelReadComplete(context: ChannelHandlerContext) { self.receivedAll() }

    func channelInactive(context: ChannelHandlerContext) { self.channelClosed() }

    func handlerRemoved(context: ChannelHandlerContext) { self.channelClosed() }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if let event = event as? ChannelEvent, event == .inputClosed {
            self.forgetDescriptor()
            return self.channel.close(promise: nil)
        }
        context.fireUserInboundEventTriggered(event)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        self.fail(.transportError)
    }

    // MARK: reading

    func receive(_ input: ByteBuffer) {
        guard self.phase == .open else { return self.receivedWhileClosing(input) }
        if self.loop.current !== self { self.beginTurn() }
        self.loop.counters.bytesReceived &+= input.readableBytes
        if self.leftover == nil {
            let used = input.withUnsafeReadableBytes { self.consume($0) }
            guard used < input.readableBytes,
                let rest = input.getSlice(at: input.readerIndex + used, length: input.readableBytes - used)
            else { return }
            guard self.phase == .open else { return self.receivedWhileClosing(rest) }
            // A copy: the buffer that was read belongs to the loop.
            self.leftover = ByteBuffer(bytes: rest.readableBytesView)
        } else if var whole = self.leftover.take() {
            whole.writeImmutableBuffer(input)
            self.consumeLeftover(whole)
        }
    }

    private func consumeLeftover(_ whole: ByteBuffer) {
        let used = whole.withUnsafeReadableBytes { self.consume($0) }
        guard used < whole.readableBytes else { return }
        guard self.phase == .open else {
            var rest = whole
            rest.moveReaderIndex(forwardBy: used)
            return self.receivedWhileClosing(rest)
        }
        // A copy of the rest, where something was used: the buffer would keep what was used, and grow with every read.
        self.leftover = used == 0 ? whole : ByteBuffer(bytes: whole.readableBytesView.dropFirst(used))
    }

    /// The read is over: everything it produced leaves in one write.
    func receivedAll() {
        self.endTurn()
        self.loop.trimScratch()
    }

    /// May be called while a handler still looks at the payload: the loop's scratch memory must stay.
    func endTurn() {
        let loop = self.loop
        guard loop.current === self else { return }
        loop.current = nil
        if loop.output.readableBytes > 0 { self.write(loop.output) }
    }

    private func beginTurn() {
        let loop = self.loop
        loop.current?.endTurn()
        loop.current = self
        loop.output.clear()
        if self.slot >= 0 { loop.takeShare(of: self.slot) }  // what came before, in this turn, goes before its answers
    }

    /// Works off whole frames; returns how many bytes were used.
    private func consume(_ bytes: UnsafeRawBufferPointer) -> Int {
        var used = 0
        while used < bytes.count, self.phase == .open, self.pauses.isEmpty {
            let rest = UnsafeRawBufferPointer(rebasing: bytes[used...])
            switch WebSocketCodec.parseHeader(
                rest, maximumPayload: self.maxPayload, reserved: self.reservedBits)
            {
            case .needsMore: return used
            case .violation(let code):
                self.violate(code)
                return used
            case .found(let header):
                guard rest.count >= header.frameLength, let start = rest.baseAddress else {
                    self.checkCut(header, rest)
                    return used
                }
                self.cutText = CutTextProgress()
                self.loop.reserveScratch(header.payloadLength)
                let isASCII = WebSocketCodec.unmask(
                    start + header.headerLength, into: self.loop.scratch, count: header.payloadLength, mask: header.mask
                )
                let payload = UnsafeRawBufferPointer(start: self.loop.scratch, count: header.payloadLength)
                self.receiveFrame(header.firstByte, payload, isASCII: isASCII)
                used &+= header.frameLength
            }
        }
        return used
    }

    /// Text that cannot become valid any more is refused before its frame is whole, as is a frame that may not come now or makes
    /// its message too long.
    @inline(never)
    private func checkCut(_ header: FrameHeader, _ frame: UnsafeRawBufferPointer) {
        switch header.firstByte & ~WebSocketCodec.final {
        case 0x01 where self.message == nil: break
        case 0x00:
            guard let message = self.message else { return self.violate(1002) }
            guard message.isCompressed || message.bytes.readableBytes + header.payloadLength <= self.maxPayload else {
                return self.violate(1009)
            }
            guard message.isText, !message.isCompressed else { return }
            if self.cutText.isFresh { self.cutText = CutTextProgress(after: message.utf8) }
        case 0x01, 0x02, 0x40, 0x41, 0x42:
            if self.message != nil || header.firstByte & 0x0F == 0 { self.violate(1002) }
            return
        default: return
        }
        if !self.cutText.accepts(frame, header, on: self.loop) { self.violate(1007) }
    }

    @inline(__always)
    private func receiveFrame(_ firstByte: UInt8, _ payload: UnsafeRawBufferPointer, isASCII: Bool) {
        if firstByte == WebSocketCodec.text, self.message == nil {
            guard isASCII || isValidUTF8(payload) else { return self.violate(1007) }
            return self.receiveText(payload)
        }
        self.receiveOther(firstByte, payload)
    }

    @inline(never)
    private func receiveOther(_ firstByte: UInt8, _ payload: UnsafeRawBufferPointer) {
        switch firstByte {
        case WebSocketCodec.ping: self.sendControl(WebSocketCodec.pong, payload)
        case WebSocketCodec.pong: self.session?.receivedPong(frame: payload)
        case WebSocketCodec.close: self.receiveClose(payload)
        case WebSocketCodec.binary where self.message == nil: self.receiveBinary(payload)
        case 0x00, WebSocketCodec.final:
            guard let message = self.message else { return self.violate(1002) }
            self.append(payload, to: message, isLast: firstByte != 0)
        default:
            let opcode = firstByte & 0x0F
            let isCompressed = firstByte & WebSocketCodec.compressed != 0
            guard self.message == nil, opcode != 0 else { return self.violate(1002) }
            let message = IncomingMessage(isText: opcode == 0x01, isCompressed: isCompressed)
            self.message = message
            self.append(payload, to: message, isLast: firstByte & WebSocketCodec.final != 0)
        }
    }

    private func append(_ payload: UnsafeRawBufferPointer, to message: IncomingMessage, isLast: Bool) {
        let start = message.bytes.readableBytes
        if message.isCompressed {
            guard self.inflate(payload, into: message, isLast: isLast) else { return }
        } else {
            guard start + payload.count <= self.maxPayload else { return self.violate(1009) }
            message.bytes.writeBytes(payload)
        }
        guard !message.isText || message.isTextValid(from: start, isLast: isLast) else { return self.violate(1007) }
        guard isLast else { return }
        self.message = nil
        message.bytes.withUnsafeReadableBytes { message.isText ? self.receiveText($0) : self.receiveBinary($0) }
    }

    /// False where the connection was closed for it.
    private func inflate(_ payload: UnsafeRawBufferPointer, into message: IncomingMessage, isLast: Bool) -> Bool {
        guard let deflate = self.deflate else { return false }
        switch deflate.inflate(payload, into: &message.bytes, limit: self.maxPayload, isLast: isLast) {
        case .done: return true
        case .invalid: self.violate(1007, reason: "websocket_invalid_deflate")
        case .tooLarge: self.violate(1009, reason: "websocket_inflated_too_large")
        }
        return false
    }

    @inline(__always)
    private func receiveText(_ text: UnsafeRawBufferPointer) {
        self.countMessage()
        if let session = self.session {
            session.receive(text: text)
        } else {
            self.receiver?.webSocket(self, receivedText: text)
        }
    }

    private func receiveBinary(_ bytes: UnsafeRawBufferPointer) {
        self.countMessage()
        if let session = self.session {
            session.receive(binary: bytes)
        } else {
            self.receiver?.webSocket(self, receivedBinary: bytes)
        }
    }

    // MARK: rate

    /// Counts down; the clock is read only when a connection has used up its messages.
    @inline(__always)
    private func countMessage() {
        self.messagesLeft &-= 1
        if self.messagesLeft == 0, self.session != nil { self.messagesUsedUp() }
    }

    private func messagesUsedUp() {
        let now = NIODeadline.now()
        let window = TimeAmount.seconds(1)
        self.messagesLeft = self.loop.configuration.eventRate
        guard now - self.windowStart < window else {
            self.windowStart = now
            return
        }
        let end = self.windowStart + window
        self.windowStart = end
        self.loop.counters.readingPauses += 1
        self.setReading(false, .rate)
        let bound = LoopBound(self, on: self.loop.eventLoop)
        self.loop.eventLoop.scheduleTask(deadline: end) { bound.onLoop.setReading(true, .rate) }
    }

    /// Back-pressure: nothing is lost, the client's socket fills up.
    func setReading(_ isOn: Bool, _ reason: Pauses) {
        guard self.phase == .open else { return }
        let wasReading = self.pauses.isEmpty
        if isOn { self.pauses.remove(reason) } else { self.pauses.insert(reason) }
        guard wasReading != self.pauses.isEmpty else { return }
        self.setAutoRead(isOn)
        guard isOn, let whole = self.leftover.take() else { return }
        self.beginTurn()
        self.consumeLeftover(whole)
        self.receivedAll()
    }

    func setAutoRead(_ isOn: Bool) {
        if self.channel.eventLoop === self.loop.eventLoop {
            try? self.channel.syncOptions?.setOption(.autoRead, value: isOn)
        } else {
            _ = self.channel.setOption(.autoRead, value: isOn)
        }
    }

    // MARK: writing

    /// One write of everything in `bytes`: by `send(2)` itself where that is allowed, else through the channel.
    @inline(__always)
    private func write(_ frames: ByteBuffer) {
        if self.deflate != nil { return self.writeCompressed(frames) }
        self.put(frames)
    }

    @inline(__always)
    private func put(_ bytes: ByteBuffer) {
        self.loop.counters.bytesSent &+= bytes.readableBytes
        if self.directDescriptor >= 0 {
            let sent = bytes.withUnsafeReadableBytes { room in
                room.baseAddress.map { DirectSend.send(self.directDescriptor, $0, room.count) } ?? 0
            }
            if sent == bytes.readableBytes { return }
            var rest = bytes
            rest.moveReaderIndex(forwardBy: max(0, sent))
            self.sendThroughChannel(rest)
        } else {
            self.sendThroughChannel(bytes)
        }
    }

    /// The answer to the opening handshake, and frames behind it that are not to be compressed.
    func sendHandshake(_ bytes: ByteBuffer) { self.put(bytes) }

    /// Frames that must go out in order but outside a turn: what an upgrade hands over.
    func sendNow(_ bytes: ByteBuffer) {
        if self.loop.current === self {
            self.loop.output.writeImmutableBuffer(bytes)
        } else {
            if self.slot >= 0 { self.loop.flushShare(of: self.slot) }
            self.write(bytes)
        }
    }

    @inline(never)
    private func writeCompressed(_ frames: ByteBuffer) {
        self.put(self.deflate?.compress(self.binaryForm.convert(frames)) ?? frames)
    }

    /// A share of the log that the loop did not send itself, or not as a whole. The loop has counted its bytes.
    @inline(never)
    func sendFromLog(_ frames: ByteBuffer) {
        guard self.deflate != nil else { return self.sendThroughChannel(frames) }
        self.loop.counters.bytesSent &-= frames.readableBytes
        self.write(frames)
    }

    private func sendThroughChannel(_ frames: ByteBuffer) {
        guard self.phase != .closed else { return }
        let bytes = self.isRewriting ? self.binaryForm.convert(frames) : Self.compact(frames)
        if self.descriptor >= 0 {
            self.directDescriptor = -1
            self.writesInChannel += 1
            let done = self.channel.eventLoop.makePromise(of: Void.self)
            done.futureResult.assumeIsolated().whenComplete { result in
                self.writesInChannel -= 1
                switch result {
                case .success:
                    if self.writesInChannel == 0, self.phase == .open { self.directDescriptor = self.descriptor }
                case .failure: self.forgetDescriptor()  // closed: the descriptor may be another connection's by now
                }
            }
            self.channel.writeAndFlush(bytes, promise: done)
        } else {
            self.channel.writeAndFlush(bytes, promise: nil)
        }
        if self.phase == .open, !self.channel.isWritable || self.writesInChannel > self.loop.maximumWaitingWrites {
            self.isSlow()
        }
    }

    /// What waits must not keep the loop's whole buffer alive: a client that reads nothing could hold one for each pong.
    static func compact(_ bytes: ByteBuffer) -> ByteBuffer {
        guard bytes.storageCapacity > 2 * bytes.readableBytes + 1024 else { return bytes }
        return ByteBuffer(bytes: bytes.readableBytesView)
    }

    /// More waits than may. A session ends; a connection that is none is not read until the client has caught up.
    private func isSlow() {
        if let session = self.session { return session.closeSoon(.slowConsumer) }
        if self.channel.eventLoop === self.loop.eventLoop { self.setReading(false, .receiver) }
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        if context.channel.isWritable { self.setReading(true, .receiver) }
    }

    func forgetDescriptor() {
        self.descriptor = -1
        self.directDescriptor = -1
    }

    /// Frames of a connection that is no session.
    func sendFrame(_ firstByte: UInt8, _ payload: UnsafeRawBufferPointer) {
        self.sendControl(firstByte, payload)
    }

    func sendControl(_ firstByte: UInt8, _ payload: UnsafeRawBufferPointer) {
        guard self.phase == .open else { return }
        if self.loop.current === self {
            self.loop.output.writeFrame(firstByte, payload)
        } else {
            var frame = ByteBuffer()
            frame.writeFrame(firstByte, payload)
            self.sendNow(frame)
        }
    }
}
