// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

import Rollcall

/// What the load generator asks for.
enum BenchProfile {
    static func setUp(_ server: SocketIOServer) {
        server.main.on("echo", passing: { _, arguments in arguments })
        server.main.on(
            "broadcast",
            passing: { socket, arguments in
                socket.namespace.everyone.emit("broadcast", passing: arguments)
                return nil
            })
    }
}
