import CeleriacWire
import CeleryWire
import Testing

@Suite struct NamesTests {
    @Test func serializersAreKnownByContentType() {
        for serializer in CelerySerializer.allCases {
            #expect(CelerySerializer(contentType: serializer.contentType) == serializer)
        }
        #expect(CelerySerializer(contentType: "application/json; charset=utf-8") == nil)
        #expect(CelerySerializer(contentType: "application/data") == .auth)
        #expect(CelerySerializer.json.contentEncoding == "utf-8")
        #expect(CelerySerializer.msgpack.contentEncoding == "binary")
    }

    @Test func compressionsAreKnownByTypeAndByName() {
        for compression in CompressionMethod.allCases {
            #expect(CompressionMethod(celeryName: compression.celeryMIMEType) == compression)
        }
        let names: KeyValuePairs<String, CompressionMethod> = [
            "gzip": .zlib, "zlib": .zlib, "bzip2": .bzip2, "bzip": .bzip2, "lzma": .xz, "xz": .xz, "zstd": .zstd,
            "zstandard": .zstd,
        ]
        for (name, compression) in names { #expect(CompressionMethod(celeryName: name) == compression) }
        #expect(CompressionMethod(celeryName: "application/x-brotli") == nil)
        #expect(CompressionMethod(celeryName: "") == nil)
        #expect(CompressionMethod.zlib.celeryMIMEType == "application/x-gzip")
    }

    @Test func compressionsAreToldWithTheTraitThatBringsThem() {
        #expect(
            CompressionMethod.inWords(available: CompressionMethod.allCases)
                == "this build knows gzip, bzip2, lzma, zstd")
        #expect(
            CompressionMethod.inWords(available: [.zlib])
                == "this build knows gzip, and with the package trait Compression also bzip2, lzma, zstd")
    }
}
