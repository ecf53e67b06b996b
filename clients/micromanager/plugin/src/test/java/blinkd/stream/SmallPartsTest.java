package blinkd.stream;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Endpoint, back-off and the check of pixels. */
class SmallPartsTest {
    @Test
    void anEndpointIsReadAsItIsWritten() {
        assertEquals("tcp://127.0.0.1:5766", Endpoint.parse(" tcp://127.0.0.1:5766 ").toString());
        assertEquals("::1", Endpoint.parse("tcp://[::1]:5766").host);
        assertEquals("tcp://[::1]:5766", Endpoint.parse("tcp://[::1]:5766").toString());
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "127.0.0.1:5766", "ipc:///tmp/blinkd", "tcp://", "tcp://:5766", "tcp://localhost",
        "tcp://localhost:", "tcp://localhost:0", "tcp://localhost:65536", "tcp://localhost:57x6"})
    void anythingElseIsRefusedWithTheRule(String wrong) {
        IllegalArgumentException refused =
                assertThrows(IllegalArgumentException.class, () -> Endpoint.parse(wrong));
        assertTrue(refused.getMessage().contains("'" + wrong + "'"), refused.getMessage());
        assertTrue(refused.getMessage().contains("5766"), refused.getMessage());
    }

    @Test
    void triesComeAtOnceThenSeldomerUpToALimitAndAtOnceAgainAfterSuccess() {
        Backoff backoff = new Backoff();
        assertTrue(backoff.isDue(0));
        long nowMs = 0;
        long[] waits = {100, 200, 400, 800, 1600, 2000, 2000};
        for (long waitMs : waits) {
            backoff.failed(nowMs);
            assertFalse(backoff.isDue(nowMs + waitMs - 1));
            nowMs += waitMs;
            assertTrue(backoff.isDue(nowMs));
        }
        backoff.succeeded();
        assertTrue(backoff.isDue(0));
    }

    @Test
    void pixelsThatCannotBeSentAreNamedWithARemedy() {
        assertNull(Pixels.trouble(new byte[6], 2, 3));
        assertNull(Pixels.trouble(new short[6], 3, 2));
        assertTrue(Pixels.trouble(new float[6], 2, 3).contains("8bit or 16bit"));
        assertTrue(Pixels.trouble(null, 2, 3).contains("8bit or 16bit"));
        assertTrue(Pixels.trouble(new byte[24], 2, 3).contains("holds 24 values"));
        assertTrue(Pixels.trouble(new byte[0], 0, 3).contains("1 to 16384"));
        assertTrue(Pixels.trouble(new byte[16_385], 16_385, 1).contains("1 to 16384"));
    }
}
