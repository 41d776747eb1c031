#if Signing
import CeleriacCore
import CeleriacWire
import CeleryWire
import Foundation
import Synchronization
import Testing

@testable import CeleryDialect

/// Keys, certificates and signatures, with messages that the real Celery has signed (`Fixtures/signing/make.py`).
@Suite("Signing") struct SigningTests {
    /// A body that Celery has signed.
    private struct Vector: Decodable {
        let member: String
        let signer: String
        let digest: String
        let contentType: String
        let contentEncoding: String
        let body: Data
        let signed: String

        private enum CodingKeys: String, CodingKey {
            case member = "by"
            case signer, digest
            case contentType = "content_type"
            case contentEncoding = "content_encoding"
            case body, signed
        }

        var message: WireMessage {
            WireMessage(
                headers: ["task": "tasks.add", "id": "1"],
                properties: MessageProperties(contentType: "application/data", contentEncoding: "utf-8"),
                body: Array(signed.utf8))
        }
    }

    /// A clock that a test sets.
    private final class Clock: Sendable {
        private let seconds: Atomic<Int>

        init(_ seconds: Int) { self.seconds = Atomic(seconds) }

        var now: Date { Date(timeIntervalSince1970: Double(seconds.load(ordering: .relaxed))) }

        func set(_ seconds: Int) { self.seconds.store(seconds, ordering: .relaxed) }
    }

    private static let folder = URL(filePath: #filePath).deletingLastPathComponent()
        .appending(path: "Fixtures/signing").path

    private static func recorded() throws -> [Vector] {
        try JSONDecoder().decode([Vector].self, from: Data(contentsOf: URL(filePath: folder + "/vectors.json")))
    }

    /// The keys of one member.
    private static func keys(
        of member: String, digest: String = "sha256", password: String? = nil, certificate: String? = nil,
        store: String? = nil, now: @escaping @Sendable () -> Date = { Date() }
    ) throws -> CelerySecurity {
        let isTrusted = member == "alice" || member == "bob"
        return try CelerySecurity(
            key: "\(folder)/FOR-TESTS-ONLY-\(member).key", keyPassword: password ?? (member == "bob" ? "test" : nil),
            certificate: certificate ?? (isTrusted ? "\(folder)/store/\(member).pem" : "\(folder)/\(member).pem"),
            certificateStore: store ?? folder + "/store", digest: digest, now: now)
    }

    private func code(_ body: SignedBody, _ keys: CelerySecurity) -> CeleryWireError.Code? {
        do throws(CeleryWireError) {
            try keys.verify(body)
            return nil
        } catch {
            return error.code
        }
    }

    @Test("what Celery has signed is verified, with each digest and form")
    func vectors() throws {
        for vector in try Self.recorded() {
            let body = try SignedBody.decode(Array(vector.signed.utf8))
            #expect(body.signer == vector.signer && body.body == Array(vector.body))
            #expect(body.contentType == vector.contentType && body.contentEncoding == vector.contentEncoding)
            #expect(body.encode() == Array(vector.signed.utf8))
            let keys = try Self.keys(of: "alice", digest: vector.digest)
            let isTrusted = vector.member == "alice" || vector.member == "bob"
            #expect(code(body, keys) == (isTrusted ? nil : .unknownSigner), "\(vector.member)")
        }
    }

    @Test("a worker reads tasks that Celery has signed, and makes signed messages of them")
    func tasks() throws {
        let formats = CeleryFormats(accept: [.auth], security: try Self.keys(of: "bob"), signsTasks: true)
        let bench = EffectBench(formats: formats)
        for vector in try Self.recorded() where vector.digest == "sha256" {
            switch (vector.member, vector.contentType) {
            case ("mallory", _), ("past", _):
                let fault = #expect(throws: MessageFault.self) { try bench.request(of: vector.message) }
                #expect(fault?.reason == CeleryWireError.Code.unknownSigner.rawValue)
            case (_, "application/x-python-serialize"):
                let fault = #expect(throws: MessageFault.self) { try bench.request(of: vector.message) }
                #expect(fault?.reason == CeleryWireError.Code.pickleRefused.rawValue)
            default:
                let request = try bench.request(of: vector.message)
                if vector.body.count < 10 {
                    #expect(request.arguments == [.bytes([0, 1])])
                } else {
                    #expect(request.arguments == [2, 3])
                    let task = try #require(request.celeryMessage)
                    #expect(try bench.request(of: formats.encode(task)).arguments == [2, 3])
                }
            }
        }
        let sent = try formats.publication(
            of: .task(TaskSubmission(id: "i", name: "t", arguments: [1])), in: EffectBench.context().publication)
        guard case .publish(let messages)? = sent.steps.first else {
            Issue.record("nothing is published")
            return
        }
        #expect(messages.map(\.message.properties.contentType) == ["application/data"])
    }

    @Test("one member signs, another verifies, whatever the digest", arguments: SigningDigest.allCases.map(\.rawValue))
    func members(_ digest: String) throws {
        let (alice, bob) = (try Self.keys(of: "alice", digest: digest), try Self.keys(of: "bob", digest: digest))
        let body = try bob.sign(Array("[]".utf8), contentType: "application/json", contentEncoding: "utf-8")
        #expect(body.signer == "DE Sellerie für Tests 2" && body.signature.count == 256)
        #expect(code(body, alice) == nil)
        let empty = try alice.sign([], contentType: "application/json", contentEncoding: "utf-8")
        #expect(empty.signer == "alice 12345678901234567890")
        #expect(code(empty, bob) == nil)
    }

    @Test("whatever was changed, the true reason is told")
    func changed() throws {
        let alice = try Self.keys(of: "alice")
        let good = try alice.sign(
            Array("[[1], {}, {}]".utf8), contentType: "application/json", contentEncoding: "utf-8")
        var bodies = Array(repeating: good, count: 6)
        bodies[0].body[2] ^= 1
        bodies[1].body = []
        bodies[2].signature[100] ^= 1
        bodies[3].signature = []
        bodies[4].signature.append(0)
        bodies[5].signer = "DE Sellerie für Tests 2"
        for body in bodies { #expect(code(body, alice) == .invalidSignature) }
        #expect(code(good, try Self.keys(of: "bob", digest: "sha512")) == .invalidSignature)
        var stranger = good
        stranger.signer = "alice 1"
        #expect(code(stranger, alice) == .unknownSigner)
        let mallory = try Self.keys(of: "mallory")
        let foreign = try mallory.sign([1], contentType: "application/json", contentEncoding: "utf-8")
        #expect(code(foreign, alice) == .unknownSigner)
        #expect(code(good, alice) == nil && code(good, mallory) == nil)
    }

    @Test("a certificate that expires while the worker runs verifies nothing any more")
    func expiry() throws {
        // 2115-01-01T00:00:00Z, the end of all certificates of the store.
        let end = 4_575_744_000
        let clock = Clock(end - 1)
        let keys = try Self.keys(of: "alice", now: { clock.now })
        let body = try keys.sign([1], contentType: "application/json", contentEncoding: "utf-8")
        #expect(code(body, keys) == nil)
        clock.set(end)
        #expect(code(body, keys) == .expiredCertificate)
        let error = #expect(throws: CeleriacError.self) { try Self.keys(of: "alice", now: { clock.now }) }
        #expect(error?.code == .configuration && error?.message.contains("expired") == true)
    }

    @Test("what cannot be used is refused when it is read, and nothing secret is told")
    func configuration() throws {
        let folder = Self.folder
        let wrong: [(String, () throws -> CelerySecurity)] = [
            ("password", { try Self.keys(of: "bob", password: "wrong-secret") }),
            ("cannot be read", { try Self.keys(of: "nobody") }),
            ("is not that of", { try Self.keys(of: "alice", certificate: folder + "/mallory.pem") }),
            ("not a certificate", { try Self.keys(of: "alice", certificate: folder + "/FOR-TESTS-ONLY-alice.key") }),
            ("has expired", { try Self.keys(of: "alice", store: folder + "/p*.pem") }),
            ("no certificate at", { try Self.keys(of: "alice", store: folder + "/*.none") }),
            ("security_digest", { try Self.keys(of: "alice", digest: "md5") }),
        ]
        for (text, read) in wrong {
            let error = #expect(throws: CeleriacError.self) { try read() }
            let message = error?.description ?? ""
            #expect(error?.code == .configuration && message.contains(text), "\(message)")
            #expect(!message.contains("wrong-secret") && !message.contains("PRIVATE KEY"))
        }
        // A pattern and a folder name the same store.
        let body = try Self.keys(of: "bob").sign([1], contentType: "a/b", contentEncoding: "binary")
        #expect(code(body, try Self.keys(of: "alice", store: folder + "/store/*.pem")) == nil)
        #expect(code(body, try Self.keys(of: "alice", store: folder + "/store/a*")) == .unknownSigner)
    }

    @Test("requests of remote control and events are sealed and opened by the same keys")
    func control() throws {
        let content = ControlContent(accept: [.auth], serializer: .auth, security: try Self.keys(of: "alice"))
        let form = content.serializer
        let request = CeleryControlRequest("ping")
        let message = try content.sealed(request.encode(as: form.contentForm), as: form)
        #expect(message.isSigned)
        let opened = try content.opened(message)
        #expect(try CeleryControlRequest.decode(opened.message, accept: opened.accept).method == "ping")
        let plain = try content.opened(request.encode())
        #expect(throws: CeleryWireError.self) { try CeleryControlRequest.decode(plain.message, accept: plain.accept) }
    }
}
#endif
