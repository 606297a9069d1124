// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

public import Rollcall

extension ClusterAdapter {
    /// The nodes share broadcasts through Redis, with Node.js servers and emitters of `@socket.io/redis-adapter`, too.
    ///
    /// ```swift
    /// let cluster = try RedisCluster(url: "redis://127.0.0.1:6379")
    /// let io = SocketIOServer(configuration, adapter: .redis(cluster))
    /// try await ServiceGroup(services: [cluster, io], logger: logger).run()
    /// ```
    ///
    /// - Parameter cluster: runs beside the server; each server has its own.
    public static func redis(_ cluster: RedisCluster) -> ClusterAdapter {
        ClusterAdapter { RedisAdapter($0, cluster: cluster) }
    }
}
