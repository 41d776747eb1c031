import Celeriac
import CeleriacCommand

/// Serves the tasks of Celery's integration and smoke tests. Their runners call its verb `worker` with Celery's flags;
/// all else comes from the environment and, for smoke tests, from the settings that a test changes.
@main struct ConformanceWorker: CeleryProgram {
    var settings: CelerySettings {
        var settings = CelerySettings()
        // Early acknowledgement is Celery's default, which the tests rely on.
        settings.worker.acknowledgement = .early
        settings.configuration.control.commands = [
            CeleryControlCommand("pidbox_reset_error") { _ in
                throw TaskFailure("RuntimeError", "pidbox reset integration test")
            }
        ]
        return settings
    }

    func prepare(_ worker: inout WorkerConfiguration) async throws {
        worker.hooks.preTask = { context in Stamps(of: context)?.print() }
    }

    var tasks: [TaskHandler] {
        PlainTasks.handlers
        RequestTasks.handlers
        CanvasTasks.handlers
        SmokeTasks.handlers
    }
}
