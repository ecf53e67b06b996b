package blinkd.stream;

import static blinkd.stream.Conformance.bytes;
import static blinkd.stream.Conformance.hex;
import static blinkd.stream.Conformance.isGiven;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;

/** Agrees with the daemon on every message of clients/conformance/vectors.json. */
class VectorsTest {
    /** It has a field that this version does not know, which is lost when it is written again. */
    private static final String LATER = "frame_with_a_field_of_a_later_version";
    /** Needs Zstandard, which a publisher of raw pixels does not. */
    private static final String PACKED = "zstd_that_is_none";

    @TestFactory
    Stream<DynamicTest> aMessageReadAndWrittenAgainIsTheSameBytes() {
        return each(vector -> !isBad(vector) && !name(vector).equals(LATER), vector -> {
            byte[] golden = Conformance.part0(vector);
            assertEquals(hex(golden), hex(Receiver.read(golden, bytes(vector, "part1_hex")).write()));
        });
    }

    @TestFactory
    Stream<DynamicTest> aFrameMadeFromPlainValuesIsTheGoldenMessage() {
        return each(vector -> vector.getAsJsonObject("expect").has("frame"), vector -> {
            JsonObject expect = vector.getAsJsonObject("expect").getAsJsonObject("frame");
            FrameHeader golden = Receiver.read(Conformance.part0(vector), bytes(vector, "part1_hex")).frame;
            FrameHeader made = Conformance.frame(expect);
            made.seriesId = bytes(expect, "series_id");
            made.seq = expect.get("seq").getAsLong();
            JsonArray tile = expect.getAsJsonArray("tile");
            made.tileIndex = tile.get(0).getAsInt();
            made.tileRow = tile.get(1).getAsInt();
            made.tileColumn = tile.get(2).getAsInt();
            made.frameInTile = expect.get("frame_in_tile").getAsInt();
            made.framesPerTile = expect.get("frames_per_tile").getAsInt();
            made.roiXPx = expect.getAsJsonArray("roi_px").get(0).getAsInt();
            made.roiYPx = expect.getAsJsonArray("roi_px").get(1).getAsInt();
            made.droppedTotal = expect.get("dropped_total").getAsLong();
            made.sendUnixNs = expect.get("send_unix_ns").getAsLong();
            made.continuity = expect.get("live_sampled").getAsBoolean()
                    ? FrameHeader.Continuity.LIVE_SAMPLED
                    : FrameHeader.Continuity.BURST;
            // Not in `expect`: the label, and how the pixels are packed and summed, which a receiver undoes.
            made.camera = golden.camera;
            made.compression = golden.compression;
            made.pixelsCrc32c = golden.pixelsCrc32c;
            assertEquals(hex(EnvelopeWriter.frame(golden)), hex(EnvelopeWriter.frame(made)));
        });
    }

    @TestFactory
    Stream<DynamicTest> pixelsOfACameraBecomeTheGoldenPixels() {
        return each(VectorsTest::isRawFrame, vector -> {
            JsonObject expect = vector.getAsJsonObject("expect").getAsJsonObject("frame");
            java.nio.ByteBuffer made = new Pixels().littleEndian(Conformance.pixels(expect));
            byte[] sent = new byte[made.remaining()];
            made.get(sent);
            assertEquals(vector.get("part1_hex").getAsString(), hex(sent));
        });
    }

    @TestFactory
    Stream<DynamicTest> aSeriesMadeFromPlainValuesIsTheGoldenMessage() {
        return each(vector -> isControl(vector, "series_start"), vector -> {
            JsonObject expect = control(vector);
            SeriesStart made = Conformance.series(expect);
            made.metadataJson = expect.get("metadata_json").getAsString();
            made.startUnixNs = expect.get("start_unix_ns").getAsLong();
            if (isGiven(expect, "affine")) {
                made.affineUm = Conformance.reals(expect.get("affine"));
            }
            if (isGiven(expect, "camera")) {
                double[] camera = Conformance.reals(expect.get("camera"));
                made.calibration = new SeriesStart.Calibration();
                made.calibration.offsetAdu = camera[0];
                made.calibration.ePerAdu = camera[1];
                made.calibration.emGain = camera[2];
                made.calibration.spuriousE = camera[3];
                made.calibration.qe = camera[4];
            }
            assertEquals(vector.get("part0_hex").getAsString(), hex(EnvelopeWriter.seriesStart(made)));
        });
    }

    @TestFactory
    Stream<DynamicTest> anEndOrAHeartbeatMadeFromPlainValuesIsTheGoldenMessage() {
        return each(vector -> vector.getAsJsonObject("expect").has("control")
                && !isControl(vector, "series_start"), vector -> {
            JsonObject expect = control(vector);
            assertEquals(vector.get("part0_hex").getAsString(), hex(made(expect)));
        });
    }

    private static byte[] made(JsonObject expect) {
        byte[] id = bytes(expect, "series_id");
        switch (expect.get("kind").getAsString()) {
            case "tile_end":
                return EnvelopeWriter.tileEnd(
                        id,
                        expect.get("tile_index").getAsInt(),
                        expect.get("captured").getAsLong(),
                        expect.get("dropped").getAsLong());
            case "series_end":
                JsonArray totals = expect.getAsJsonArray("totals");
                Counts counts = new Counts(
                        totals.get(0).getAsLong(), totals.get(1).getAsLong(), 0, totals.get(2).getAsLong());
                EndReason reason = Conformance.named(EndReason.class, expect.get("reason"));
                return EnvelopeWriter.seriesEnd(id, reason, counts, totals.get(3).getAsLong());
            default:
                return EnvelopeWriter.heartbeat(id, expect.get("send_unix_ns").getAsLong());
        }
    }

    @TestFactory
    Stream<DynamicTest> aBadMessageIsRefusedByItsName() {
        return each(vector -> isBad(vector) && !name(vector).equals(PACKED), vector -> {
            BadMessage refused = assertThrows(
                    BadMessage.class, () -> Receiver.read(Conformance.part0(vector), bytes(vector, "part1_hex")));
            assertEquals(vector.getAsJsonObject("expect").get("bad").getAsString(), refused.getMessage());
        });
    }

    @Test
    void aFieldOfALaterVersionIsIgnored() {
        JsonObject later = Conformance.vectors().stream().filter(v -> name(v).equals(LATER)).findFirst().get();
        Envelope read = Receiver.read(Conformance.part0(later), bytes(later, "part1_hex"));
        assertEquals(4, read.frame.widthPx);
        JsonObject expect = later.getAsJsonObject("expect").getAsJsonObject("frame");
        assertArrayEquals(bytes(expect, "series_id"), read.seriesId());
    }

    private static Stream<DynamicTest> each(
            java.util.function.Predicate<JsonObject> wanted, java.util.function.Consumer<JsonObject> check) {
        JsonObject[] chosen = Conformance.vectors().stream().filter(wanted).toArray(JsonObject[]::new);
        assertTrue(chosen.length > 0, "vectors.json holds none of this kind");
        return Stream.of(chosen).map(vector -> DynamicTest.dynamicTest(name(vector), () -> check.accept(vector)));
    }

    private static String name(JsonObject vector) {
        return vector.get("name").getAsString();
    }

    private static boolean isBad(JsonObject vector) {
        return vector.getAsJsonObject("expect").has("bad");
    }

    private static boolean isRawFrame(JsonObject vector) {
        return vector.getAsJsonObject("expect").has("frame")
                && Receiver.read(Conformance.part0(vector), bytes(vector, "part1_hex")).frame.compression
                        == FrameHeader.Compression.RAW;
    }

    private static boolean isControl(JsonObject vector, String kind) {
        return vector.getAsJsonObject("expect").has("control")
                && control(vector).get("kind").getAsString().equals(kind);
    }

    private static JsonObject control(JsonObject vector) {
        return vector.getAsJsonObject("expect").getAsJsonObject("control");
    }
}
