import CeleriacTestKit
import CeleriacWire
import Foundation
import Testing

@Suite(.timeLimit(.minutes(5))) struct PythonPeerTests {
    private static func redisPeer() async throws -> PythonPeer {
        let url = try await SharedServers.shared.redisDatabaseURL()
        return PythonPeer(broker: url, results: url)
    }

    @Test(arguments: PythonPeer.Pool.allCases)
    func workerAnswersDriver(_ pool: PythonPeer.Pool) async throws {
        let peer = try await Self.redisPeer()
        async let starting = peer.startDriver()
        let worker = try await peer.startWorker(pool: pool, concurrency: 2)
        let driver = try await starting
        #expect(try await driver.ping() == [[worker.name: ["ok": "pong"]]])

        let id = try await driver.send("tasks.add", [2, 3])
        #expect(try await driver.get(id) == .success(5))
        #expect(try await driver.state(id) == "SUCCESS")
        try await driver.forget(id)
        #expect(try await driver.state(id) == "PENDING")
        #expect(worker.log.contains("tasks.add[\(id)]"))

        let failed = try await driver.send("tasks.fail", ["CustomError", "boom", 42])
        let expected = PythonOutcome.failure(
            state: "FAILURE", type: "CustomError", module: "celeriac_peer.tasks", arguments: ["boom", 42])
        #expect(try await driver.get(failed) == expected)

        let registered = try await driver.inspect("registered")
        #expect(registered[worker.name]?.arrayValue?.contains("tasks.echo") == true)
        await worker.stop()
        #expect(!worker.isRunning)
        #expect(worker.log.contains("Warm shutdown"))
        await driver.stop()
    }

    @Test func richValuesPass() async throws {
        let peer = try await Self.redisPeer()
        let worker = try await peer.startWorker()
        let driver = try await peer.startDriver()
        let values: [WireValue] = [
            .number("1180591620717411303424"), .double(2), "h\u{e9} \u{1f966}", .null, [1, ["a": true]],
            ["__type__": "datetime", "__value__": "2026-11-23T12:30:15.250000+00:00"],
            ["__type__": "decimal", "__value__": "1.10"],
            ["__type__": "uuid", "__value__": ["hex": "12345678123456781234567812345678"]],
            ["__type__": "base64", "__value__": "AP/+"],
        ]
        let described = try await driver.get(driver.send("tasks.describe", values))
        let types = described.value?.arrayValue?.map { $0[0] }
        #expect(
            types == ["int", "float", "str", "NoneType", "list", "datetime", "Decimal", "UUID", "bytes"])
        let echoed = try await driver.get(driver.send("tasks.echo", values, keywords: ["key": 1]))
        #expect(echoed == .success(["args": .array(values), "kwargs": ["key": 1]]))
        await worker.kill()
        await driver.stop()
    }

    @Test func optionsReachTheMessage() async throws {
        let peer = try await Self.redisPeer()
        let worker = try await peer.startWorker(queues: ["celery", "other"])
        let driver = try await peer.startDriver()
        let options: [String: WireValue] = [
            "queue": "other", "priority": 3, "headers": ["a": [1]], "compression": "zlib",
        ]
        let seen = try await driver.get(driver.send("tasks.request", options: options)).value
        #expect(seen?["routing_key"] == "other")
        #expect(seen?["priority"] == 3)
        #expect(seen?["headers"] == ["a": [1]])

        let ids = try await driver.send([
            .init("tasks.retry_until", [1]), .init("tasks.greet", ["you"], keywords: ["mark": "?"]),
            .init("tasks.retry_exhaust", [1, 0.05]), .init("tasks.ignored"),
        ])
        let outcomes = try await driver.get(Array(ids.dropLast()))
        #expect(outcomes.first == .success(1))
        #expect(outcomes.dropFirst().first == .success("Hello, you?"))
        let exhausted = PythonOutcome.failure(
            state: "FAILURE", type: "ValueError", module: "builtins", arguments: ["never good", 1])
        #expect(outcomes.last == exhausted)
        #expect(try await driver.get(ids[3], timeout: .milliseconds(300)) == .timeout(state: "PENDING"))
        await worker.stop()
        await driver.stop()
    }

    @Test func filesCarryTasksWithoutAServer() async throws {
        let folder = try TemporaryFolder("test")
        defer { folder.remove() }
        let peer = try PythonPeer(
            messages: folder.path + "/messages", control: folder.path + "/control", results: folder.path + "/results",
            processed: folder.path + "/processed")
        let worker = try await peer.startWorker()
        let driver = try await peer.startDriver()
        #expect(try await driver.get(driver.send("tasks.split", ["abc"])) == .success(["a", "b", "c"]))
        await worker.stop()
        await driver.stop()
    }

    @Test func rabbitMQCarriesTasksAndRepliesOverTLS() async throws {
        let certificates = try await TestCertificates.shared()
        let server = try await RabbitMQServer.start(
            .init(tls: certificates.server, requireClientCertificate: true))
        let url = try #require(server.tlsURL)
        var peer = PythonPeer(broker: url, results: "rpc://")
        peer.settings["broker_use_ssl"] = [
            "ca_certs": .string(certificates.authorityPath), "cert_reqs": "CERT_REQUIRED",
            "certfile": .string(certificates.client.certificatePath),
            "keyfile": .string(certificates.client.privateKeyPath),
        ]
        let worker = try await peer.startWorker()
        let driver = try await peer.startDriver()
        #expect(try await driver.get(driver.send("tasks.multiply", [6, 7])) == .success(42))
        await worker.stop()
        await driver.stop()
        await server.stop()
    }

    @Test func failuresSayWhatPythonSaid() async throws {
        let url = try await SharedServers.shared.redisDatabaseURL()
        await #expect {
            try await PythonPeer(broker: "nonsense://", results: url).startWorker()
        } throws: {
            let error = $0 as? TestKitError
            return error?.code == .startFailed && error?.message.contains("nonsense") == true
        }
        let driver = try await PythonPeer(broker: url, results: url).startDriver()
        await #expect {
            try await driver.send("tasks.add", [1, 2], options: ["serializer": "nonsense"])
        } throws: {
            let error = $0 as? TestKitError
            return error?.code == .peerFailed && error?.message.contains("nonsense") == true
        }
        kill(driver.pid, SIGKILL)
        await #expect { try await driver.state("x") } throws: { ($0 as? TestKitError)?.code == .peerFailed }
        await driver.stop()
    }

    @Test func releasedWorkerEnds() async throws {
        let peer = try await Self.redisPeer()
        var worker: PythonWorker? = try await peer.startWorker(pool: .prefork, concurrency: 1)
        let pid = try #require(worker?.pid)
        worker = nil
        await until { !Support.isRunning(pid) }
    }
}
