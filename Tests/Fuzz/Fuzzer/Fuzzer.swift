// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// The arguments of a program in C.
public typealias FuzzerArguments = UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>
private typealias FuzzerCallback = @convention(c) (UnsafePointer<UInt8>?, Int) -> CInt

/// libFuzzer's entry for programs that have a `main` of their own.
@_silgen_name("LLVMFuzzerRunDriver")
private func runDriver(
    _ count: UnsafeMutablePointer<CInt>, _ arguments: UnsafeMutablePointer<FuzzerArguments>,
    _ callback: FuzzerCallback
) -> CInt

/// Set once, before libFuzzer starts, and only read on its one thread.
nonisolated(unsafe) private var chosen = FuzzTarget.json

/// `Fuzz TARGET [argument of libFuzzer…]`, or `Fuzz --list`.
///
/// The package manager makes this name the program's entry. An attribute `@main` would do so as well, but the compiler does
/// not take it with `-sanitize=fuzzer`.
@_cdecl("Fuzz_main")
public func fuzzMain(_ count: CInt, _ arguments: FuzzerArguments) -> CInt {
    let name = count > 1 ? arguments[1].map { String(cString: $0) } ?? "" : ""
    guard let target = FuzzTarget(rawValue: name) else {
        for target in FuzzTarget.allCases { print(target.rawValue) }
        return name == "--list" ? 0 : 64
    }
    chosen = target
    // libFuzzer gets the program's name and what follows the target's.
    var rest = arguments + 1
    rest[0] = arguments[0]
    var restCount = count - 1
    return runDriver(&restCount, &rest) { bytes, count in
        do {
            try chosen.check(UnsafeRawBufferPointer(start: bytes, count: count))
        } catch {
            print("finding in \(chosen.rawValue): \(error)")
            fflush(nil)
            abort()
        }
        return 0
    }
}
