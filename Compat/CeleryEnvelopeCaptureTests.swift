import CeleriacWire
import CeleryWire
import Testing

/// Envelopes as Redis, files and SQL rows held them.
@Suite struct CeleryEnvelopeCaptureTests {
    @Test func everyEnvelopeIsWrittenBackByteForByte() throws {
        var others: [String] = []
        for file in CaptureFile.all {
            for bytes in file.envelopes {
                let envelope = try KombuEnvelope.decode(bytes)
                let written = try envelope.encode()
                if written != bytes { others.append(file.name) }
                #expect(try KombuEnvelope.decode(written).withoutRedeliveryMark == envelope.withoutRedeliveryMark)
            }
        }
        // A worker on files gives messages back with another order of keys, and with its mark at the top level, where
        // no reader looks.
        #expect(others == ["fs.shutdown_requeue.json"])
    }

    @Test func redeliveryIsSeenWhereverItIsMarked() throws {
        func redelivered(_ name: String) throws -> Int {
            let file = try #require(CaptureFile.all.first { $0.name == name })
            return try file.envelopes.count { try KombuEnvelope.decode($0).redelivered }
        }
        #expect(try redelivered("fs.shutdown_requeue.json") == 1)
        #expect(try redelivered("x.redis.restore_visibility.json") > 0)
        #expect(try redelivered("x.redis.restore_on_shutdown.json") > 0)
        #expect(try redelivered("p2.redis.add.json") == 0)
    }
}

extension KombuEnvelope {
    /// The envelope without the header that `encode` adds if the message is given back.
    fileprivate var withoutRedeliveryMark: KombuEnvelope {
        var envelope = self
        envelope.message.headers["redelivered"] = nil
        return envelope
    }
}
