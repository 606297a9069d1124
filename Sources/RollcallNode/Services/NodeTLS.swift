// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

import HiredisClient
import NIOCore
import NIOSSL
import Rollcall

/// TLS for the listener and for Redis, from PEM files.
enum NodeTLS {
    /// Makes the handler of each accepted connection.
    static func listener(_ files: NodeConfiguration.CertificateFiles) throws
        -> @Sendable () throws -> any ChannelHandler
    {
        let context = try NIOSSLContext(configuration: Self.serverConfiguration(files))
        return { NIOSSLServerHandler(context: context) }
    }

    /// Makes the handler of each connection to a `rediss://` server.
    static func redis(_ redis: NodeConfiguration.Redis, host: String) throws
        -> @Sendable (any Channel) throws -> any ChannelHandler
    {
        var configuration = TLSConfiguration.makeClientConfiguration()
        if let authorities = redis.certificateAuthorities { configuration.trustRoots = .file(authorities) }
        if let files = redis.tls {
            configuration.certificateChain = try Self.chain(files.certificate).map { .certificate($0) }
            configuration.privateKey = .privateKey(try NIOSSLPrivateKey(file: files.key, format: .pem))
        }
        let context = try NIOSSLContext(configuration: configuration)
        let isAddress = (try? SocketAddress(ipAddress: host, port: 0)) != nil
        return { _ in try NIOSSLClientHandler(context: context, serverHostname: isAddress ? nil : host) }
    }

    private static func serverConfiguration(_ files: NodeConfiguration.CertificateFiles) throws -> TLSConfiguration {
        var configuration = TLSConfiguration.makeServerConfiguration(
            certificateChain: try Self.chain(files.certificate).map { .certificate($0) },
            privateKey: .privateKey(try NIOSSLPrivateKey(file: files.key, format: .pem)))
        configuration.minimumTLSVersion = .tlsv12
        return configuration
    }

    private static func chain(_ path: String) throws -> [NIOSSLCertificate] { try NIOSSLCertificate.fromPEMFile(path) }
}

// MARK: - What is wrong

extension NodeTLS {
    /// What is wrong with a file of certificates, in one clause; nil if nothing is.
    ///
    /// - Parameter isOwn: the first certificate is shown to others, so it must not have expired.
    static func problem(withCertificates path: String, isOwn: Bool) -> String? {
        guard let chain = try? Self.chain(path), let first = chain.first else {
            return "\(path) holds no certificate that can be read"
        }
        let expiry = Int64(first.notValidAfter) * 1000
        guard isOwn, expiry < Clock.milliseconds() else { return nil }
        return "the certificate in \(path) has expired: it was valid until \(Clock.rfc3339(milliseconds: expiry))"
    }

    /// What is wrong with the key of a good certificate.
    static func problem(withKeyOf files: NodeConfiguration.CertificateFiles) -> String? {
        guard (try? NIOSSLPrivateKey(file: files.key, format: .pem)) != nil else {
            return "\(files.key) holds no private key that can be read (one with a passphrase cannot)"
        }
        let context = try? NIOSSLContext(configuration: Self.serverConfiguration(files))
        return context == nil ? "the key in \(files.key) is not that of the certificate in \(files.certificate)" : nil
    }

    /// Words the failure of a connection to Redis; nil for an error that is not one of TLS.
    static func describe(_ error: any Error) -> String? {
        if let error = error as? NIOSSLExtraError, error == .failedToValidateHostname {
            return "TLS: the server's certificate is not for this host name"
        }
        guard error is NIOSSLError || error is BoringSSLError else { return nil }
        let word = Self.word(in: "\(error)")
        switch word {
        case "CERTIFICATE_VERIFY_FAILED":
            return "TLS: the server's certificate is not signed by a trusted authority (--redis-ca) or has expired"
        case "TLSV1_ALERT_CERTIFICATE_REQUIRED":
            return "TLS: the server asks for a certificate (--redis-certificate, --redis-key)"
        case "WRONG_VERSION_NUMBER": return "TLS: the server does not speak TLS on this port"
        case nil where (error as? NIOSSLError) == .unableToValidateCertificate:
            return "TLS: the server's certificate cannot be checked"
        case nil: return "TLS: \(error)"
        case .some(let word):
            return word.contains("ALERT") ? "TLS: the server refuses the connection: \(word)" : "TLS: \(word)"
        }
    }

    /// The reason as OpenSSL and its descendants name it, without the place in their source.
    private static func word(in description: String) -> String? {
        guard let start = description.firstRange(of: "OPENSSL_internal:")?.upperBound else { return nil }
        return String(description[start...].prefix { $0.isLetter || $0.isNumber || $0 == "_" })
    }
}
