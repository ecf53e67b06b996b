package blinkd.stream;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * Pixels as Java has them, byte[] or short[], and as the wire wants them: little-endian, row-major, unpadded.
 *
 * <p>In: the array that an image holds. Out: a buffer that is used again for the next frame. Never: a change of the
 * array. For one thread.
 */
public final class Pixels {
    /** The daemon refuses more. */
    public static final int SIDE_MAX_PX = 16_384;

    private ByteBuffer buffer = ByteBuffer.allocate(0);

    /** 1 or 2 bytes for each element. */
    static int bytes(Object pixels) {
        return pixels instanceof byte[] ? ((byte[]) pixels).length : 2 * ((short[]) pixels).length;
    }

    /** Why an image cannot be sent, with the remedy; null: it can. */
    public static String trouble(Object pixels, int widthPx, int heightPx) {
        boolean eight = pixels instanceof byte[];
        if (!eight && !(pixels instanceof short[])) {
            return "pixels of 8 or 16 bits without colour are needed: choose PixelType 8bit or 16bit in the Device "
                    + "Property Browser";
        }
        if (widthPx < 1 || heightPx < 1 || widthPx > SIDE_MAX_PX || heightPx > SIDE_MAX_PX) {
            return "an image of " + widthPx + " x " + heightPx + " px: each side must have 1 to " + SIDE_MAX_PX;
        }
        long there = eight ? ((byte[]) pixels).length : ((short[]) pixels).length;
        if (there != (long) widthPx * heightPx) {
            return "an image of " + widthPx + " x " + heightPx + " px holds " + there
                    + " values: choose a PixelType without colour (8bit or 16bit)";
        }
        return null;
    }

    /** Valid until the next call. */
    ByteBuffer littleEndian(Object pixels) {
        if (pixels instanceof byte[]) {
            return ByteBuffer.wrap((byte[]) pixels).asReadOnlyBuffer();
        }
        int length = bytes(pixels);
        if (buffer.capacity() != length) {
            // Direct, so that the socket needs no copy of its own.
            buffer = ByteBuffer.allocateDirect(length).order(ByteOrder.LITTLE_ENDIAN);
        }
        // Buffer's own methods, not ByteBuffer's later ones: this runs on Java 8.
        ((java.nio.Buffer) buffer).clear();
        buffer.asShortBuffer().put((short[]) pixels);
        return buffer;
    }
}
