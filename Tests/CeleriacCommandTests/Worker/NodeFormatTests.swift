import ArgumentParser
import Testing

@testable import CeleriacCommand

/// Expected values are those of `default_nodename`, `host_format` and `node_format` of Celery 5.7.
@Suite("Names of nodes and of their files") struct NodeFormatTests {
    @Test(
        "--hostname",
        arguments: [
            (nil, "celery@box.example.org"), ("w1@%h", "w1@box.example.org"), ("w1@", "w1@box.example.org"),
            ("@%h", "celery@box.example.org"), ("other", "celery@other"), ("%n-%d@x", "box-example.org@x"),
            ("w%i%I@%h", "w0@box.example.org"), ("50%%@%h", "50%@box.example.org"), ("a@b@c", "a@b@c"),
            ("w1@100%", "w1@100%"),
        ] as [(String?, String)])
    func names(_ option: String?, _ wanted: String) throws {
        #expect(try NodeFormat.nodeName(option, host: "box.example.org") == wanted)
    }

    @Test(
        "files of a node",
        arguments: [
            ("/var/run/%n.pid", "/var/run/w1.pid"), ("%h/%d", "box.example.org/example.org"),
            ("%p.log", "w1@box.example.org.log"),
            ("%n%I.log", "w1.log"), ("%%n", "%n"), ("plain", "plain"),
        ])
    func files(_ text: String, _ wanted: String) throws {
        #expect(try NodeFormat(node: "w1@box.example.org").expand(text, of: "--logfile") == wanted)
    }

    @Test("what means nothing is refused by name")
    func refusals() throws {
        #expect(throws: ValidationError.self) { try NodeFormat.nodeName("w1@%x", host: "box") }
        #expect(throws: ValidationError.self) { try NodeFormat.nodeName("%p@x", host: "box") }
        let error = #expect(throws: ValidationError.self) {
            try NodeFormat(node: "w1@box").expand("%z", of: "--logfile")
        }
        #expect(error?.message.contains("--logfile") == true && error?.message.contains("%z") == true)
        // A host without a domain, and a node without a name.
        #expect(try NodeFormat(node: "box").expand("%n@%h.%d", of: "--pidfile") == "celery@box.")
    }
}
