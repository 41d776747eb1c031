import Celeriac
import Hummingbird
import ServiceLifecycle

extension ResponseBody {
    /// Streams how far a report is, each time that it changes, until its task has ended.
    ///
    /// After `limit`, and when the server shuts down, the stream ends before the task does: the browser then connects
    /// again by itself.
    static func events(of report: AsyncResult<String>, atMost limit: Duration = .seconds(60)) -> ResponseBody {
        ResponseBody { writer in
            do {
                let steps = report.progress(of: Reports.Step.self, timeout: limit)
                for try await progress in steps.cancelOnGracefulShutdown() {
                    try await writer.write(ByteBuffer(string: ServerSentEvent(progress).text))
                }
            } catch let error as CeleriacError where error.code == .timeout {
                // The browser asks again.
            }
            try await writer.finish(nil)
        }
    }
}
