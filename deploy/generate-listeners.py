#!/usr/bin/env python3
"""Writes Sources/Rollcall/Event/{Socket,Namespace}+On.generated.swift: `on` for handlers of up to six arguments, with and without `await`,
with and without a result. Parameter packs would do the same in a few lines, but closures over them that inherit the
caller's isolation crash the compiler (swiftlang/swift#91831)."""
import pathlib

HEADER = """// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

// Written by deploy/generate-listeners.py: change that, not this.
"""


def overload(target, count, is_async, has_result):
    names = [f"A{i}" for i in range(count)]
    generics = [f"{n}: Decodable & Sendable" for n in names] + (["R: Encodable & Sendable"] if has_result else [])
    parameters = (["Socket"] if target == "Namespace" else []) + names
    effects = "async throws" if is_async else "throws"
    result = "R" if has_result else "Void"
    attribute = "" if has_result else "    @_disfavoredOverload\n"
    clause = f"<{', '.join(generics)}>" if generics else ""
    isolation = "nonisolated(nonsending) " if is_async else ""
    what = "the result is the acknowledgement" if has_result else "no acknowledgement is sent"
    how = "starts on the event loop, in order, and may wait" if is_async else "runs on the event loop, in order"
    first = "socket, " if target == "Namespace" else ""
    call = "(" + (first + ", ".join(f"a{i}" for i in range(count))).rstrip(", ") + ")"
    lines = [f"    /// Handles an event with {count} argument{'s' if count != 1 else ''}: {how}; {what}."]
    lines.append(f"{attribute}    public func on{clause}(")
    lines.append(f"        _ event: String, _ handler: {isolation}@escaping @Sendable ({', '.join(parameters)}) {effects} -> {result}")
    lines.append("    ) {")
    binder = "arguments" if count else "_"
    if is_async:
        lines.append(f"        self.addListener(event) {{ socket, event in")
        lines.append(f"            Invocation.start(socket, event) {{ {binder} -> @Sendable () async throws -> {result} in")
        for i in range(count):
            lines.append(f"                let a{i}: A{i} = try arguments.next()")
        lines.append(f"                return {{ try await handler{call} }}")
        lines.append("            }")
        lines.append("        }")
    else:
        lines.append(f"        self.addListener(event) {{ socket, event in")
        lines.append(f"            Invocation.call(socket, event) {{ {binder} in")
        for i in range(count):
            lines.append(f"                let a{i}: A{i} = try arguments.next()")
        lines.append(f"                return try handler{call}")
        lines.append("            }")
        lines.append("        }")
    lines.append("    }")
    return "\n".join(lines)


def main():
    root = pathlib.Path(__file__).resolve().parent.parent
    for target in ("Socket", "Namespace"):
        parts = [
            overload(target, count, is_async, has_result)
            for count in range(7) for is_async in (False, True) for has_result in (True, False)
        ]
        extended = "NamespaceProtocol" if target == "Namespace" else target
        text = HEADER + f"\nextension {extended} {{\n" + "\n\n".join(parts) + "\n}\n"
        (root / f"Sources/Rollcall/Event/{target}+On.generated.swift").write_text(text)


main()
