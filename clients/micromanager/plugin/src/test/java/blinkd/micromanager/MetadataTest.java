package blinkd.micromanager;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import blinkd.studio.FakeSummary;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.time.Instant;
import java.time.ZoneId;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.micromanager.MultiStagePosition;
import org.micromanager.data.Coords;

/** What is read of times, summaries and position lists. */
class MetadataTest {
    private static final ZoneId ZURICH = ZoneId.of("Europe/Zurich");
    private static final Instant RECEIVED = Instant.parse("2026-11-20T08:25:50.500Z");
    private static final long NOW_NS = RECEIVED.getEpochSecond() * 1_000_000_000L + 700_000_000L;

    @Test
    void aTimeOfReceiptIsReadWithItsZoneOrInLocalTime() {
        long want = NOW_NS - 200_000_000L;
        assertEquals(want, ReceivedTime.unixNs("2026-11-20 09:25:50.500 +0100", NOW_NS, ZoneId.of("UTC")));
        assertEquals(want, ReceivedTime.unixNs("2026-11-20 09:25:50.500", NOW_NS, ZURICH));
        assertEquals(want + 123_000, ReceivedTime.unixNs("2026-11-20 09:25:50.500123", NOW_NS, ZURICH));
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "yesterday", "2026-11-20 09:25:50 +0100", "2026-13-45 09:25:50.500",
        "2026-11-20 11:25:50.500 +0100", "2026-11-20 09:25:50.500 +9900"})
    void aTimeThatCannotBeIsNow(String text) {
        assertEquals(NOW_NS, ReceivedTime.unixNs(text, NOW_NS, ZURICH));
        assertEquals(NOW_NS, ReceivedTime.unixNs(null, NOW_NS, ZURICH));
    }

    @Test
    void theSummaryBecomesJsonWithoutPersonsAndMachines() {
        FakeSummary summary = FakeSummary.burst("COS-7 \"µtubules\"\n\\ \ud83d\udd2c", 10);
        summary.channels.add("Cy5");
        JsonObject json = JsonParser.parseString(SummaryJson.of(summary)).getAsJsonObject();
        assertEquals(summary.prefix, json.get("Prefix").getAsString());
        assertEquals("Cy5", json.getAsJsonArray("ChNames").get(0).getAsString());
        assertEquals(10, json.getAsJsonObject("IntendedDimensions").get(Coords.TIME_POINT).getAsInt());
        assertTrue(json.keySet().stream().noneMatch(key -> key.matches(".*(User|Profile|Computer|Directory).*")));
    }

    @Test
    void aRowByRowScanIsNoSnake() {
        FakeSummary summary = new FakeSummary();
        for (int i = 0; i < 4; i++) {
            MultiStagePosition position = new MultiStagePosition();
            position.setGridCoordinates(i / 2, i % 2);
            summary.positions.add(position);
        }
        PositionGrid grid = new PositionGrid(summary.positions);
        assertEquals(2, grid.rows);
        assertEquals(false, grid.snake);
        assertEquals(null, grid.xyUm(0)); // no stage in the list
        assertEquals(null, grid.zUm(0));
        assertEquals(0.0, grid.overlapXUm);
        assertEquals(0, grid.row(17)); // beyond the list
    }

    @Test
    void oneOverlapForBothDirectionsIsReadAndAnUnreadableOneIsNone() {
        MultiStagePosition position = new MultiStagePosition();
        position.setProperty("OverlapUm", "2.5");
        position.setProperty("OverlapUmY", "wide");
        PositionGrid grid = new PositionGrid(java.util.Collections.singletonList(position));
        assertEquals(2.5, grid.overlapXUm);
        assertEquals(0.0, grid.overlapYUm);
    }

    @Test
    void aSummaryWithoutDimensionsIsNoPlan() {
        assertEquals(false, new Plan(null).planned);
        assertEquals(false, new Plan(new FakeSummary()).planned);
        assertEquals(0, new Plan(new FakeSummary()).expectedFrames());
        assertEquals(true, new Plan(FakeSummary.burst("a", 5)).planned);
        assertEquals(5, new Plan(FakeSummary.burst("a", 5)).expectedFrames());
    }
}
