// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

import EngineIOServer
import HiredisClient
import PrometheusMetrics
import Rollcall
import RollcallRedis
import UserRegistryCore

/// What `/metrics` shows of the server and the registry: asked at the scrape, since the event loops count plain integers.
enum NodeMetrics {
    static func register(
        in metrics: PrometheusRegistry, server: SocketIOServer, registry: any UserRegistry, cluster: RedisCluster?,
        state: NodeState
    ) throws {
        try self.registerEngine(in: metrics, server)
        if let cluster { try self.registerCluster(in: metrics, cluster) }
        try self.registerNamespaces(in: metrics, server)
        try self.registerRegistry(in: metrics, registry)
        try metrics.addCollector("rollcall_node_draining", help: "Whether the node lets its clients go.", type: .gauge)
        {
            state.isDraining ? 1 : 0
        }
        try metrics.addCollector([.init("rollcall_build_info", help: "The version.", type: .gauge)]) {
            [MetricSample("rollcall_build_info", labels: ["version": RollcallVersion.current], 1)]
        }
    }

    private static func registerEngine(in metrics: PrometheusRegistry, _ server: SocketIOServer) throws {
        let families: [MetricDescription] = [
            .init("socketio_tcp_connections_accepted", help: "TCP connections accepted.", type: .counter),
            .init("socketio_connections_accepted", help: "Engine.IO sessions opened.", type: .counter),
            .init("socketio_connections", help: "Engine.IO sessions open now, by transport.", type: .gauge),
            .init("socketio_upgrades", help: "Sessions that changed to WebSocket.", type: .counter),
            .init("socketio_messages_received", help: "Engine.IO messages received.", type: .counter),
            .init("socketio_bytes_received", help: "Bytes of WebSocket frames received.", type: .counter),
            .init("socketio_bytes_sent", help: "Bytes sent.", type: .counter),
            .init("socketio_pings_sent", help: "Pings sent.", type: .counter),
            .init(
                "socketio_reading_pauses", help: "Times a connection above its event rate was not read.", type: .counter
            ),
            .init("socketio_connections_closed", help: "Sessions closed, by reason.", type: .counter),
            .init("socketio_refusals", help: "Handshakes, requests and packets refused, by reason.", type: .counter),
        ]
        try metrics.addCollector(families) {
            let counters = await server.engine.counters()
            var samples = [
                MetricSample("socketio_tcp_connections_accepted", Double(counters.accepted)),
                MetricSample("socketio_connections_accepted", Double(counters.opened)),
                MetricSample(
                    "socketio_connections", labels: ["transport": "polling"], Double(counters.pollingSessions)),
                MetricSample(
                    "socketio_connections", labels: ["transport": "websocket"], Double(counters.webSocketSessions)),
                MetricSample("socketio_upgrades", Double(counters.upgrades)),
                MetricSample("socketio_messages_received", Double(counters.messagesReceived)),
                MetricSample("socketio_bytes_received", Double(counters.bytesReceived)),
                MetricSample("socketio_bytes_sent", Double(counters.bytesSent)),
                MetricSample("socketio_pings_sent", Double(counters.pingsSent)),
                MetricSample("socketio_reading_pauses", Double(counters.readingPauses)),
            ]
            samples += counters.closed.map {
                MetricSample("socketio_connections_closed", labels: ["reason": $0.key], Double($0.value))
            }
            samples += counters.refused.map {
                MetricSample("socketio_refusals", labels: ["reason": $0.key], Double($0.value))
            }
            return samples
        }
    }

    private static func registerNamespaces(in metrics: PrometheusRegistry, _ server: SocketIOServer) throws {
        let families: [MetricDescription] = [
            .init("socketio_sockets", help: "Sockets connected now, by namespace.", type: .gauge),
            .init("socketio_rooms", help: "Rooms with a member on this node, by namespace.", type: .gauge),
            .init("socketio_packets_received", help: "Packets received, by type.", type: .counter),
            .init("socketio_events_failed", help: "Events whose handler refused or failed.", type: .counter),
            .init("socketio_broadcasts", help: "Broadcasts delivered to this node's clients.", type: .counter),
            .init(
                "socketio_connect_errors", help: "Connections refused by middleware or registry, by code.",
                type: .counter),
        ]
        try metrics.addCollector(families) {
            var samples: [MetricSample] = []
            for namespace in server.allNamespaces {
                let counters = await namespace.counters()
                let labels: MetricLabels = ["namespace": namespace.name]
                samples += [
                    MetricSample("socketio_sockets", labels: labels, Double(counters.connected)),
                    MetricSample("socketio_rooms", labels: labels, Double(counters.rooms)),
                    MetricSample(
                        "socketio_packets_received", labels: ["type": "event"], Double(counters.eventsReceived)),
                    MetricSample("socketio_events_failed", labels: labels, Double(counters.eventsFailed)),
                    MetricSample("socketio_broadcasts", labels: labels, Double(counters.broadcasts)),
                ]
                samples += counters.connectErrors.map {
                    MetricSample("socketio_connect_errors", labels: ["code": $0.key], Double($0.value))
                }
            }
            return samples
        }
    }

    private static func registerCluster(in metrics: PrometheusRegistry, _ cluster: RedisCluster) throws {
        let families: [MetricDescription] = [
            .init("socketio_cluster_messages_published", help: "Messages sent to the other nodes.", type: .counter),
            .init("socketio_cluster_messages_received", help: "Messages of other nodes.", type: .counter),
            .init("socketio_cluster_messages_dropped", help: "Messages dropped, by reason.", type: .counter),
            .init("socketio_cluster_rooms", help: "Rooms that this node is subscribed to.", type: .gauge),
            .init(
                "socketio_cluster_gaps", help: "Times that messages of other nodes may have been missed.",
                type: .counter),
            .init("rollcall_redis_commands", help: "Commands sent to Redis for broadcasts.", type: .counter),
            .init("rollcall_redis_errors", help: "Errors that Redis answered with.", type: .counter),
            .init("rollcall_redis_reconnects", help: "Connections to Redis made again.", type: .counter),
        ]
        try metrics.addCollector(families) {
            let counters = await cluster.counters()
            let connections = await cluster.connectionCounters()
            let both = [connections.commands, connections.subscriptions]
            return [
                MetricSample("socketio_cluster_messages_published", Double(counters.published)),
                MetricSample("socketio_cluster_messages_received", Double(counters.received)),
                MetricSample("socketio_cluster_rooms", Double(counters.rooms)),
                MetricSample("socketio_cluster_gaps", Double(counters.gaps)),
                MetricSample("rollcall_redis_commands", Double(both.reduce(0) { $0 + $1.commands })),
                MetricSample("rollcall_redis_errors", Double(both.reduce(0) { $0 + $1.errors })),
                MetricSample("rollcall_redis_reconnects", Double(both.reduce(0) { $0 + $1.reconnects })),
            ]
                + counters.dropped.map {
                    MetricSample(
                        "socketio_cluster_messages_dropped", labels: ["reason": $0.key.rawValue], Double($0.value))
                }
        }
    }

    private static func registerRegistry(in metrics: PrometheusRegistry, _ registry: any UserRegistry) throws {
        let families: [MetricDescription] = [
            .init("rollcall_registry_events", help: "What the user registry counted, by kind.", type: .counter),
            .init(
                "rollcall_registry_renewal_age_seconds", help: "Age of the worst partition's last good renewal.",
                type: .gauge),
            .init(
                "rollcall_registry_recovering", help: "Whether some partition is in a recovery window.", type: .gauge),
        ]
        try metrics.addCollector(families) {
            let status = registry.status
            return status.counters.map {
                MetricSample("rollcall_registry_events", labels: ["kind": $0.key], Double($0.value))
            } + [
                MetricSample("rollcall_registry_renewal_age_seconds", status.renewalAge / .seconds(1)),
                MetricSample("rollcall_registry_recovering", status.isRecovering ? 1 : 0),
            ]
        }
    }
}
