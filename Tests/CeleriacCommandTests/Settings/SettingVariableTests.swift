import CeleriacCore
import CeleryDialect
import Testing

@testable import Celeriac

/// Settings in variables of the environment.
@Suite("Variables of settings") struct SettingVariableTests {
    @Test("old names are read as in a file, and go behind the new ones")
    func oldNames() throws {
        let settings = try CelerySettings(environment: [
            "CELERYD_CONCURRENCY": "3", "CELERY_ACKS_LATE": "true", "CELERYBEAT_MAX_LOOP_INTERVAL": "5",
            "CELERYD_PREFETCH_MULTIPLIER": "7", "CELERY_WORKER_PREFETCH_MULTIPLIER": "2",
            // Too common for variables: Kubernetes has this one for a service of the name redis.
            "REDIS_PORT": "tcp://10.0.0.1:6379", "BROKER_URL": "redis://elsewhere",
        ])
        #expect(settings.worker.concurrency == 3 && settings.worker.prefetchMultiplier == 2)
        #expect(settings.configuration.taskDefaults.acknowledgement == .late && settings.broker == nil)
        #expect(settings.schedule?.configuration.maximumPause == .seconds(5))
        #expect(settings.warnings.isEmpty && settings.notices.isEmpty)
    }

    @Test(
        "a misspelled one is told of, with the one that was meant",
        arguments: [
            ("CELERY_TASK_ACK_LATE", "CELERY_TASK_ACKS_LATE"), ("CELERYD_CONCURENCY", "CELERYD_CONCURRENCY"),
            ("CELERY_RESULT_BACKEND_URL", "CELERY_RESULT_BACKEND"), ("CELERY_ACK_LATE", "CELERY_ACKS_LATE"),
        ])
    func misspelled(_ variable: String, _ meant: String) throws {
        let environment = [variable: "1"]
        let warning = "the environment has \(variable), which sets nothing: did you mean \(meant)?"
        #expect(try CelerySettings(environment: environment).warnings == [warning])
        let error = #expect(throws: CeleriacError.self) {
            try CelerySettings(environment: environment, isStrict: true)
        }
        #expect(error?.message == warning)
    }

    @Test("variables of Celery's own scripts, and those of programs, are none of settings")
    func others() throws {
        let environment = [
            "CELERY_APP": "proj", "CELERY_BIN": "/usr/bin/celery", "CELERY_LOG_LEVEL": "info", "CELERYD_NODES": "w1",
            "CELERYD_OPTS": "-c 8", "CELERYD_USER": "celery", "CELERYD_LOG_FILE": "/var/log/%n.log",
            "CELERYD_PID_FILE": "/run/%n.pid", "CELERYBEAT_OPTS": "", "CELERY_CREATE_DIRS": "1", "PATH": "/bin",
            "CELERY_CONFIG_MODULE": "config",
        ]
        _ = try CelerySettings(environment: environment, isStrict: true)
        let own = ["APP_TASK_ACK_LATE": "1", "APP_TASK_ACKS_LATE": "true", "CELERYD_CONCURRENCY": "3"]
        let settings = try CelerySettings(environment: own, prefix: "APP_", isStrict: true)
        #expect(settings.configuration.taskDefaults.acknowledgement == .late)
        #expect(settings.worker.concurrency == CelerySettings().worker.concurrency)
    }

    @Test("what is text may look like a number, or like no YAML at all")
    func texts() throws {
        for name in SettingNames.texts {
            _ = try CelerySettings(environment: ["CELERY_" + name.uppercased(): "12345"])
        }
        for password in ["12345", "007", "1e5", "true", "[a", "{b", "*c", "&d!", "@e", "%f", "g: h"] {
            let settings = try CelerySettings(environment: ["CELERY_REDIS_PASSWORD": password])
            #expect(settings.configuration.resultConnections.password == password)
        }
        let quoted = try CelerySettings(environment: ["CELERY_TASK_DEFAULT_QUEUE": "'5'", "CELERY_REDIS_USERNAME": ""])
        #expect(quoted.configuration.defaultQueue == "5" && quoted.configuration.resultConnections.user == nil)
        let error = #expect(throws: CeleriacError.self) {
            try CelerySettings(environment: ["CELERY_TASK_ROUTES": "{a: "])
        }
        #expect(error?.message.contains("CELERY_TASK_ROUTES is not YAML") == true)
        // The same in a file is a mistake of whoever writes it.
        #expect(throws: CeleriacError.self) { try CelerySettings(yaml: Array("redis_password: 12345".utf8)) }
    }
}
