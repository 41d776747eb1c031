public import CeleriacCore
public import CeleriacWire
import CeleryDialect
import CeleryWire
public import Logging
public import NIOCore
public import NIOPosix

/// A transport of your own, chosen like the built-in ones by the scheme of a URL, in code and in a settings file.
///
/// ```swift
/// extension CeleryTransport {
///     static let carrierPigeon = CeleryTransport(
///         brokers: ["pigeon": { try PigeonBroker(url: $0.url, logger: $0.logger) }],
///         results: ["pigeon": { try PigeonResults(url: $0.url) }])
/// }
///
/// let celery = try CeleryApp(broker: "pigeon://loft", results: "pigeon://loft", transports: [.carrierPigeon])
/// ```
///
/// `Examples/SQLTransport` is a complete one.
public struct CeleryTransport: Sendable {
    /// What a transport gets to make a broker or a result store from.
    public struct Context: Sendable {
        /// The URL whose scheme chose the transport, as the application gave it. It may hold a password.
        public let url: String
        /// The URL of the application's broker, for result stores that answer over it.
        public let brokerURL: String
        /// What the settings have under `broker_transport_options`, or for a result store under
        /// `result_backend_transport_options`. Nobody has checked it.
        public let options: WireObject
        /// The application's settings.
        public let configuration: CeleryConfiguration
        /// Where connections and timers run (see `EventLoopTimerSource`). Neither the application nor the transport
        /// shuts it down.
        public let eventLoopGroup: any EventLoopGroup
        /// The application's logger.
        public let logger: Logger

        /// Makes a context for the tests of a transport. An application makes its own.
        ///
        /// - Parameters:
        ///   - url: the URL of the broker or the result store.
        ///   - brokerURL: the URL of the application's broker.
        ///   - options: what the settings have for the transport.
        ///   - configuration: the application's settings.
        ///   - eventLoopGroup: where connections and timers run.
        ///   - logger: the application's logger.
        public init(
            url: String,
            brokerURL: String = "",
            options: WireObject = [:],
            configuration: CeleryConfiguration = CeleryConfiguration(),
            eventLoopGroup: any EventLoopGroup = .singletonMultiThreadedEventLoopGroup,
            logger: Logger = Logger(label: "celeriac")
        ) {
            self.url = url
            self.brokerURL = brokerURL
            self.options = options
            self.configuration = configuration
            self.eventLoopGroup = eventLoopGroup
            self.logger = logger
        }
    }

    /// Makes a broker. An application calls it once, before it sends anything; the broker should connect on first use.
    ///
    /// It throws an error if the URL cannot be used. The user gets a ``CeleriacError`` as it is, and any other error as
    /// the `cause` of one.
    public typealias MakeBroker = @Sendable (Context) throws -> any MessageBroker

    /// Makes a result store, under the same terms as ``MakeBroker``.
    public typealias MakeResults = @Sendable (Context) throws -> any ResultStore

    let brokers: [String: MakeBroker]
    let results: [String: MakeResults]

    /// Makes a transport.
    ///
    /// - Parameters:
    ///   - brokers: the functions that make a broker, by the scheme of its URL: the part before `://`, in lower case.
    ///   - results: the functions that make a result store, by the scheme of its URL.
    public init(brokers: [String: MakeBroker] = [:], results: [String: MakeResults] = [:]) {
        self.brokers = brokers
        self.results = results
    }
}

extension CeleryTransport {
    /// Writes a message as kombu's virtual transports put it into a queue: an envelope with a delivery tag of its own.
    ///
    /// - Parameter message: the message, which goes to the queue that its routing key names.
    /// - Returns: the envelope, as JSON.
    /// - Throws: ``CeleriacError`` with code `unsupported` for a message to an exchange, and for headers that JSON
    ///   cannot carry.
    public static func kombuEnvelope(of message: OutgoingMessage) throws(CeleriacError) -> [UInt8] {
        try KombuEnvelope.encode(toQueue: message)
    }

    /// Reads an envelope that kombu, or ``kombuEnvelope(of:)``, put into a queue.
    ///
    /// - Parameters:
    ///   - payload: the envelope, as JSON.
    ///   - queue: the queue that it was taken from.
    ///   - receipt: the consumer's name for the message.
    /// - Returns: the message; if `payload` is no envelope, a delivery that a worker parks, with the reason.
    public static func delivery(ofKombuEnvelope payload: [UInt8], from queue: String, receipt: Receipt) -> Delivery {
        KombuEnvelope.delivery(of: payload, from: queue, receipt: receipt)
    }
}
