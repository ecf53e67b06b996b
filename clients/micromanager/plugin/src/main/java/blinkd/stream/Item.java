package blinkd.stream;

import java.util.function.LongFunction;

/**
 * A message that waits. Its part 0 is made when its turn has come, as it says when it was sent and, at a series' end,
 * what became of the frames.
 */
final class Item {
    /** From the time of sending (UTC, ns) to part 0. */
    final LongFunction<byte[]> part0;
    /** Null for a control message; else byte[] or short[], which nobody may write to. */
    final Object pixels;

    final int pixelBytes;
    /** Of the frame's series; null for a control message. */
    final Account account;
    /** Done when the message has left the queue, sent or not. */
    final Runnable afterwards;

    private Item(LongFunction<byte[]> part0, Object pixels, int pixelBytes, Account account, Runnable afterwards) {
        this.part0 = part0;
        this.pixels = pixels;
        this.pixelBytes = pixelBytes;
        this.account = account;
        this.afterwards = afterwards;
    }

    static Item control(LongFunction<byte[]> part0) {
        return last(part0, () -> {});
    }

    /** The last message of a series. */
    static Item last(LongFunction<byte[]> part0, Runnable afterwards) {
        return new Item(part0, null, 0, null, afterwards);
    }

    static Item frame(LongFunction<byte[]> part0, Object pixels, Account account) {
        return new Item(part0, pixels, Pixels.bytes(pixels), account, () -> {});
    }

    boolean isFrame() {
        return account != null;
    }
}
