package blinkd.micromanager;

import blinkd.stream.FrameHeader;
import blinkd.stream.SeriesPublisher;
import blinkd.stream.Tile;

/**
 * The series of one camera and channel within a recording.
 *
 * <p>In: headers and pixels in the order of acquisition. Out: the same to the publisher, with tiles begun where the
 * stage position changes and bursts broken where the focus does. Never: frames of another shape, type or binning than
 * the first: those need a series of their own ({@link #fits}).
 */
final class CameraSeries {
    private final SeriesPublisher publisher;
    private final FrameHeader first;
    private int position = -1;
    private int slice;

    CameraSeries(SeriesPublisher publisher, FrameHeader first) {
        this.publisher = publisher;
        this.first = first;
    }

    boolean fits(FrameHeader header) {
        return header.widthPx == first.widthPx
                && header.heightPx == first.heightPx
                && header.pixelType == first.pixelType
                && header.binning == first.binning;
    }

    void offer(FrameHeader header, Object pixels, Tile tile, int itsSlice) {
        if (tile.index != position) {
            publisher.beginTile(tile);
        } else if (itsSlice != slice) {
            publisher.breakBurst();
        }
        position = tile.index;
        slice = itsSlice;
        publisher.frame(header, pixels);
    }

    /** The next frame is no neighbour in time of the last one. */
    void breakBurst() {
        publisher.breakBurst();
    }

    SeriesPublisher publisher() {
        return publisher;
    }
}
