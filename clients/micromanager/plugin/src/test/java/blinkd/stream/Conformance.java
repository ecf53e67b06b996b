package blinkd.stream;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.Paths;
import java.util.ArrayList;
import java.util.List;

/** The files of clients/conformance, and how they write things down. */
final class Conformance {
    private Conformance() {}

    static List<JsonObject> vectors() {
        return list("vectors.json", "vectors");
    }

    static List<JsonObject> sessions() {
        return list("sessions.json", "sessions");
    }

    private static List<JsonObject> list(String file, String name) {
        Path path = Paths.get(System.getProperty("blinkd.conformance"), file);
        try {
            String text = new String(Files.readAllBytes(path), StandardCharsets.UTF_8);
            JsonArray listed = JsonParser.parseString(text).getAsJsonObject().getAsJsonArray(name);
            List<JsonObject> all = new ArrayList<>();
            listed.forEach(element -> all.add(element.getAsJsonObject()));
            return all;
        } catch (IOException missing) {
            throw new UncheckedIOException(missing);
        }
    }

    /** Part 0 of a vector, written out or as one byte repeated. */
    static byte[] part0(JsonObject vector) {
        if (!isGiven(vector, "part0_repeat")) {
            return bytes(vector, "part0_hex");
        }
        JsonObject repeat = vector.getAsJsonObject("part0_repeat");
        byte[] part0 = new byte[repeat.get("bytes").getAsInt()];
        java.util.Arrays.fill(part0, bytes(repeat, "hex")[0]);
        return part0;
    }

    /** Null for null, or where there is none. */
    static byte[] bytes(JsonObject from, String name) {
        return isGiven(from, name) ? bytes(from.get(name).getAsString()) : null;
    }

    static byte[] bytes(String hex) {
        byte[] bytes = new byte[hex.length() / 2];
        for (int i = 0; i < bytes.length; i++) {
            bytes[i] = (byte) Integer.parseInt(hex.substring(2 * i, 2 * i + 2), 16);
        }
        return bytes;
    }

    static String hex(byte[] bytes) {
        StringBuilder hex = new StringBuilder();
        for (byte one : bytes) {
            hex.append(String.format("%02x", one));
        }
        return hex.toString();
    }

    static boolean isGiven(JsonObject from, String name) {
        return from.has(name) && !from.get(name).isJsonNull();
    }

    /** Pixels as a camera in Micro-Manager has them. */
    static Object pixels(JsonObject frame) {
        byte[] raw = bytes(frame, "pixels_hex");
        if (frame.get("bits").getAsInt() == 8) {
            return raw;
        }
        short[] pixels = new short[raw.length / 2];
        java.nio.ByteBuffer.wrap(raw).order(java.nio.ByteOrder.LITTLE_ENDIAN).asShortBuffer().get(pixels);
        return pixels;
    }

    /** What a vector's `expect` and a session's `call` say of a frame in the same words. */
    static FrameHeader frame(JsonObject says) {
        FrameHeader header = new FrameHeader();
        header.widthPx = says.get("width_px").getAsInt();
        header.heightPx = says.get("height_px").getAsInt();
        header.pixelType =
                says.get("bits").getAsInt() == 8 ? FrameHeader.PixelType.U8 : FrameHeader.PixelType.U16;
        header.binning = says.get("binning").getAsInt();
        header.exposureMs = says.get("exposure_ms").getAsDouble();
        header.captureUnixNs = says.get("capture_unix_ns").getAsLong();
        header.coreQueueDepth = says.get("core_queue_depth").getAsInt();
        if (isGiven(says, "camera_image_number")) {
            header.cameraImageNumber = says.get("camera_image_number").getAsLong();
        }
        if (isGiven(says, "stage_um")) {
            JsonArray stage = says.getAsJsonArray("stage_um");
            header.stageXUm = stage.get(0).getAsDouble();
            header.stageYUm = stage.get(1).getAsDouble();
            header.stageZUm = stage.size() > 2 && !stage.get(2).isJsonNull() ? stage.get(2).getAsDouble() : null;
            header.positionSource = says.get("stage_measured").getAsBoolean()
                    ? FrameHeader.PositionSource.MEASURED
                    : FrameHeader.PositionSource.INTENDED;
        }
        return header;
    }

    /** What a vector's `expect` and a session's `start` say of a series in the same words. */
    static SeriesStart series(JsonObject says) {
        SeriesStart start = new SeriesStart();
        start.seriesId = bytes(says, "series_id");
        start.name = says.get("name").getAsString();
        start.source = says.get("source").getAsString();
        start.exposureMs = says.get("exposure_ms").getAsDouble();
        start.expectedTiles = says.get("expected_tiles").getAsInt();
        start.expectedFrames = says.get("expected_frames").getAsLong();
        start.snake = says.get("snake").getAsBoolean();
        start.channel = isGiven(says, "widefield") && says.get("widefield").getAsBoolean()
                ? SeriesStart.ChannelKind.WIDEFIELD
                : SeriesStart.ChannelKind.LOCALIZATION;
        if (isGiven(says, "widefield_of")) {
            start.widefieldOf = bytes(says, "widefield_of");
        }
        if (isGiven(says, "widefield_skip_frames")) {
            start.widefieldSkipFrames = says.get("widefield_skip_frames").getAsInt();
        }
        if (isGiven(says, "grid")) {
            start.gridRows = says.getAsJsonArray("grid").get(0).getAsInt();
            start.gridColumns = says.getAsJsonArray("grid").get(1).getAsInt();
        }
        if (isGiven(says, "overlap")) {
            JsonArray overlap = says.getAsJsonArray("overlap");
            start.overlapX = overlap.get(0).getAsDouble();
            start.overlapY = overlap.get(1).getAsDouble();
            start.overlapUnit = named(SeriesStart.OverlapUnit.class, overlap.get(2));
        }
        if (isGiven(says, "pixel_size_nm")) {
            start.pixelSizeXNm = says.getAsJsonArray("pixel_size_nm").get(0).getAsDouble();
            start.pixelSizeYNm = says.getAsJsonArray("pixel_size_nm").get(1).getAsDouble();
        }
        return start;
    }

    /** The files write an enumeration's names in small letters. */
    static <E extends Enum<E>> E named(Class<E> kind, JsonElement name) {
        return Enum.valueOf(kind, name.getAsString().toUpperCase(java.util.Locale.ROOT));
    }

    static double[] reals(JsonElement list) {
        JsonArray array = list.getAsJsonArray();
        double[] values = new double[array.size()];
        for (int i = 0; i < values.length; i++) {
            values[i] = array.get(i).getAsDouble();
        }
        return values;
    }
}
