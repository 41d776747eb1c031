import ArgumentParser
import Celeriac
import CeleriacCore
import CeleriacWire
import CeleryDialect
import Foundation
import UnixSignals

/// `celeriac events`: shows what workers and clients tell of themselves.
struct EventsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "events",
        abstract: "Watch workers and tasks on the terminal, or print every event.",
        discussion: ProgramContext.naming(
            """
            On a terminal it shows the workers, how often which task runs and how long tasks wait, until Ctrl-C. With \
            --dump, and where standard output is no terminal, it prints a line for each event as celery events --dump does; \
            with --json the events as they come, one object a line. Workers send events about tasks only if they are told \
            to: worker -E, worker_send_task_events, or --enable; and clients with task_send_sent_event.

            A lost connection is made again. Exit status 0 is the end by Ctrl-C, SIGTERM or --count, 69 means that the \
            broker cannot be reached at the beginning, 64 that the command line is wrong.

              celeriac events -b redis://localhost/0
              celeriac events --json -b amqp://localhost | jq 'select(.type == "task-failed")'
            """))

    @OptionGroup var connection: ConnectionOptions

    @Flag(name: .shortAndLong, help: "Print a line for each event.")
    var dump = false

    @Flag(help: "Have all workers send events about tasks from now on, also when nobody listens any more.")
    var enable = false

    @Option(name: [.customShort("F"), .long], help: "On a terminal: how many seconds pass between two pictures.")
    var frequency = 1.0

    @Option(help: "End after this many events.")
    var count: Int?

    @OptionGroup var printing: OutputOptions

    func validate() throws {
        guard 0.1...3600 ~= frequency else { throw ValidationError("--frequency must be from 0.1 to 3600 seconds.") }
        if let count, count < 1 { throw ValidationError("--count must be 1 or more.") }
        _ = try connection.brokerURL()
    }

    func run() async throws {
        let signals = await UnixSignalsSequence(trapping: [.sigint, .sigterm])
        try await connection.visit { app in
            let sink = EventSink(form, screen: screen(of: app), count: count)
            sink.begin()
            defer { sink.end() }
            try await listen(app, to: sink, until: signals)
        }
    }

    /// Hears events until a signal comes or the sink has enough of them.
    private func listen(_ app: CeleryApp, to sink: EventSink, until signals: UnixSignalsSequence) async throws {
        let enough = Gate()
        let news = BoundedLane<CeleryEventReceiver.News>(limit: EventSink.mostWaiting)
        let (control, timers, pause) = (app.control, app.client.timers, Duration.seconds(frequency))
        let (isPicture, enables) = (form == .picture, enable)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                for await _ in signals { enough.open() }
            }
            group.addTask {
                while let taken = await news.take() {
                    if sink.write(taken) { enough.open() }
                }
            }
            if isPicture {
                group.addTask {
                    var isOver = false
                    while !isOver {
                        sink.draw()
                        isOver = await enough.wait(atMost: pause, timers: timers)
                    }
                }
            }
            if enables { group.addTask { _ = try await control.enableEvents() } }
            defer {
                // Whatever happens, all of them end.
                enough.open()
                news.close()
                group.cancelAll()
            }
            try await app.listenToEvents(until: enough) { one in
                if !news.put(one) { sink.miss() }
            }
        }
    }

    /// In which form events are shown.
    private var form: EventSink.Form {
        if printing.json { return .objects }
        return dump || !CommandEnvironment.outputIsTerminal ? .lines : .picture
    }

    private func screen(of app: CeleryApp) -> EventScreen {
        EventScreen(style: connection.settings.style, broker: app.client.broker.name)
    }
}
