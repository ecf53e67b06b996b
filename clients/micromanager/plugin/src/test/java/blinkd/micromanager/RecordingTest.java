package blinkd.micromanager;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertNull;

import blinkd.stream.EndReason;
import blinkd.stream.FrameHeader;
import blinkd.stream.SeriesStart;
import blinkd.stream.Written;
import blinkd.studio.FakeImage;
import blinkd.studio.FakeSummary;
import java.awt.Rectangle;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.micromanager.MultiStagePosition;
import org.micromanager.data.Coords;

/** What an acquisition becomes on the wire. */
@Timeout(value = 60, unit = TimeUnit.SECONDS)
class RecordingTest {
    private final Random random = new Random(2);
    private Written written;
    private boolean overflowed;

    @BeforeEach
    void listens() throws IOException {
        written = new Written();
    }

    @AfterEach
    void closes() throws IOException {
        written.close();
    }

    private Recording recording(FakeSummary summary) {
        StudioCore core = new StudioCore() {
            @Override
            public int remainingImages() {
                return 3;
            }

            @Override
            public boolean overflowed() {
                return overflowed;
            }
        };
        return new Recording(new Plan(summary), written.stream, core, written.clock, "1.2");
    }

    private FakeImage image(int position, int time) {
        FakeImage image = FakeImage.noise(random, 8).at(Coords.STAGE_POSITION, position).at(Coords.TIME_POINT, time);
        image.imageNumber = (long) time;
        return image;
    }

    @Test
    void aGridOfThePositionListBecomesTilesWithRowsAndColumnsAndIntendedPositions() {
        Recording recording = recording(FakeSummary.grid("scan", 2, 2, 3, 50.0));
        for (int position = 0; position < 6; position++) {
            recording.image(image(position, 0));
            recording.image(image(position, 1));
        }
        recording.end();
        List<FrameHeader> frames = written.frames(12);
        int[][] places = {{0, 0}, {0, 1}, {0, 2}, {1, 2}, {1, 1}, {1, 0}};
        for (int i = 0; i < 12; i++) {
            FrameHeader frame = frames.get(i);
            assertEquals(i, frame.seq);
            assertEquals(i / 2, frame.tileIndex);
            assertArrayEquals(places[i / 2], new int[] {frame.tileRow, frame.tileColumn});
            assertEquals(i % 2, frame.frameInTile);
            assertEquals(2, frame.framesPerTile);
            assertEquals(places[i / 2][1] * 50.0, frame.stageXUm);
            assertEquals(-places[i / 2][0] * 50.0, frame.stageYUm);
            assertEquals(1.5, frame.stageZUm);
            assertEquals(FrameHeader.PositionSource.INTENDED, frame.positionSource);
            assertEquals(FrameHeader.Continuity.BURST, frame.continuity);
            assertEquals(3, frame.coreQueueDepth);
            assertEquals((long) (i % 2), frame.cameraImageNumber);
        }
        SeriesStart start = written.starts.get(0);
        assertEquals("scan", start.name);
        assertEquals("Micro-Manager plugin 1.2, Micro-Manager 2.0.3 (a stub)", start.source);
        assertArrayEquals(new int[] {2, 3, 6}, new int[] {start.gridRows, start.gridColumns, start.expectedTiles});
        assertEquals(true, start.snake);
        assertEquals(12, start.expectedFrames);
        assertEquals(0.6912, start.overlapX);
        assertEquals(SeriesStart.OverlapUnit.UM, start.overlapUnit);
        assertEquals(108.0, start.pixelSizeXNm);
        assertArrayEquals(new double[] {0.108, 0, 0, 0, -0.108, 0}, start.affineUm);
        assertArrayEquals(new long[] {EndReason.COMPLETED.ordinal(), 12, 12, 0, 11}, written.end());
        // Once at the start or the connection, or both, and once at each tile but the first.
        assertEquals(true, written.starts.size() >= 6, "starts: " + written.starts.size());
    }

    @Test
    void eachCameraHasASeriesOfItsOwn() {
        Recording recording = recording(FakeSummary.burst("two", 2));
        for (int time = 0; time < 2; time++) {
            for (int camera = 0; camera < 2; camera++) {
                FakeImage image = image(0, time).at(Coords.CHANNEL, camera);
                image.camera = "Camera " + camera;
                recording.image(image);
            }
        }
        List<FrameHeader> frames = written.frames(4);
        for (int i = 0; i < 4; i++) {
            assertEquals("Camera " + i % 2, frames.get(i).camera);
            assertEquals(i / 2, frames.get(i).seq);
            assertArrayEquals(frames.get(i % 2).seriesId, frames.get(i).seriesId);
        }
        assertNotEquals(id(frames.get(0)), id(frames.get(1)));
    }

    @Test
    void framesOfSnapAndLiveAreSamplesWithMeasuredPositions() {
        Recording recording = recording(new FakeSummary());
        FakeImage image = image(0, 0);
        image.xUm = 1.0;
        image.yUm = 2.0;
        image.zUm = 3.0;
        recording.image(image);
        FrameHeader frame = written.frames(1).get(0);
        assertEquals(FrameHeader.Continuity.LIVE_SAMPLED, frame.continuity);
        assertEquals(FrameHeader.PositionSource.MEASURED, frame.positionSource);
        assertEquals(3.0, frame.stageZUm);
        assertEquals(0, frame.framesPerTile);
        assertEquals("Snap/Live", written.starts.get(0).name);
    }

    @Test
    void framesWithAnIntervalLongerThanTheExposureAreSamples() {
        for (double intervalMs : new double[] {0.0, 9.0, 1000.0}) {
            FakeSummary summary = FakeSummary.burst("time lapse", 1);
            summary.waitIntervalMs = intervalMs;
            recording(summary).image(image(0, 0));
            boolean sampled = written.frames(1).get(0).continuity == FrameHeader.Continuity.LIVE_SAMPLED;
            assertEquals(intervalMs > 10.0, sampled, "interval " + intervalMs);
        }
    }

    @Test
    void channelsThatOneCameraTakesInTurnsAreSeriesWithoutNeighbours() {
        FakeSummary summary = FakeSummary.burst("two colours", 2);
        summary.channels.add("Cy3");
        summary.channels.add("Cy5");
        Recording recording = recording(summary);
        for (int time = 0; time < 2; time++) {
            for (int channel = 0; channel < 2; channel++) {
                recording.image(image(0, time).at(Coords.CHANNEL, channel));
            }
        }
        List<FrameHeader> frames = written.frames(4);
        assertNotEquals(id(frames.get(0)), id(frames.get(1)));
        assertEquals(id(frames.get(0)), id(frames.get(2)));
        int[] inTile = frames.stream().mapToInt(frame -> frame.frameInTile).toArray();
        assertArrayEquals(new int[] {0, 0, 2, 2}, inTile);
        assertEquals("two colours Cy3", written.starts.get(0).name);
    }

    @Test
    void liveAfterAPauseIsANewSeries() {
        Recording recording = recording(new FakeSummary());
        recording.image(image(0, 0));
        written.clock.advance(Recording.LIVE_PAUSE_MS);
        recording.image(image(0, 0));
        written.clock.advance(Recording.LIVE_PAUSE_MS + 1);
        recording.image(image(0, 0));
        List<FrameHeader> frames = written.frames(3);
        assertEquals(id(frames.get(0)), id(frames.get(1)));
        assertNotEquals(id(frames.get(1)), id(frames.get(2)));
        assertEquals(0, frames.get(2).seq);
    }

    @Test
    void imagesOfAnotherShapeAreANewSeries() {
        Recording recording = recording(new FakeSummary());
        recording.image(image(0, 0));
        recording.image(FakeImage.noise(random, 9));
        FrameHeader first = written.frames(1).get(0);
        assertArrayEquals(new long[] {EndReason.COMPLETED.ordinal(), 1, 1, 0, 0}, written.end());
        FrameHeader second = written.frames(1).get(0);
        assertNotEquals(id(first), id(second));
        assertEquals(9, second.widthPx);
    }

    @Test
    void framesOfOneFocusAreNeighboursAndThoseOfTwoAreNot() {
        FakeSummary stack = FakeSummary.burst("stack", 2);
        stack.dimensions.set(Coords.Z_SLICE, 2);
        Recording recording = recording(stack);
        for (int slice = 0; slice < 2; slice++) {
            for (int time = 0; time < 2; time++) {
                FakeImage image = image(0, time).at(Coords.Z_SLICE, slice);
                image.xUm = 0.0;
                image.yUm = 0.0;
                image.zUm = 0.5 * slice;
                recording.image(image);
            }
        }
        List<FrameHeader> frames = written.frames(4);
        int[] inTile = frames.stream().mapToInt(frame -> frame.frameInTile).toArray();
        assertArrayEquals(new int[] {0, 1, 3, 4}, inTile);
        assertEquals(0.5, frames.get(3).stageZUm);
        assertEquals(4, frames.get(3).framesPerTile);
    }

    @Test
    void aPositionThatIsVisitedAgainGoesOnCounting() {
        Recording recording = recording(FakeSummary.grid("time first", 2, 1, 2, 50.0));
        for (int time = 0; time < 2; time++) {
            recording.image(image(0, time));
            recording.image(image(1, time));
        }
        int[] inTile = written.frames(4).stream().mapToInt(frame -> frame.frameInTile).toArray();
        assertArrayEquals(new int[] {0, 0, 1, 1}, inTile);
    }

    @Test
    void anAcquisitionThatStopsEarlyIsAbortedOrOverflowed() {
        for (boolean full : new boolean[] {false, true}) {
            overflowed = full;
            Recording recording = recording(FakeSummary.burst("short", 100));
            recording.image(image(0, 0));
            recording.end();
            EndReason want = full ? EndReason.OVERFLOW : EndReason.ABORTED;
            assertArrayEquals(new long[] {want.ordinal(), 1, 1, 0, 0}, written.end());
        }
    }

    @Test
    void eightBitsRoiAndBinningAreSaid() {
        FakeImage image = new FakeImage(new byte[8 * 4], 8, 4);
        image.roi = new Rectangle(100, 200, 8, 4);
        image.binning = 2;
        assertNull(recording(FakeSummary.burst("small", 1)).image(image));
        FrameHeader frame = written.frames(1).get(0);
        assertEquals(FrameHeader.PixelType.U8, frame.pixelType);
        assertArrayEquals(new int[] {8, 4, 100, 200, 2},
                new int[] {frame.widthPx, frame.heightPx, frame.roiXPx, frame.roiYPx, frame.binning});
    }

    @Test
    void theBitsOfTheCameraAreSaidSoThatSaturationIsSeen() {
        Integer[][] cases = {{12, 12}, {null, 0}, {0, 0}, {24, 0}};
        for (Integer[] one : cases) {
            FakeImage image = image(0, 0);
            image.bitDepth = one[0];
            Recording recording = recording(FakeSummary.burst("bits", 1));
            recording.image(image);
            recording.end();
            written.end();
            assertEquals(one[1], written.starts.get(written.starts.size() - 1).bitDepth);
        }
    }

    @Test
    void positionsOfAListThatIsNoGridHaveNeitherRowsNorColumnsButTheirPlaces() {
        FakeSummary summary = FakeSummary.burst("by hand", 1);
        List<MultiStagePosition> listed = new ArrayList<>();
        for (int i = 0; i < 3; i++) {
            listed.add(new MultiStagePosition("XY", 10.0 * i, 0.0, "Z", 0.0));
        }
        summary.positions.addAll(listed);
        summary.dimensions.set(Coords.STAGE_POSITION, 3);
        Recording recording = recording(summary);
        recording.image(image(2, 0));
        FrameHeader frame = written.frames(1).get(0);
        assertArrayEquals(new int[] {2, 0, 0}, new int[] {frame.tileIndex, frame.tileRow, frame.tileColumn});
        assertEquals(20.0, frame.stageXUm);
        assertEquals(0, written.starts.get(0).gridRows);
        assertEquals(3, written.starts.get(0).expectedTiles);
    }

    @Test
    void aPositionListThatTheAcquisitionDoesNotUseSaysNothing() {
        FakeSummary summary = FakeSummary.grid("here only", 1, 3, 3, 50.0);
        summary.dimensions.set(Coords.STAGE_POSITION, 1);
        FakeImage image = image(0, 0);
        image.xUm = 7.0;
        image.yUm = 8.0;
        recording(summary).image(image);
        FrameHeader frame = written.frames(1).get(0);
        assertEquals(7.0, frame.stageXUm);
        assertEquals(1, written.starts.get(0).expectedTiles);
        assertEquals(0, written.starts.get(0).gridRows);
    }

    private static String id(FrameHeader frame) {
        return java.util.Arrays.toString(frame.seriesId);
    }
}
