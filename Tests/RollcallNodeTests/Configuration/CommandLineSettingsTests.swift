// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

import Testing

@testable import RollcallNode

@Suite struct CommandLineSettingsTests {
    @Test func bothWaysOfWritingAValue() throws {
        let settings = try CommandLineSettings(["--port", "1", "--host=h", "--jwt-secret=--a=b,c"])
        #expect(settings.values == [.port: ["1"], .host: ["h"], .jwtSecret: ["--a=b,c"]])
    }

    @Test func commasAndSpacesStayInAMessage() throws {
        let settings = try CommandLineSettings(["--duplicate-message", "No, thanks -- really"])
        #expect(settings.values == [.duplicateMessage: ["No, thanks -- really"]])
    }

    @Test func theLastOneCountsUnlessRepeatable() throws {
        let settings = try CommandLineSettings(["--port", "1", "--grant", "all", "--port=2", "--grant", "broadcast"])
        #expect(settings.values == [.port: ["2"], .grant: ["all", "broadcast"]])
    }

    @Test func flagsTakeNoValueUnlessWrittenWithEquals() throws {
        #expect(try CommandLineSettings(["--metrics-public", "--port", "1"]).values[.metricsPublic] == ["true"])
        #expect(try CommandLineSettings(["--metrics-public=false"]).values[.metricsPublic] == ["false"])
        #expect(throws: UsageError.self) { try CommandLineSettings(["--metrics-public", "false"]) }
    }

    @Test(arguments: [
        (["--prot", "1"], "unknown flag --prot; the nearest known one is --port"),
        (["--prot=1"], "unknown flag --prot; the nearest known one is --port"),
        (["-port", "1"], "unknown flag -port; the nearest known one is --port"),
        (["--port"], "--port needs a value, as in --port=N"),
        (["--port", "--host", "h"], "--port needs a value, as in --port=N"),
        (["3000"], "unexpected argument '3000': settings are flags, as in --port 3000"),
        (["--port", "1", "2"], "unexpected argument '2': settings are flags, as in --port 3000"),
        (["--"], "unexpected argument '--': settings are flags, as in --port 3000"),
        ([""], "unexpected argument '': settings are flags, as in --port 3000"),
    ])
    func mistakes(arguments: [String], message: String) {
        #expect(throws: UsageError.message(message)) { try CommandLineSettings(arguments) }
    }

    @Test(arguments: ["--help", "-h"]) func help(argument: String) {
        #expect(throws: UsageError.helpRequested) { try CommandLineSettings(["--port", "1", argument]) }
    }
}
