import CeleriacCore
import CeleriacWire
import CeleryWire

import struct FoundationEssentials.Date

extension CeleryFormats {
    /// Makes a submission's signature. `keepsID` is set for a submission that is sent now, with its id; any other gets
    /// its id when it is sent.
    func signature(of submission: Submission, keepsID: Bool = false) throws(CeleriacError) -> CelerySignature {
        switch submission {
        case .task(let task):
            var signature = CelerySignature(
                task: task.name, args: task.arguments, kwargs: task.keywordArguments,
                options: try options(task.options), subtaskType: Self.subtaskTypes[task.name],
                immutable: task.isImmutable)
            if keepsID || task.options.taskID != nil { signature.options["task_id"] = .string(task.id) }
            try link(&signature, task.links, task.errorLinks)
            return signature
        case .native(let native):
            guard let signature = native as? CelerySignature else {
                throw CeleriacError(.unsupported, "this signature is not one of Celery's")
            }
            return signature
        case .chain(let steps, let own):
            return try canvas(.chain(try signatures(of: steps)), own)
        case .group(let members, let own):
            return try canvas(.group(try signatures(of: members)), own)
        case .chord(let header, let body, let own):
            return try canvas(.chord(.group(try signatures(of: header)), body: try signature(of: body)), own)
        }
    }

    /// Tasks for which Celery has classes of signatures.
    private static let subtaskTypes = ["celery.map": "xmap", "celery.starmap": "xstarmap"]

    private func signatures(of submissions: [Submission]) throws(CeleriacError) -> [CelerySignature] {
        try submissions.map { submission throws(CeleriacError) in try signature(of: submission) }
    }

    private func canvas(_ canvas: CelerySignature, _ own: SubmissionOptions) throws(CeleriacError) -> CelerySignature {
        var canvas = canvas
        canvas.options.merge(try options(own.options)) { $1 }
        if let id = own.options.taskID { canvas.options["task_id"] = .string(id) }
        canvas.immutable = own.isImmutable
        try link(&canvas, own.links, own.errorLinks)
        return canvas
    }

    private func link(
        _ signature: inout CelerySignature, _ links: [Submission], _ errorLinks: [Submission]
    ) throws(CeleriacError) {
        do {
            for link in links { try signature.link(try self.signature(of: link).encode()) }
            for link in errorLinks {
                try signature.linkError(try self.signature(of: link).encode(), alsoInHeaders: linksErrorsInHeaders)
            }
        } catch let error as CeleriacError {
            throw error
        } catch {
            throw CeleriacError(.unsupported, "a signature cannot be linked", cause: error)
        }
    }

    /// Writes options under their names in signatures.
    private func options(_ options: SendOptions) throws(CeleriacError) -> WireObject {
        var object: WireObject = [:]
        if let eta = options.eta {
            object["eta"] = .string(try text(eta))
        } else if let countdown = options.countdown {
            object["countdown"] = Self.number(countdown)
        }
        if let expires = options.expires {
            object["expires"] = .string(try text(expires))
        } else if let seconds = options.expiresAfter {
            object["expires"] = Self.number(seconds)
        }
        if let priority = options.priority { object["priority"] = .int(Int64(priority)) }
        if let queue = options.queue { object["queue"] = .string(queue) }
        if let exchange = options.exchange { object["exchange"] = .string(exchange) }
        if let key = options.routingKey { object["routing_key"] = .string(key) }
        if !options.headers.isEmpty { object["headers"] = .object(options.headers) }
        if let hard = options.timeLimits.hard { object["time_limit"] = Self.number(hard) }
        if let soft = options.timeLimits.soft { object["soft_time_limit"] = Self.number(soft) }
        if let ignores = options.ignoresResult { object["ignore_result"] = .bool(ignores) }
        if let serializer = options.serializer {
            object["serializer"] = .string(try self.serializer(serializer).rawValue)
        }
        if let compression = options.compression {
            _ = try self.compression(compression)
            object["compression"] = .string(compression.rawValue)
        }
        if let text = options.argumentsText { object["argsrepr"] = .string(text) }
        if let text = options.keywordArgumentsText { object["kwargsrepr"] = .string(text) }
        if let retries = options.publishRetries {
            object["retry"] = .bool(retries > 0)
            if retries > 0 { object["retry_policy"] = ["max_retries": .int(Int64(retries))] }
        }
        return object
    }

    private static func number(_ duration: Duration) -> WireValue {
        Int64(exactly: duration.seconds).map { .int($0) } ?? .double(duration.seconds)
    }

    func serializer(_ serializer: Serializer?) throws(CeleriacError) -> CelerySerializer {
        guard let serializer else { return signsTasks ? .auth : .json }
        guard let known = CelerySerializer(rawValue: serializer.rawValue), known != .pickle else {
            throw CeleriacError(
                .unsupported, "there is no serializer \(serializer): use json, msgpack, yaml or auth")
        }
        return known
    }

    func compression(_ compression: Compression?) throws(CeleriacError) -> CompressionMethod? {
        guard let compression else { return nil }
        guard let known = CompressionMethod(celeryName: compression.rawValue) else {
            throw CeleriacError(
                .unsupported, "there is no compression \(compression): use zlib, bzip2, xz or zstd")
        }
        return known
    }

    func text(_ date: Date) throws(CeleriacError) -> String {
        guard let text = CeleryTime.text(date) else {
            throw CeleriacError(.unsupported, "a time is outside the years 1 to 9999")
        }
        return text
    }
}
