// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

/// What `/openapi.yaml` serves: docs/openapi.yaml, letter by letter. A test compares the two.
enum OpenAPIDocument {
    static let yaml = #"""
        openapi: 3.1.0
        info:
          title: Rollcall admin API
          version: "1"
          summary: Health, metrics, presence and control of a Rollcall node.
          description: |
            Served by every node on its admin address (`--admin-host`, `--admin-port`). Presence, disconnecting a user and sending
            an event concern the whole cluster, whichever node is asked; namespaces, rooms and the drain concern the node itself.

            With `--admin-token` every call needs `Authorization: Bearer <token>`, except `/healthz`, `/readyz`, the admin page and,
            with `--metrics-public`, `/metrics`. Without a token the node listens on loopback only, and refuses calls from web
            pages of another origin with 403 `ORIGIN_FORBIDDEN`.

            Errors are RFC 9457 problem documents with a `code`. Times are RFC 3339 in UTC with milliseconds. Every path that
            takes GET takes HEAD, except the event stream. There is no CORS.
          license:
            name: MIT
            identifier: MIT
        servers:
          - url: http://127.0.0.1:3100
            description: The default admin address.
        security:
          - token: []
          - {}
        tags:
          - name: health
            description: For load balancers, supervisors and Prometheus.
          - name: presence
            description: Who is online in the cluster.
          - name: cluster
            description: Nodes, namespaces and rooms.
          - name: control
            description: Sending events and draining.
        paths:
          /healthz:
            get:
              tags: [health]
              operationId: health
              summary: Whether the process is alive.
              security: [{}]
              responses:
                "200":
                  description: It is; says nothing about Redis or draining.
                  content:
                    application/json:
                      schema:
                        type: object
                        required: [status]
                        properties:
                          status: {const: ok}
          /readyz:
            get:
              tags: [health]
              operationId: readiness
              summary: Whether new connections should be sent to this node.
              description: |
                503 while draining, while Redis was never reached, and when the last good renewal of the lease is older than 5/12
                of it. In a recovery window the node is ready with `"recovering":true`: newcomers are held, not refused.
              security: [{}]
              responses:
                "200":
                  description: Ready.
                  content:
                    application/json:
                      schema: {$ref: "#/components/schemas/Readiness"}
                      example:
                        ready: true
                        recovering: false
                        checks:
                          - {name: redis, ok: true, detail: connected, ageMs: 412}
                "503":
                  description: Not ready; the checks say why.
                  content:
                    application/json:
                      schema: {$ref: "#/components/schemas/Readiness"}
          /metrics:
            get:
              tags: [health]
              operationId: metrics
              summary: Metrics in the Prometheus text format 0.0.4.
              description: Needs no token with `--metrics-public`.
              responses:
                "200":
                  description: The metrics of this node.
                  content:
                    text/plain:
                      schema: {type: string}
                "401": {$ref: "#/components/responses/Unauthorized"}
                "403": {$ref: "#/components/responses/Forbidden"}
          /v1/presence:
            get:
              tags: [presence]
              operationId: listPresence
              summary: A page of the users who are online in the cluster.
              description: |
                A walk over all pages contains every user who is online during the whole walk; a user who moved may be in it twice,
                so deduplicate by user. It is not a snapshot: each page is true at its own instant.
              parameters:
                - {$ref: "#/components/parameters/Limit"}
                - {$ref: "#/components/parameters/Cursor"}
                - name: node
                  in: query
                  description: Only the users of this node.
                  schema: {type: string}
              responses:
                "200":
                  description: A page.
                  content:
                    application/json:
                      schema: {$ref: "#/components/schemas/PresencePage"}
                "400": {$ref: "#/components/responses/BadRequest"}
                "401": {$ref: "#/components/responses/Unauthorized"}
                "403": {$ref: "#/components/responses/Forbidden"}
                "404": {$ref: "#/components/responses/NotFound"}
                "500": {$ref: "#/components/responses/InternalError"}
                "503": {$ref: "#/components/responses/Unavailable"}
          /v1/presence/{user}:
            parameters:
              - name: user
                in: path
                required: true
                description: |
                  The user id, percent-encoded UTF-8; compared byte by byte. The user `events` is asked for as `%65vents`, since
                  `/v1/presence/events` is the event stream.
                schema: {type: string, minLength: 1}
            get:
              tags: [presence]
              operationId: getPresence
              summary: One user with all connections.
              responses:
                "200":
                  description: The user is online.
                  content:
                    application/json:
                      schema: {$ref: "#/components/schemas/PresenceItem"}
                "400": {$ref: "#/components/responses/BadRequest"}
                "401": {$ref: "#/components/responses/Unauthorized"}
                "403": {$ref: "#/components/responses/Forbidden"}
                "404": {$ref: "#/components/responses/NotFound"}
                "500": {$ref: "#/components/responses/InternalError"}
                "503": {$ref: "#/components/responses/Unavailable"}
            delete:
              tags: [presence]
              operationId: disconnectUser
              summary: Disconnect a user everywhere.
              description: |
                Marks all connections of the user; they are closed within a heartbeat, by a DISCONNECT packet, so that clients do not
                come back by themselves.
              responses:
                "200":
                  description: How many connections were marked; 0 when the user is offline.
                  content:
                    application/json:
                      schema:
                        type: object
                        required: [disconnected]
                        properties:
                          disconnected: {type: integer, minimum: 0}
                "400": {$ref: "#/components/responses/BadRequest"}
                "401": {$ref: "#/components/responses/Unauthorized"}
                "403": {$ref: "#/components/responses/Forbidden"}
                "500": {$ref: "#/components/responses/InternalError"}
                "503": {$ref: "#/components/responses/Unavailable"}
          /v1/presence/events:
            get:
              tags: [presence]
              operationId: followPresence
              summary: Joins and leaves as they happen, as server-sent events.
              description: |
                Events `join` and `leave` carry `{"user":…,"node":…,"time":…}` and an id. `Last-Event-ID` resumes on the same node
                within its last 10,000 events, as long as no more than five minutes pass without a reader there. Otherwise the stream
                starts with the event `reset`, `{"time":…}`: list again. A `reset` may also come later: when the node itself
                missed events, and when it has begun to collect them for the first reader. An idle stream carries a comment every 15 s. A
                reader that falls too far behind is cut off. At most 100 streams are open per node.
              parameters:
                - name: Last-Event-ID
                  in: header
                  description: The id of the last event that was received.
                  schema: {type: string}
              responses:
                "200":
                  description: The stream.
                  content:
                    text/event-stream:
                      schema: {type: string}
                      example: |
                        event: reset
                        id: 3w5e11264sgsf-41
                        retry: 2000
                        data: {"time":"2026-11-22T13:44:22.123Z"}

                        event: join
                        id: 3w5e11264sgsf-42
                        data: {"node":"n1","time":"2026-11-22T13:44:23.001Z","user":"u1"}
                "401": {$ref: "#/components/responses/Unauthorized"}
                "403": {$ref: "#/components/responses/Forbidden"}
                "503": {$ref: "#/components/responses/Unavailable"}
          /v1/nodes:
            get:
              tags: [cluster]
              operationId: listNodes
              summary: The nodes of the cluster.
              responses:
                "200":
                  description: All of them.
                  content:
                    application/json:
                      schema: {$ref: "#/components/schemas/NodeList"}
                "401": {$ref: "#/components/responses/Unauthorized"}
                "403": {$ref: "#/components/responses/Forbidden"}
                "500": {$ref: "#/components/responses/InternalError"}
                "503": {$ref: "#/components/responses/Unavailable"}
          /v1/namespaces:
            get:
              tags: [cluster]
              operationId: listNamespaces
              summary: The namespaces of this node with their counts.
              responses:
                "200":
                  description: All of them.
                  content:
                    application/json:
                      schema: {$ref: "#/components/schemas/NamespaceList"}
                "401": {$ref: "#/components/responses/Unauthorized"}
                "403": {$ref: "#/components/responses/Forbidden"}
                "500": {$ref: "#/components/responses/InternalError"}
          /v1/rooms:
            get:
              tags: [cluster]
              operationId: listRooms
              summary: A page of the rooms of a namespace on this node with their counts.
              parameters:
                - name: namespace
                  in: query
                  description: The namespace.
                  schema: {type: string, default: /}
                - {$ref: "#/components/parameters/Limit"}
                - {$ref: "#/components/parameters/Cursor"}
              responses:
                "200":
                  description: A page.
                  content:
                    application/json:
                      schema: {$ref: "#/components/schemas/RoomPage"}
                "400": {$ref: "#/components/responses/BadRequest"}
                "401": {$ref: "#/components/responses/Unauthorized"}
                "403": {$ref: "#/components/responses/Forbidden"}
                "404": {$ref: "#/components/responses/NotFound"}
                "500": {$ref: "#/components/responses/InternalError"}
          /v1/emit:
            post:
              tags: [control]
              operationId: emit
              summary: Send an event to rooms of the whole cluster, or to everyone.
              description: To one user, send to the room `user:<id>`. The body may have 1,000,000 bytes.
              requestBody:
                required: true
                content:
                  application/json:
                    schema: {$ref: "#/components/schemas/Emit"}
                    example: {rooms: ["chat.lobby"], event: news, args: ["hello", {"n": 1}]}
              responses:
                "202":
                  description: The event is on its way; nobody waits for its delivery.
                  content:
                    application/json:
                      schema:
                        type: object
                        required: [status]
                        properties:
                          status: {const: accepted}
                "400": {$ref: "#/components/responses/BadRequest"}
                "401": {$ref: "#/components/responses/Unauthorized"}
                "403": {$ref: "#/components/responses/Forbidden"}
                "404": {$ref: "#/components/responses/NotFound"}
                "413": {$ref: "#/components/responses/PayloadTooLarge"}
                "500": {$ref: "#/components/responses/InternalError"}
                "503": {$ref: "#/components/responses/Unavailable"}
          /v1/drain:
            post:
              tags: [control]
              operationId: drain
              summary: Start the drain of this node, as SIGTERM does.
              responses:
                "202":
                  description: The node drains and then exits. A second call changes nothing.
                  content:
                    application/json:
                      schema:
                        type: object
                        required: [status]
                        properties:
                          status: {const: draining}
                "401": {$ref: "#/components/responses/Unauthorized"}
                "403": {$ref: "#/components/responses/Forbidden"}
                "500": {$ref: "#/components/responses/InternalError"}
          /openapi.yaml:
            get:
              tags: [health]
              operationId: openAPI
              summary: This document.
              responses:
                "200":
                  description: OpenAPI 3.1.
                  content:
                    application/yaml:
                      schema: {type: string}
                "401": {$ref: "#/components/responses/Unauthorized"}
                "403": {$ref: "#/components/responses/Forbidden"}
          /:
            get:
              tags: [health]
              operationId: page
              summary: The admin page; it asks for the token itself and loads `/admin.js` and `/admin.css`.
              security: [{}]
              responses:
                "200":
                  description: The page.
                  content:
                    text/html:
                      schema: {type: string}
        components:
          securitySchemes:
            token:
              type: http
              scheme: bearer
              description: "`--admin-token` or `--admin-token-file`."
          parameters:
            Limit:
              name: limit
              in: query
              description: A target for the size of the page; it may be larger, or empty with a cursor.
              schema: {type: integer, minimum: 1, maximum: 1000, default: 100}
            Cursor:
              name: cursor
              in: query
              description: The `cursor` of the page before. Opaque.
              schema: {type: string, maxLength: 512}
          schemas:
            Time:
              type: string
              format: date-time
              examples: ["2026-11-22T13:44:22.123Z"]
            NullableCursor:
              type: [string, "null"]
              description: What to ask for next; null on the last page.
            Readiness:
              type: object
              required: [ready, recovering, checks]
              properties:
                ready: {type: boolean}
                recovering:
                  type: boolean
                  description: The registry is being rebuilt after a loss.
                checks:
                  type: array
                  items:
                    type: object
                    required: [name, ok, detail, ageMs]
                    properties:
                      name: {type: string}
                      ok: {type: boolean}
                      detail: {type: string}
                      ageMs:
                        type: integer
                        description: Milliseconds since the state was last seen to be so.
            PresencePage:
              type: object
              required: [total, items, cursor, recovering]
              properties:
                total:
                  type: integer
                  description: Users online in all, not only on this page.
                items:
                  type: array
                  items: {$ref: "#/components/schemas/PresenceItem"}
                cursor: {$ref: "#/components/schemas/NullableCursor"}
                recovering:
                  type: boolean
                  description: The registry is being rebuilt after a loss; users may be missing.
            PresenceItem:
              type: object
              required: [user, connections]
              properties:
                user: {type: string}
                connections:
                  type: array
                  items: {$ref: "#/components/schemas/Connection"}
            Connection:
              type: object
              required: [sid, node, namespace, connectedAt, transport, address]
              properties:
                sid:
                  type: string
                  description: The session id.
                node: {type: string}
                namespace: {type: string}
                connectedAt: {$ref: "#/components/schemas/Time"}
                transport:
                  type: string
                  description: "`websocket` or `polling`, as last known to the registry."
                address:
                  type: string
                  description: The client's address.
            NodeList:
              type: object
              required: [total, items, cursor]
              properties:
                total: {type: integer}
                items:
                  type: array
                  items: {$ref: "#/components/schemas/Node"}
                cursor: {type: "null"}
            Node:
              type: object
              required: [id, address, started, version, connections, users, leaseLeftMs, draining, sidPrefix, local]
              properties:
                id: {type: string}
                address:
                  type: string
                  description: Its Socket.IO listener.
                started: {$ref: "#/components/schemas/Time"}
                version: {type: string}
                connections: {type: integer}
                users: {type: integer}
                leaseLeftMs:
                  type: [integer, "null"]
                  description: Milliseconds until the lease ends unless renewed; null without Redis.
                draining: {type: boolean}
                sidPrefix:
                  type: string
                  description: What its session ids begin with.
                local:
                  type: boolean
                  description: Whether this node answered.
            NamespaceList:
              type: object
              required: [total, items, cursor]
              properties:
                total: {type: integer}
                items:
                  type: array
                  items:
                    type: object
                    required: [name, connections, rooms]
                    properties:
                      name: {type: string}
                      connections: {type: integer}
                      rooms: {type: integer}
                cursor: {type: "null"}
            RoomPage:
              type: object
              required: [total, items, cursor]
              properties:
                total: {type: integer}
                items:
                  type: array
                  items:
                    type: object
                    required: [name, connections]
                    properties:
                      name: {type: string}
                      connections: {type: integer}
                cursor: {$ref: "#/components/schemas/NullableCursor"}
            Emit:
              type: object
              required: [event]
              additionalProperties: false
              properties:
                namespace:
                  type: string
                  default: /
                  pattern: "^/[^,]*$"
                rooms:
                  type: array
                  items: {type: string}
                  default: []
                  description: Empty means everyone in the namespace.
                except:
                  type: array
                  items: {type: string}
                  default: []
                event:
                  type: string
                  minLength: 1
                  not:
                    enum: [connect, connect_error, disconnect, disconnecting, newListener, removeListener]
                args:
                  type: array
                  items: true
                  default: []
                  description: Passed on as written; nested at most 128 deep.
            Problem:
              type: object
              required: [type, title, status, detail, code]
              properties:
                type: {type: string, format: uri-reference}
                title: {type: string}
                status: {type: integer}
                detail: {type: string}
                code:
                  type: string
                  description: What programs compare.
          responses:
            BadRequest:
              description: "`INVALID_LIMIT`, `INVALID_CURSOR`, `INVALID_QUERY`, `INVALID_USER`, `INVALID_JSON`, `INVALID_REQUEST`."
              content:
                application/problem+json:
                  schema: {$ref: "#/components/schemas/Problem"}
            Unauthorized:
              description: "`TOKEN_MISSING` or `TOKEN_INVALID`."
              headers:
                WWW-Authenticate:
                  schema: {type: string}
              content:
                application/problem+json:
                  schema: {$ref: "#/components/schemas/Problem"}
            Forbidden:
              description: "`ORIGIN_FORBIDDEN`: no token is configured and a foreign web page asks."
              content:
                application/problem+json:
                  schema: {$ref: "#/components/schemas/Problem"}
            NotFound:
              description: "`NOT_FOUND`."
              content:
                application/problem+json:
                  schema: {$ref: "#/components/schemas/Problem"}
            PayloadTooLarge:
              description: "`PAYLOAD_TOO_LARGE`."
              content:
                application/problem+json:
                  schema: {$ref: "#/components/schemas/Problem"}
            InternalError:
              description: "`INTERNAL`; the node's log says what happened."
              content:
                application/problem+json:
                  schema: {$ref: "#/components/schemas/Problem"}
            Unavailable:
              description: "`REGISTRY_UNAVAILABLE`, `TOO_MANY_STREAMS`, `SHUTTING_DOWN`; try again later."
              headers:
                Retry-After:
                  schema: {type: integer}
              content:
                application/problem+json:
                  schema: {$ref: "#/components/schemas/Problem"}

        """#
}
