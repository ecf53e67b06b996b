package blinkd.stream;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Random;
import org.junit.jupiter.api.Test;

class OutboxTest {
    private static final long BYTES = 1000;

    private final Account account = new Account();
    private final Outbox outbox = new Outbox(3, BYTES);

    private Item frame(int bytes) {
        return Item.frame(sentUnixNs -> new byte[0], new byte[bytes], account);
    }

    private static Item control() {
        return Item.control(sentUnixNs -> new byte[0]);
    }

    @Test
    void oneMoreThanTheLimitIsDroppedAndCounted() {
        for (int i = 0; i < 4; i++) {
            assertEquals(i < 3, outbox.offer(frame(1)));
        }
        assertEquals("4 captured, 0 sent, 3 waiting, 1 dropped", outbox.counts().toString());
    }

    @Test
    void bytesAreLimitedTooButOneFrameAlwaysFits() {
        assertTrue(outbox.offer(frame(5000)));
        assertFalse(outbox.offer(frame(1)));
    }

    @Test
    void controlMessagesFindRoomBesidesFramesUpToTheirOwnLimit() {
        while (outbox.offer(frame(1))) {
            continue;
        }
        for (int i = 0; i < Outbox.CONTROLS_MAX; i++) {
            assertTrue(outbox.control(control()));
        }
        assertFalse(outbox.control(control()));
        assertEquals(1, outbox.controlsLost());
    }

    @Test
    void theHeadStaysUntilItIsSent() throws InterruptedException {
        Item first = frame(1);
        outbox.offer(first);
        outbox.offer(frame(1));
        assertSame(first, outbox.head(0));
        assertSame(first, outbox.head(0));
        outbox.sent(first);
        outbox.sent(first); // twice changes nothing
        assertEquals("2 captured, 1 sent, 1 waiting, 0 dropped", outbox.counts().toString());
    }

    @Test
    void aClosedOneTakesNothingButLetsOutWhatWaits() throws InterruptedException {
        Item first = frame(1);
        outbox.offer(first);
        outbox.close();
        assertFalse(outbox.offer(frame(1)));
        assertFalse(outbox.control(control()));
        assertSame(first, outbox.head(1000));
        outbox.sent(first);
        assertNull(outbox.head(1000)); // at once
    }

    @Test
    void everyFrameIsAccountedForWhateverHappens() throws InterruptedException {
        Random random = new Random(17);
        long offered = 0;
        for (int i = 0; i < 10_000; i++) {
            Item head = outbox.head(0);
            switch (random.nextInt(5)) {
                case 0:
                case 1:
                    offered++;
                    outbox.offer(frame(random.nextInt(600)));
                    break;
                case 2:
                    if (head != null) {
                        outbox.sent(head);
                    }
                    break;
                case 3:
                    if (head != null) {
                        outbox.giveUp(head);
                    }
                    break;
                default:
                    if (random.nextInt(20) == 0) {
                        outbox.discard();
                    } else {
                        outbox.control(control());
                    }
            }
            Counts counts = outbox.counts();
            assertEquals(offered, counts.captured);
            assertEquals(offered, counts.sent + counts.waiting + counts.dropped);
            assertEquals(counts.toString(), outbox.counts(account).toString());
        }
    }
}
