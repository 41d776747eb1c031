import CeleryWire
import Testing

@Suite struct NamesTests {
    @Test func serializersAreKnownByContentType() {
        for serializer in CelerySerializer.allCases {
            #expect(CelerySerializer(contentType: serializer.contentType) == serializer)
        }
        #expect(CelerySerializer(contentType: "application/json; charset=utf-8") == nil)
        #expect(CelerySerializer(contentType: "application/data") == nil)
        #expect(CelerySerializer.json.contentEncoding == "utf-8")
        #expect(CelerySerializer.msgpack.contentEncoding == "binary")
    }

    @Test func compressionsAreKnownByTypeAndByName() {
        for compression in CeleryCompression.allCases {
            #expect(CeleryCompression(name: compression.mimeType) == compression)
        }
        let names: KeyValuePairs<String, CeleryCompression> = [
            "gzip": .zlib, "zlib": .zlib, "bzip2": .bzip2, "bzip": .bzip2, "lzma": .lzma, "xz": .lzma, "zstd": .zstd,
            "zstandard": .zstd,
        ]
        for (name, compression) in names { #expect(CeleryCompression(name: name) == compression) }
        #expect(CeleryCompression(name: "application/x-brotli") == nil)
        #expect(CeleryCompression(name: "") == nil)
        #expect(CeleryCompression.zlib.mimeType == "application/x-gzip")
    }
}
