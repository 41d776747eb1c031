package import CeleriacWire

extension BridgeFile {
    /// The JSON Schema of a file, for editors. ``init(yaml:environment:)`` checks more: what a file says must also go
    /// together.
    package static var schema: WireObject {
        [
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "title": "A bridge between task systems (celeriac bridge)",
            "type": "object",
            "required": ["ends", "routes"],
            "additionalProperties": false,
            "properties": [
                "bridge": text("The bridge's name, which all of its processes share."),
                "control": flag("Whether operators may ask and steer it by Celery's remote control."),
                "ends": [
                    "type": "object", "description": "The sides, by their names.", "additionalProperties": end,
                ],
                "routes": ["type": "array", "minItems": 1, "items": route],
            ],
        ]
    }

    private static var end: WireValue {
        [
            "type": "object",
            "required": ["dialect", "broker"],
            "additionalProperties": false,
            "properties": [
                "dialect": choice(BridgeDialect.allCases.map(\.rawValue), "The task system."),
                "broker": text("The broker's address. ${NAME} and ${file:PATH} are filled in."),
                "results": text("The result store's address."),
                "queue": text("The queue of routes that name none."),
                "notes": text("The address of the broker that keeps the bridge's notes, if it is another."),
                "control_folder": text("The folder of remote control, where the notes are in a folder."),
                "settings": [
                    "type": "object",
                    "description":
                        "More settings under Celery's names, or those of Machinery's YAML; addresses stand beside them.",
                ],
                "exchange": text("Machinery's exchange at RabbitMQ."),
                "binding_key": text("Machinery's binding key at RabbitMQ."),
                "accept": list(
                    choice(["json", "msgpack", "yaml", "auth"], "A form of bodies."),
                    "The forms that pass, for Celery."),
                "visibility_timeout": number(
                    "After how many seconds Redis gives what a killed bridge held to another."),
                "security_key": text("The file of the private key, where Celery's messages are signed."),
                "security_key_password": text("Its password."),
                "security_certificate": text("The file of the certificate for that key."),
                "security_cert_store": text("The certificates of all whose messages are trusted."),
                "security_digest": text("The digest of signatures."),
            ],
        ]
    }

    private static var route: WireValue {
        [
            "type": "object",
            "required": ["name", "from", "to"],
            "additionalProperties": false,
            "properties": [
                "name": text("The route's name."),
                "from": text("The side that messages come from."),
                "to": text("The side that they go to."),
                "source_queue": text("The queue that messages come from."),
                "target_queue": text("The queue that they go to."),
                "in_flight": count("How many messages are held unsettled at most."),
                "pending": count("How many tasks may be without a reply before no more messages are taken."),
                "maximum_bytes": count("The largest body that passes."),
                "reply_timeout": number("For how many seconds a result is awaited."),
                "rate": number("How many messages pass in a second at most."),
                "paused": flag("Whether the route begins without taking messages."),
                "whole": flag("Whether chains run whole at the target as far as they can."),
                "shadow": [
                    "description":
                        "The queue at the target where messages are copied to, perhaps with the share of them.",
                    "oneOf": [
                        ["type": "string"],
                        [
                            "type": "object", "required": ["queue"], "additionalProperties": false,
                            "properties": [
                                "queue": text("The queue."),
                                "share": ["type": "number", "exclusiveMinimum": 0, "maximum": 1],
                            ],
                        ],
                    ],
                ],
                "drop": list(
                    choice(CarriedPart.allCases.map(\.rawValue), "A part."), "What a message may lose on the way."),
                "lenient": list(
                    choice(Leniency.allCases.map(\.rawValue), "A change."), "Which values may become others."),
                "others": flag("Whether tasks pass that the table does not have."),
                "tasks": [
                    "type": "object", "description": "Which tasks pass, by their names or patterns with one *.",
                    "additionalProperties": ["oneOf": [["type": ["string", "null"]], row]],
                ],
            ],
        ]
    }

    private static var row: WireValue {
        [
            "type": "object",
            "additionalProperties": false,
            "properties": [
                "to": text("The name at the target."),
                "types": list(goType, "Go's types of the arguments."),
                "parameters": list(text("A name."), "The parameters, for keyword arguments."),
                "returns": list(goType, "Go's types of the results."),
                "reply": flag("Whether a reply is awaited: false for tasks whose results nobody stores."),
            ],
        ]
    }

    // MARK: Parts

    private static var goType: WireValue { choice(GoTypeName.all, "A type of Go's.") }

    private static func text(_ description: String) -> WireValue {
        ["type": "string", "description": .string(description)]
    }

    private static func flag(_ description: String) -> WireValue {
        ["type": "boolean", "description": .string(description)]
    }

    private static func count(_ description: String) -> WireValue {
        ["type": "integer", "minimum": 1, "description": .string(description)]
    }

    private static func number(_ description: String) -> WireValue {
        ["type": "number", "minimum": 0, "description": .string(description)]
    }

    private static func choice(_ values: [String], _ description: String) -> WireValue {
        ["enum": .array(values.map { .string($0) }), "description": .string(description)]
    }

    private static func list(_ items: WireValue, _ description: String) -> WireValue {
        ["type": "array", "items": items, "description": .string(description)]
    }
}
