// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

import FoundationEssentials
import HTTPTypes
import HummingbirdTesting
import Testing

@testable import RollcallAdmin

@Suite struct AdminPageTests {
    @Test func theDocumentServedIsTheOneInDocs() async throws {
        let root = URL(filePath: #filePath).resolvingSymlinksInPath()
            .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        let file = root.appending(path: "docs/openapi.yaml")
        let written = String(decoding: try Data(contentsOf: file), as: UTF8.self)
        #expect(OpenAPIDocument.yaml == written)
        let response = try await AdminHarness().send("/openapi.yaml")
        #expect(response.headers[.contentType] == "application/yaml; charset=utf-8")
        #expect(response.text == written)
    }

    /// Every path and method of the router is in the document, and no other.
    @Test func theDocumentNamesEveryEndpoint() {
        var documented: Set<String> = []
        var path = ""
        for line in OpenAPIDocument.yaml.split(separator: "\n") {
            if line.hasPrefix("components:") {
                break
            }
            if line.hasPrefix("  /"), line.hasSuffix(":") {
                path = String(line.dropFirst(2).dropLast())
            } else if ["    get:", "    post:", "    delete:"].contains(String(line)) {
                documented.insert("\(line.dropFirst(4).dropLast().uppercased()) \(path)")
            }
        }
        var served: Set<String> = []
        for endpoint in AdminEndpoint.allCases where endpoint != .script && endpoint != .style {
            for method in endpoint.methods where method != .head {
                served.insert("\(method.rawValue) \(endpoint.rawValue)")
            }
        }
        #expect(documented == served)
    }

    @Test func thePageIsServedWithoutTokenAndLockedDown() async throws {
        let harness = AdminHarness(token: AdminHarness.token)
        let page = try await harness.send("/")
        #expect(page.status == .ok)
        #expect(page.headers[.contentType] == "text/html; charset=utf-8")
        let policy = try #require(page.headers[.contentSecurityPolicy])
        #expect(policy.contains("default-src 'none'"))
        #expect(policy.contains("frame-ancestors 'none'"))
        #expect(!policy.contains("unsafe"))
        #expect(page.headers[.xContentTypeOptions] == "nosniff")
        #expect(page.headers[.cacheControl] == "no-store")

        let script = try await harness.send("/admin.js")
        #expect(script.headers[.contentType] == "text/javascript; charset=utf-8")
        let style = try await harness.send("/admin.css")
        #expect(style.headers[.contentType] == "text/css; charset=utf-8")
        #expect(script.status == .ok && style.status == .ok)
    }

    @Test func thePageHasNothingInlineThatThePolicyForbids() {
        #expect(!AdminPage.html.contains("style="))
        #expect(!AdminPage.html.contains("<style"))
        #expect(AdminPage.html.firstMatch(of: /\son[a-z]+=/) == nil)
        #expect(AdminPage.html.split(separator: "<script").count == 2)
        #expect(AdminPage.html.contains(#"<script type="module" src="/admin.js"></script>"#))
        for sink in ["innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval("] {
            #expect(!AdminPage.script.contains(sink))
        }
    }

    @Test(arguments: ["/", "/nothing", "/v1/nodes", "/healthz"])
    func everyAnswerCarriesTheSecurityFields(path: String) async throws {
        let headers = try await AdminHarness().send(path).headers
        #expect(headers[.xContentTypeOptions] == "nosniff")
        #expect(headers[.cacheControl] == "no-store")
        #expect(headers[.crossOriginResourcePolicy] == "same-origin")
        #expect(headers[.contentSecurityPolicy] != nil)
        #expect(headers[.accessControlAllowOrigin] == nil)
    }
}
