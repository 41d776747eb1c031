import CeleriacCore
import CeleryDialect
import Testing

@testable import Celeriac

/// The settings of a whole project.
@Suite("A project's settings file") struct DeploymentFileTests {
    /// What stands in the configuration of a Django project, as YAML.
    private static let yaml = """
        broker_url: redis://:secret@redis:6379/0
        result_backend: redis://redis:6379/1
        broker_connection_timeout: 10
        broker_connection_retry: true
        broker_connection_retry_on_startup: true
        broker_connection_max_retries: 0
        broker_heartbeat: 0
        broker_login_method: AMQPLAIN
        broker_pool_limit: 10
        broker_transport_options: {visibility_timeout: 43200, queue_order_strategy: priority, max_retries: 5,
          interval_start: 0, interval_step: 0.2, socket_keepalive: true, health_check_interval: 30}
        result_backend_transport_options: {global_keyprefix: app_, retry_policy: {timeout: 5.0}}
        accept_content: [json, application/json]
        task_serializer: json
        result_serializer: json
        timezone: Europe/Berlin
        enable_utc: true
        task_default_queue: default
        task_default_exchange: default
        task_default_routing_key: default
        task_queues:
          - {name: default, exchange: default, routing_key: default}
          - {name: images, exchange: media, exchange_type: topic, routing_key: "media.#"}
        task_routes:
          images.*: {queue: images, routing_key: media.images, priority: 5, serializer: json}
          reports.*: {queue: default, delivery_mode: 1}
        task_annotations:
          "*": {rate_limit: 100/m}
          reports.nightly: {max_retries: 5, default_retry_delay: 30, time_limit: 600, priority: 3}
        task_acks_late: true
        task_reject_on_worker_lost: false
        task_track_started: "true"
        task_time_limit: 600
        task_soft_time_limit: 540
        task_default_priority: 5
        task_default_delivery_mode: persistent
        task_publish_retry_policy: {max_retries: 3, interval_start: 0, interval_step: 0.2, interval_max: 0.2}
        task_send_sent_event: true
        result_expires: "1 day, 0:00:00"
        result_extended: true
        result_chord_join_timeout: 10
        result_chord_expires: 172800
        event_exchange: celeryev
        event_queue_expires: 60
        worker_concurrency: "4"
        worker_prefetch_multiplier: 1
        worker_max_tasks_per_child: 1000
        worker_send_task_events: true
        worker_hijack_root_logger: false
        worker_log_format: "[%(asctime)s] %(message)s"
        worker_pool: prefork
        imports: [proj.tasks]
        beat_scheduler: django_celery_beat.schedulers:DatabaseScheduler
        sentry_dsn: https://sentry.example.org/1
        """

    @Test("loads unchanged, and all that has no effect is told of")
    func whole() async throws {
        let settings = try CelerySettings(yaml: Array(Self.yaml.utf8))
        #expect(settings.warnings.count == 1 && settings.warnings.first?.contains("'sentry_dsn'") == true)
        for name in [
            "broker_login_method", "broker_pool_limit", "queue_order_strategy", "interval_step", "retry_policy",
            "serializer", "priority",
            "task_reject_on_worker_lost", "result_chord_join_timeout",
            "worker_max_tasks_per_child", "worker_log_format", "imports", "beat_scheduler",
        ] {
            #expect(settings.notices.contains { $0.contains(name) }, "\(name)")
        }
        #expect(settings.worker.concurrency == 4 && settings.worker.queues.map(\.name) == ["default", "images"])
        #expect(settings.configuration.routes["images.*"]?.priority == 5)
        #expect(settings.configuration.resultExpiry == .seconds(86_400))
        #expect(settings.configuration.taskDefaults.acknowledgement == .late)
        #if Redis
        let app = try CeleryApp(settings: settings)
        await app.close()
        #endif
    }
}
