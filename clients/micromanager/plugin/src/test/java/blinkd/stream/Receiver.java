package blinkd.stream;

import com.google.gson.JsonParseException;
import com.google.gson.JsonParser;
import java.nio.charset.StandardCharsets;

/**
 * The daemon's checks of a message, so that tests know what a publisher must never send.
 *
 * <p>In: the parts of a message. Out: what part 0 says; BadMessage with the name of the counter. Never: unpacking.
 */
final class Receiver {
    private static final int HEADER_MAX_BYTES = 64 * 1024;

    private Receiver() {}

    static Envelope read(byte[] part0, byte[] part1) {
        if (part1 != null && part0.length > HEADER_MAX_BYTES) {
            throw new BadMessage("too_long");
        }
        if (part0.length > 0 && part0[0] == '{') {
            throw json(part0);
        }
        Envelope envelope = Envelope.read(part0);
        if (envelope.seriesId().length != 16) {
            throw new BadMessage("bad_series_id");
        }
        if (envelope.frame != null) {
            check(envelope.frame, part1);
        } else if (part1 != null) {
            throw new BadMessage("control_with_pixels");
        }
        return envelope;
    }

    /** We never write JSON, so there is nothing good to read. */
    private static BadMessage json(byte[] part0) {
        try {
            JsonParser.parseString(new String(part0, StandardCharsets.UTF_8));
            return new BadMessage("json is not read here");
        } catch (JsonParseException cut) {
            return new BadMessage("bad_json");
        }
    }

    private static void check(FrameHeader header, byte[] part1) {
        require(header.seq >= 0 && !Double.isNaN(header.exposureMs), "bad_number");
        require(isSide(header.widthPx) && isSide(header.heightPx), "absurd_shape");
        require(header.pixelType != FrameHeader.PixelType.UNSPECIFIED, "unknown_pixel_type");
        require(part1 != null, "wrong_part_count");
        if (header.pixelsCrc32c != null) {
            require(header.pixelsCrc32c == crc32c(part1), "bad_checksum");
        }
        boolean raw = header.compression.ordinal() <= FrameHeader.Compression.RAW.ordinal();
        int bytes = header.pixelType.ordinal() * header.widthPx * header.heightPx;
        require(!raw || part1.length == bytes, "wrong_pixel_count");
    }

    private static boolean isSide(int px) {
        return px > 0 && px <= Pixels.SIDE_MAX_PX;
    }

    private static void require(boolean holds, String otherwise) {
        if (!holds) {
            throw new BadMessage(otherwise);
        }
    }

    private static int crc32c(byte[] bytes) {
        int crc = -1;
        for (byte one : bytes) {
            crc ^= one & 0xff;
            for (int bit = 0; bit < 8; bit++) {
                crc = crc >>> 1 ^ ((crc & 1) == 0 ? 0 : 0x82F63B78);
            }
        }
        return ~crc;
    }
}
