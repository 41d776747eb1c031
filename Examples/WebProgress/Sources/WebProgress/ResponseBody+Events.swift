import Celeriac
import Hummingbird
import ServiceLifecycle

extension ResponseBody {
    /// Streams what is stored of a report, each time that it changes, until the task has ended.
    ///
    /// After `limit`, and when the server shuts down, the stream ends before the task does: the browser then connects
    /// again by itself.
    static func events(
        of report: AsyncResult<String>, every interval: Duration, atMost limit: Duration = .seconds(60)
    ) -> ResponseBody {
        ResponseBody { writer in
            let clock = ContinuousClock()
            let end = clock.now + limit
            var last: ServerSentEvent?
            var isOver = false
            while !isOver, clock.now < end, !Task.isShuttingDownGracefully {
                let stored = try await report.stored()
                let event = ServerSentEvent(stored)
                if event != last { try await writer.write(ByteBuffer(string: event.text)) }
                last = event
                isOver = stored?.state.isFinal == true
                if !isOver { try await Task.sleep(for: interval) }
            }
            try await writer.finish(nil)
        }
    }
}
