package blinkd.micromanager;

import static org.junit.jupiter.api.Assertions.assertEquals;

import blinkd.stream.Counts;
import org.junit.jupiter.api.Test;

class StatusLineTest {
    private final StatusLine line = new StatusLine();

    private static StatusBoard.Status status(boolean connected, long sent, String error) {
        return new StatusBoard.Status(true, connected, new Counts(sent + 7, sent, 3, 4), error);
    }

    @Test
    void itSaysRateAndCountsOfTheTimeBetweenTwoLooks() {
        line.next(status(true, 100, ""), 1000);
        assertEquals(
                "connected, 98.0 frames/s, 149 sent, 3 waiting, 4 dropped; last error: none",
                line.next(status(true, 149, ""), 1500));
    }

    @Test
    void aLostDaemonAndTheLastErrorStandOut() {
        assertEquals(
                "NOT CONNECTED, 0.0 frames/s, 5 sent, 3 waiting, 4 dropped; last error: it hung up",
                line.next(status(false, 5, "it hung up"), 1000));
    }

    @Test
    void aNewAcquisitionThatCountsFromZeroHasNoNegativeRate() {
        line.next(status(true, 1000, ""), 1000);
        assertEquals(
                "connected, 0.0 frames/s, 1 sent, 3 waiting, 4 dropped; last error: none",
                line.next(status(true, 1, ""), 1500));
    }

    @Test
    void beforeTheFirstAcquisitionItSaysWhenItConnects() {
        assertEquals(
                "idle (connects when an acquisition starts), 0.0 frames/s, 0 sent, 0 waiting, 0 dropped; last error: "
                        + "none",
                line.next(new StatusBoard().look(), 1000));
    }
}
