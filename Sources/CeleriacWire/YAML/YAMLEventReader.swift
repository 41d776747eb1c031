import CYaml

/// Reads libyaml's events one by one. The bytes must outlive the reader.
struct YAMLEventReader: ~Copyable {
    private let parser: UnsafeMutablePointer<yaml_parser_t>

    init(_ bytes: UnsafeBufferPointer<UInt8>) throws(WireError) {
        parser = .allocate(capacity: 1)
        parser.initialize(to: yaml_parser_t())
        guard yaml_parser_initialize(parser) == 1 else {
            parser.deallocate()
            throw .outOfMemory
        }
        yaml_parser_set_encoding(parser, YAML_UTF8_ENCODING)
        // An empty buffer may have no address, which libyaml does not accept.
        if let start = bytes.baseAddress {
            yaml_parser_set_input_string(parser, start, bytes.count)
        } else {
            yaml_parser_set_input_string(parser, Self.nothing.utf8Start, 0)
        }
    }

    deinit {
        yaml_parser_delete(parser)
        parser.deinitialize(count: 1)
        parser.deallocate()
    }

    private static let nothing: StaticString = ""

    /// Reads the next event.
    func next() throws(WireError) -> YAMLEvent {
        var event = yaml_event_t()
        guard yaml_parser_parse(parser, &event) == 1 else { throw failure() }
        defer { yaml_event_delete(&event) }
        let place = YAMLEvent.Place(line: event.start_mark.line + 1, column: event.start_mark.column + 1)
        return YAMLEvent(kind: try kind(of: event, at: place), place: place)
    }

    private func kind(of event: yaml_event_t, at place: YAMLEvent.Place) throws(WireError) -> YAMLEvent.Kind {
        switch event.type {
        case YAML_DOCUMENT_START_EVENT:
            return .documentStart
        case YAML_STREAM_END_EVENT:
            return .streamEnd
        case YAML_ALIAS_EVENT:
            return .alias(text(event.data.alias.anchor) ?? "")
        case YAML_SCALAR_EVENT:
            let scalar = event.data.scalar
            let bytes = UnsafeBufferPointer(start: scalar.value, count: scalar.length)
            guard let text = String(validating: bytes, as: UTF8.self) else {
                throw place.error(.invalidUTF8, "a YAML scalar is not UTF-8")
            }
            return .scalar(
                text, tag: self.text(scalar.tag), isPlain: scalar.plain_implicit != 0, anchor: self.text(scalar.anchor))
        case YAML_SEQUENCE_START_EVENT:
            let start = event.data.sequence_start
            return .arrayStart(tag: text(start.tag), anchor: text(start.anchor))
        case YAML_MAPPING_START_EVENT:
            let start = event.data.mapping_start
            return .objectStart(tag: text(start.tag), anchor: text(start.anchor))
        case YAML_SEQUENCE_END_EVENT, YAML_MAPPING_END_EVENT:
            return .end
        default:
            return .other
        }
    }

    private func text(_ pointer: UnsafeMutablePointer<yaml_char_t>?) -> String? {
        pointer.map { String(cString: $0) }
    }

    private func failure() -> WireError {
        switch parser.pointee.error {
        case YAML_MEMORY_ERROR:
            return .outOfMemory
        case YAML_READER_ERROR:
            return WireError(
                .invalidUTF8, "YAML bytes are not UTF-8, or hold characters that YAML does not allow",
                offset: Int(exactly: parser.pointee.problem_offset))
        default:
            let mark = parser.pointee.problem_mark
            let place = YAMLEvent.Place(line: mark.line + 1, column: mark.column + 1)
            let problem = parser.pointee.problem.map { String(cString: $0) } ?? "not YAML"
            // libyaml looks ahead, so it may reach its own limit of 1000 levels before we reach ours.
            return place.error(problem.hasPrefix("Maximum nesting level") ? .tooDeep : .malformed, problem)
        }
    }
}

/// A step through a YAML document.
struct YAMLEvent {
    let kind: Kind
    let place: Place

    enum Kind {
        case documentStart
        case streamEnd
        case alias(String)
        /// Text. `isPlain` says that it has neither quotation marks nor a tag, so its spelling decides its type.
        case scalar(String, tag: String?, isPlain: Bool, anchor: String?)
        case arrayStart(tag: String?, anchor: String?)
        case objectStart(tag: String?, anchor: String?)
        case end
        case other
    }

    /// Where an event starts; both count from 1.
    struct Place {
        let line: Int
        let column: Int

        func error(_ code: WireError.Code, _ message: String) -> WireError {
            WireError(code, "\(message) (line \(line), column \(column))")
        }
    }
}
