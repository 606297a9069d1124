// swift-tools-version: 6.2
import PackageDescription

let settings: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .treatAllWarnings(as: .error),
]

func nio(_ products: String...) -> [Target.Dependency] {
    products.map { .product(name: $0, package: "swift-nio") }
}

let log = Target.Dependency.product(name: "Logging", package: "swift-log")
// swift-crypto's HMAC beside jwt-kit: HS256 is checked for every connection, and jwt-kit's own path costs several
// times more.
let jwt: [Target.Dependency] = [
    .product(name: "JWTKit", package: "jwt-kit"), .product(name: "Crypto", package: "swift-crypto"),
]
let lifecycle = Target.Dependency.product(name: "ServiceLifecycle", package: "swift-service-lifecycle")

func library(_ name: String, _ dependencies: [Target.Dependency] = []) -> Target {
    .target(name: name, dependencies: dependencies, swiftSettings: settings)
}

func executable(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
    .executableTarget(name: name, dependencies: dependencies, swiftSettings: settings)
}

func tests(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
    .testTarget(name: name, dependencies: dependencies, swiftSettings: settings)
}

// ROLLCALL_FUZZ=1 (deploy/fuzz.sh) builds the fuzzer, and only that. What it calls is at other times part of the tests
// that replay its corpora.
let isFuzzing = Context.environment["ROLLCALL_FUZZ"] == "1"
let fuzzed: [Target.Dependency] =
    [
        "EngineIOServer", "SocketIOCodec", "HiredisClient", "RollcallRedis", "Rollcall", "UserRegistryCore",
        "UserRegistryRedis", log,
    ] + nio("NIOCore", "NIOEmbedded", "NIOHTTP1")

// docs/architecture.md says what each target is for and what it may import.
let allTargets: [Target] = [
    .systemLibrary(name: "CHiredis", pkgConfig: "hiredis", providers: [.apt(["libhiredis-dev"])]),
    .systemLibrary(name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),

    library("SocketIOCodec", nio("NIOCore")),
    library("UserRegistryCore"),
    library("EngineIOServer", ["CZlib", log] + nio("NIOCore", "NIOPosix", "NIOHTTP1")),
    library(
        "Rollcall",
        ["EngineIOServer", "SocketIOCodec", "UserRegistryCore", log, lifecycle] + nio("NIOCore", "NIOPosix")),
    library("HiredisClient", ["CHiredis", log] + nio("NIOCore", "NIOPosix")),
    library("UserRegistryRedis", ["UserRegistryCore", "HiredisClient", log] + nio("NIOCore")),
    library(
        "RollcallRedis",
        ["Rollcall", "SocketIOCodec", "HiredisClient", log, lifecycle] + nio("NIOCore", "NIOPosix")),
    library("RollcallAuth", ["Rollcall", "SocketIOCodec"] + jwt + nio("NIOCore")),
    library("PrometheusMetrics", [.product(name: "CoreMetrics", package: "swift-metrics")]),
    library(
        "RollcallAdmin",
        ["PrometheusMetrics", "SocketIOCodec", .product(name: "Hummingbird", package: "hummingbird"), log]
            + nio("NIOCore")),
    library(
        "RollcallNode",
        [
            "Rollcall", "RollcallRedis", "UserRegistryCore", "UserRegistryRedis", "RollcallAuth", "RollcallAdmin",
            "PrometheusMetrics", "HiredisClient", "SocketIOCodec", log, lifecycle,
            .product(name: "UnixSignals", package: "swift-service-lifecycle"),
            .product(name: "Configuration", package: "swift-configuration"),
            .product(name: "NIOSSL", package: "swift-nio-ssl"),
        ] + nio("NIOCore", "NIOPosix")),
    executable(
        "RollcallCLI",
        [
            "RollcallNode", "RollcallAuth", log, .product(name: "ArgumentParser", package: "swift-argument-parser"),
            .product(name: "AsyncHTTPClient", package: "async-http-client"),
        ] + nio("NIOCore", "NIOPosix", "NIOHTTP1")),
    executable(
        "ConformanceServer",
        [
            "Rollcall", "RollcallRedis", "SocketIOCodec",
            .product(name: "ArgumentParser", package: "swift-argument-parser"), log, lifecycle,
            .product(name: "UnixSignals", package: "swift-service-lifecycle"),
        ] + nio("NIOCore")),

    // Clients, servers and waiting that several of the tests share.
    .target(
        name: "TestSupport", dependencies: [log] + nio("NIOCore", "NIOPosix"), path: "Tests/TestSupport",
        swiftSettings: settings),

    tests("SocketIOCodecTests", ["SocketIOCodec"] + nio("NIOCore")),
    tests("UserRegistryCoreTests", ["UserRegistryCore"]),
    tests(
        "EngineIOServerTests",
        ["EngineIOServer", "CZlib", "TestSupport", log] + nio("NIOCore", "NIOEmbedded", "NIOPosix", "NIOHTTP1")),
    tests("RollcallTests", ["Rollcall", "SocketIOCodec", "TestSupport", log] + nio("NIOCore", "NIOPosix")),
    tests(
        "HiredisClientTests",
        ["HiredisClient", "TestSupport", log] + nio("NIOCore", "NIOEmbedded", "NIOPosix")),
    tests(
        "UserRegistryRedisTests",
        ["UserRegistryRedis", "UserRegistryCore", "HiredisClient", "TestSupport", log] + nio("NIOCore", "NIOPosix")),
    tests(
        "RollcallRedisTests",
        ["RollcallRedis", "Rollcall", "SocketIOCodec", "HiredisClient", "TestSupport", log]
            + nio("NIOCore", "NIOPosix")),
    tests(
        "RollcallAuthTests",
        ["RollcallAuth", "Rollcall", "SocketIOCodec", "TestSupport", log] + jwt + nio("NIOCore", "NIOPosix")),
    tests("PrometheusMetricsTests", ["PrometheusMetrics", .product(name: "CoreMetrics", package: "swift-metrics")]),
    tests(
        "RollcallAdminTests",
        ["RollcallAdmin", "TestSupport", .product(name: "HummingbirdTesting", package: "hummingbird")]
            + nio("NIOCore")),
    tests("RollcallNodeTests", ["RollcallNode", "RollcallAuth", "HiredisClient", "UserRegistryCore", log]),
    tests("RollcallCLITests", ["RollcallCLI", "TestSupport"] + nio("NIOCore", "NIOPosix", "NIOHTTP1")),
    isFuzzing
        ? .executableTarget(
            name: "Fuzz", dependencies: fuzzed, path: "Tests/Fuzz", exclude: ["Corpus", "Replay"],
            swiftSettings: settings)
        : .testTarget(
            name: "FuzzTests", dependencies: fuzzed, path: "Tests/Fuzz", exclude: ["Corpus", "Fuzzer"],
            swiftSettings: settings),
]

let allPackages: [Package.Dependency] = [
    .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
    .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
    .package(url: "https://github.com/apple/swift-metrics", from: "2.13.0"),
    .package(url: "https://github.com/apple/swift-nio-ssl", from: "2.37.6"),
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
    .package(
        url: "https://github.com/apple/swift-configuration", from: "1.4.0",
        traits: [.defaults, "YAML", "CommandLineArguments"]),
    .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
    .package(url: "https://github.com/swift-server/async-http-client", from: "1.37.0"),
    .package(
        url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.1", traits: ["ConfigurationSupport"]),
    .package(url: "https://github.com/vapor/jwt-kit", from: "5.7.1"),
    .package(url: "https://github.com/apple/swift-crypto", from: "4.5.2"),
]

// ROLLCALL_TARGETS=HiredisClientTests,… builds these targets and what they need, nothing else: the unit tests of the
// core then fetch and compile neither TLS nor JWT nor the admin's HTTP server.
func closure(of wanted: [String], in allTargets: [Target]) -> (targets: [Target], packages: Set<String>) {
    var names = Set(wanted)
    var packages = Set<String>()
    var queue = wanted
    while let name = queue.popLast() {
        for dependency in allTargets.first(where: { $0.name == name })?.dependencies ?? [] {
            switch dependency {
            case .byNameItem(let name, _) where names.insert(name).inserted: queue.append(name)
            case .productItem(_, let package?, _, _): packages.insert(package)
            default: break
            }
        }
    }
    return (allTargets.filter { names.contains($0.name) }, packages)
}

let products: [Product] = [
    .library(name: "Rollcall", targets: ["Rollcall", "RollcallRedis", "RollcallAuth"]),
    .executable(name: "rollcall", targets: ["RollcallCLI"]),
    .executable(name: "conformance-server", targets: ["ConformanceServer"]),
]

let package: Package
if let wanted = isFuzzing ? "Fuzz" : Context.environment["ROLLCALL_TARGETS"], !wanted.isEmpty {
    let part = closure(of: wanted.split(separator: ",").map(String.init), in: allTargets)
    package = Package(
        name: "rollcall",
        products: products.filter { product in
            guard let executable = product as? Product.Executable else { return false }
            return executable.targets.allSatisfy { name in part.targets.contains { $0.name == name } }
        },
        dependencies: allPackages.filter { dependency in
            if case .sourceControl(_, let location, _) = dependency.kind {
                return part.packages.contains { location.hasSuffix("/" + $0) }
            }
            return false
        },
        targets: part.targets)
} else {
    package = Package(name: "rollcall", products: products, dependencies: allPackages, targets: allTargets)
}
