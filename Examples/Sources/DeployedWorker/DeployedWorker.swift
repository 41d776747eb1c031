import Celeriac
import CeleriacCommand

/// The program that `Deployment/` puts into an image: its tasks, with Celery's verbs and flags.
@main struct DeployedWorker: CeleryProgram {
    var tasks: [TaskHandler] {
        TaskDefinition<Int, Int, Int>("tasks.add", parameters: "x", "y").handler { x, y in x + y }
    }
}
