import CeleriacWire
import CeleryWire

/// A message of a capture, sorted by its kind.
struct CapturedMessage {
    enum Kind: Equatable {
        case task(CeleryTaskMessage)
        case result
        case refused(CeleryWireError.Code)
        case other
        /// The message could not be read, and the error code is not one that the captures account for.
        case failed(CeleryWireError)
    }

    let file: String
    let message: WireMessage
    let kind: Kind

    /// Every serializer that Celeriac can read.
    static let accept: Set<CelerySerializer> = [.json, .msgpack, .yaml]

    init(file: String, message: WireMessage) {
        self.file = file
        self.message = message
        do throws(CeleryWireError) {
            kind = .task(try CeleryTaskMessage.decode(message, accept: Self.accept))
        } catch {
            switch error.code {
            case .notATask:
                kind = (try? CeleryResultMeta.decode(message)) == nil ? .other : .result
            case .pickleRefused, .disallowedContentType, .unknownCompression: kind = .refused(error.code)
            default: kind = .failed(error)
            }
        }
    }

    var task: CeleryTaskMessage? {
        if case .task(let task) = kind { task } else { nil }
    }

    /// Whether a codec that needs the trait `Compression` compressed the body.
    var needsCompressionTrait: Bool {
        guard let name = message.headers["compression"]?.stringValue else { return false }
        return CompressionMethod(celeryName: name) != .zlib && !CompressionMethod.bzip2.isAvailable
    }

    /// Whether the publisher was Celery 4.4.7, judging by the capture's name.
    var isCelery4: Bool { file.hasPrefix("c447") }

    /// All messages of all captures.
    static let all: [CapturedMessage] = CaptureFile.all.flatMap { file in
        let inEnvelopes = file.envelopes.compactMap { try? KombuEnvelope.decode($0).message }
        return (inEnvelopes + file.amqpMessages).map { CapturedMessage(file: file.name, message: $0) }
    }
}
