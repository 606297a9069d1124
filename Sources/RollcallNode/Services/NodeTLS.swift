// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

import HiredisClient
import NIOCore
import NIOSSL

/// TLS for the listener and for Redis, from PEM files.
enum NodeTLS {
    /// Makes the handler of each accepted connection.
    static func listener(_ files: NodeConfiguration.CertificateFiles) throws
        -> @Sendable () throws -> any ChannelHandler
    {
        let chain = try NIOSSLCertificate.fromPEMFile(files.certificate).map { NIOSSLCertificateSource.certificate($0) }
        var configuration = TLSConfiguration.makeServerConfiguration(
            certificateChain: chain, privateKey: .privateKey(try NIOSSLPrivateKey(file: files.key, format: .pem)))
        configuration.minimumTLSVersion = .tlsv12
        let context = try NIOSSLContext(configuration: configuration)
        return { NIOSSLServerHandler(context: context) }
    }

    /// Makes the handler of each connection to a `rediss://` server.
    static func redis(_ redis: NodeConfiguration.Redis, host: String) throws
        -> @Sendable (any Channel) throws -> any ChannelHandler
    {
        var configuration = TLSConfiguration.makeClientConfiguration()
        if let authorities = redis.certificateAuthorities { configuration.trustRoots = .file(authorities) }
        if let files = redis.tls {
            configuration.certificateChain = try NIOSSLCertificate.fromPEMFile(files.certificate).map {
                .certificate($0)
            }
            configuration.privateKey = .privateKey(try NIOSSLPrivateKey(file: files.key, format: .pem))
        }
        let context = try NIOSSLContext(configuration: configuration)
        let isAddress = (try? SocketAddress(ipAddress: host, port: 0)) != nil
        return { _ in try NIOSSLClientHandler(context: context, serverHostname: isAddress ? nil : host) }
    }
}
